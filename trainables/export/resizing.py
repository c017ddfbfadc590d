"""Layers that were made smaller after their network was built: what `trainables.build` cannot know, as numbers.

Weights tell their own shapes. What they do not tell (channels of a layer whose state is shared out in groups, say) is
kept by layer and attribute, for layers that differ from those that were built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from trainables.errors import CheckpointError

__all__ = ["Sizes", "changed_sizes", "resize"]

Sizes = Mapping[str, Mapping[str, Any]]
"""Attributes by the path of their layer."""

_ATTRIBUTES = (
    "in_channels",
    "out_channels",
    "groups",
    "in_features",
    "out_features",
    "num_features",
    "num_channels",
    "num_groups",
    "normalized_shape",
    "num_parameters",
)


def changed_sizes(built: nn.Module, now: nn.Module) -> dict[str, dict[str, Any]]:
    """What the layers of `now` have other than those of `built`, of which it is a changed copy."""
    found: dict[str, dict[str, Any]] = {}
    for path, module in built.named_modules():
        other = now.get_submodule(path)
        names = [name for name in _ATTRIBUTES if name in vars(module) and vars(module)[name] != vars(other)[name]]
        if names:
            found[path] = {name: _plain(vars(other)[name]) for name in names}
    return found


def resize(network: nn.Module, sizes: Sizes, weights: Mapping[str, Tensor]) -> None:
    """Make the layers of `network` as `sizes` says, and its tensors of the shapes of `weights`, their values undefined.

    Raises:
        CheckpointError: the network has no such layer, or no such attribute of it.
    """
    modules = dict(network.named_modules())
    for path, attributes in sizes.items():
        for name, value in attributes.items():
            if path not in modules or name not in _ATTRIBUTES or name not in vars(modules[path]):
                raise CheckpointError(f"layer {path!r} has no {name} to change; the files are of another network")
            setattr(modules[path], name, tuple(value) if isinstance(value, list) else value)
    for name, tensor in weights.items():
        owner, _, own = name.rpartition(".")
        if owner in modules:
            _reshape(modules[owner], own, tensor.shape)


def _reshape(module: nn.Module, name: str, shape: torch.Size) -> None:
    parameter, buffer = module._parameters.get(name), module._buffers.get(name)
    if parameter is not None and parameter.shape != shape:
        module._parameters[name] = nn.Parameter(parameter.detach().new_empty(shape), parameter.requires_grad)
    if buffer is not None and buffer.shape != shape:
        module._buffers[name] = buffer.new_empty(shape)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
