"""Layers of decided size, with weights that are cut from the layer of the largest size.

The leading channels and the centre of kernels are kept. Weights that cannot be cut in this way (the gates of an LSTM,
the heads of an attention, groups of another size) are initialised as in a new layer.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from search_spaces.errors import SpaceError
from search_spaces.nn.layers import Arguments
from search_spaces.nn.values import DECIDED

__all__ = ["decide_layer", "slice_of"]

_CUTTABLE = (
    _ConvNd,
    _NormBase,
    nn.Bilinear,
    nn.Embedding,
    nn.EmbeddingBag,
    nn.GroupNorm,
    nn.LayerNorm,
    nn.Linear,
    nn.PReLU,
    nn.RMSNorm,
)
_HOOKS = tuple(name for name in vars(nn.Module()) if name.endswith(("hooks", "hooks_with_kwargs", "always_called")))


def decide_layer(layer: nn.Module, arguments: Arguments, place: str, memo: dict[Any, Any]) -> None:
    """Put the decided copy of a layer into a memo of `copy.deepcopy`.

    Args:
        layer: the layer, built with every choice at its largest.
        arguments: the arguments of the layer.
        place: the path of the layer in the module, for errors.
        memo: the memo; it has the valuation under the key `DECIDED`, and gets the copy.

    Raises:
        SpaceError: the layer has become one of another class, or cannot be built with the decided arguments.
    """
    if type(layer) is not arguments.layer:
        found, expected = type(layer).__name__, arguments.layer.__name__
        raise SpaceError(f"{place}: the {expected} became a {found}; parametrize layers after freezing")
    decide = memo[DECIDED]
    with torch.device("meta"):
        made = arguments.build(decide, place, **({"device": None} if "device" in arguments.values else {}))
    fresh: nn.Module | None = None
    for name, part in made.named_modules():
        old = layer.get_submodule(name)
        part.training = old.training
        for key in _tensors(part):
            cut = _cut(old, part, key, memo)
            if cut is None:
                fresh = fresh or _fresh(layer, arguments, place, decide)
                cut = _tensors(fresh.get_submodule(name))[key].requires_grad_(_requires_grad(old, key))
            setattr(part, key, cut)
    memo[id(layer)] = made
    _keep_extras(layer, made, memo)


def slice_of(layer: nn.Module, smaller: nn.Module, name: str) -> Tensor | None:
    """Find the slice of a layer's tensor that a smaller layer uses: the weights that `decide_layer` would copy.

    Args:
        layer: the large layer.
        smaller: the same kind of layer in a smaller size.
        name: the name of the tensor, as in the state dict.

    Returns:
        A view of the tensor; None where it cannot be cut.
    """
    path, _, key = name.rpartition(".")
    old, new = layer.get_submodule(path), smaller.get_submodule(path)
    source, shape = _tensors(old).get(key), tuple(_tensors(new)[key].shape)
    if source is None or not _fits(old, new, key):
        return None
    if source.shape == shape:
        return source
    return _sliced(source, shape) if _is_cuttable(old, source, shape) else None


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """The parameters and buffers of the module itself, without its submodules."""
    tensors = {**module._parameters, **module._buffers}
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _cut(old: nn.Module, new: nn.Module, key: str, memo: dict[Any, Any]) -> Tensor | None:
    """The part of the tensor `key` of `old` in the size of `new`'s; None where it cannot be cut."""
    source, shape = _tensors(old).get(key), _tensors(new)[key].shape
    if source is None or not _fits(old, new, key):
        return None
    if source.shape == shape:
        copied: Tensor = copy.deepcopy(source, memo)
        return copied
    return _copied_slice(source, tuple(shape), memo) if _is_cuttable(old, source, tuple(shape)) else None


def _is_cuttable(old: nn.Module, source: Tensor, shape: tuple[int, ...]) -> bool:
    if not isinstance(old, _CUTTABLE) or source.dim() != len(shape):
        return False
    return all(size <= room for size, room in zip(shape, source.shape, strict=True))


def _sliced(source: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A view of this shape: the leading channels and the centre of the kernel."""
    for dim, size in enumerate(shape):
        room = source.shape[dim]
        if size < room:
            source = source.narrow(dim, 0 if dim < 2 else (room - size) // 2, size)
    return source


def _copied_slice(source: Tensor, shape: tuple[int, ...], memo: dict[Any, Any]) -> Tensor:
    """A copy of the slice of this shape; layers that share `source` share the copy."""
    known = memo.get((id(source), shape))
    if known is None:
        known = _sliced(source.detach(), shape).clone()
        if isinstance(source, nn.Parameter):
            known = nn.Parameter(known, requires_grad=source.requires_grad)
        memo[id(source), shape] = known
    return known


def _fits(old: nn.Module, new: nn.Module, key: str) -> bool:
    """Whether rows and columns of a convolution's weight mean the same channels in both."""
    if not isinstance(old, _ConvNd) or not isinstance(new, _ConvNd) or key != "weight":
        return True
    if old.groups == new.groups:
        same_channels = (old.in_channels, old.out_channels) == (new.in_channels, new.out_channels)
        return same_channels or old.groups == 1
    depthwise = old.groups == old.in_channels and new.groups == new.in_channels
    return depthwise and old.out_channels * new.in_channels == new.out_channels * old.in_channels


def _fresh(layer: nn.Module, arguments: Arguments, place: str, decide: Any) -> nn.Module:
    """The decided layer with new weights, on the device and of the dtype of `layer`'s."""
    like = next(iter(layer.state_dict().values()))
    with torch.device(like.device):
        return arguments.build(decide, place).to(like.device, like.dtype)


def _requires_grad(old: nn.Module, key: str) -> bool:
    source = old._parameters.get(key)
    return key not in old._buffers if source is None else source.requires_grad


def _keep_extras(layer: nn.Module, made: nn.Module, memo: dict[Any, Any]) -> None:
    """Copy hooks, and attributes that a user has set."""
    for name, held in layer.__dict__.items():
        kept = name != "arguments" and not getattr(held, "is_elastic", False)
        if kept and (name in _HOOKS or name not in made.__dict__):
            made.__dict__[name] = copy.deepcopy(held, memo)
