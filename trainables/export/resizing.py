"""Sizes of layers that were made smaller after `trainables.build`, which therefore cannot rebuild the network alone.

The shapes of the weights do not determine every size, such as the input channels of a convolution in groups. For each
layer that differs from the one that was built, these sizes are stored by layer and attribute.
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
    """Find the sizes of layers that have changed.

    Args:
        built: the network as `trainables.build` makes it.
        now: a changed copy of it.

    Returns:
        The changed attributes of `now` by the paths of their layers.
    """
    found: dict[str, dict[str, Any]] = {}
    for path, module in built.named_modules():
        other = now.get_submodule(path)
        names = [name for name in _ATTRIBUTES if name in vars(module) and vars(module)[name] != vars(other)[name]]
        if names:
            # JSON, which stores the sizes, has no tuples.
            values = {name: vars(other)[name] for name in names}
            found[path] = {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
    return found


def resize(network: nn.Module, sizes: Sizes, weights: Mapping[str, Tensor]) -> None:
    """Change the layers of a network to other sizes. The values of changed tensors are undefined afterwards.

    Args:
        network: the network, changed in place.
        sizes: the attributes by the paths of their layers, from `changed_sizes`.
        weights: the state dict that the network should fit; only its shapes are used.

    Raises:
        CheckpointError: the network has no such layer, or the layer has no such attribute.
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
