"""Elastic layers for supernets: they run at the present size of their values, with parts of the largest weights.

`make_elastic(layer)` lets a layer with values compute, in every forward, as the layer that `freeze` would make of it.
The weights are parts of the layer's: the leading channels, the centre of the kernels. They are not copied, so gradients
and running statistics reach the whole weights.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _NormBase

from search_spaces.errors import SpaceError
from search_spaces.nn.cutting import slice_of
from search_spaces.nn.layers import Arguments, recorded_arguments, values_of

__all__ = ["make_elastic"]


def make_elastic(layer: nn.Module, place: str = "") -> None:
    """Let a layer follow the present values of its arguments. Nothing changes if it has no values, or at a second call.

    Args:
        layer: any module.
        place: the path of the layer in the module, for errors.
    """
    arguments = recorded_arguments(layer)
    if arguments is not None and not isinstance(layer.__dict__.get("forward"), _Elastic):
        layer.__dict__["forward"] = _Elastic(layer, arguments, place)


class _Elastic:
    """The forward of `layer`. Its `shells` are the layers of all sizes so far, without weights."""

    is_elastic = True

    def __init__(self, layer: nn.Module, arguments: Arguments, place: str) -> None:
        self.layer, self.arguments, self.place = layer, arguments, place
        held = [value for argument in arguments.values.values() for _, value in values_of(argument)]
        self.choices = list({id(choice): choice for value in held for choice in value.choices()}.values())
        self.shells: dict[tuple[object, ...], nn.Module] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        values = [choice.now for choice in self.choices]
        key = tuple(repr(value) if isinstance(value, list | dict) else value for value in values)
        if key not in self.shells:
            self.shells[key] = self._shell()
        shell = self.shells[key]
        parts = {}
        for name, tensor in [*shell.named_parameters(), *shell.named_buffers()]:
            part = slice_of(self.layer, shell, name)
            if part is None:
                raise SpaceError(
                    f"{self.place or type(self.layer).__name__}: {name} of shape {tuple(tensor.shape)} is not a part "
                    "of that of the largest layer, so that they cannot share weights; decide its values before"
                )
            parts[name] = part
        self._follow(shell)
        return functional_call(shell, parts, args, kwargs)

    def _shell(self) -> nn.Module:
        placed = {"device": None} if "device" in self.arguments.values else {}
        with torch.device("meta"):
            return self.arguments.build(lambda choice: choice.now, self.place, **placed)

    def _follow(self, shell: nn.Module) -> None:
        """Copy the modes of the layer to `shell`, since they may change between two forwards."""
        for name, part in shell.named_modules():
            whole = self.layer.get_submodule(name)
            part.training = whole.training
            if isinstance(part, _NormBase) and isinstance(whole, _NormBase):
                part.track_running_stats, part.momentum = whole.track_running_stats, whole.momentum
