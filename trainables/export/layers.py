"""Source code that constructs a layer of torch, with only those arguments that differ from the defaults.

The code is run: the layer that it constructs must have the same `repr` and the same shapes of tensors as the original,
else the layer is refused.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from search_spaces.whole_numbers import is_whole
from trainables.export.expressions import Bracket, Entry, Number, Piece, SourceText, flat
from trainables.export.tracing import UntraceableError

__all__ = ["constructed", "literal"]

_SKIPPED = ("self", "device", "dtype")


def constructed(layer: nn.Module) -> Piece:
    """Write the call that constructs a layer of torch, such as `nn.Conv2d(16, 32, 3, padding=1, bias=False)`.

    Args:
        layer: the layer.

    Returns:
        The call.

    Raises:
        UntraceableError: the layer is not of `torch.nn`, or its attributes do not determine it.
    """
    kind = type(layer)
    if getattr(nn, kind.__name__, None) is not kind:
        raise UntraceableError(f"{kind.__module__}.{kind.__name__} is not in torch.nn")
    try:
        return _checked(layer, _call(layer, _plain))
    except UntraceableError:
        # Some layers, such as poolings, keep (3, 3) apart from 3 in their repr.
        return _checked(layer, _call(layer, _as_it_is))


def _call(layer: nn.Module, value_of: Callable[[Any, str], Any]) -> Bracket:
    kind = type(layer)
    items = []
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in _SKIPPED or name.startswith("_"):
            continue
        item = _item(layer, name, parameter, value_of)
        if item is not None:
            items.append(item)
    return Bracket(f"nn.{kind.__name__}(", tuple(items), ")")


def literal(value: Any, role: str = "size") -> Piece:
    """Write a constant.

    Args:
        value: a number, text, None, dtype or memory format, or a tuple or list of them.
        role: the role of whole numbers, which may become arguments.

    Returns:
        The source.

    Raises:
        UntraceableError: the value is of another kind.
    """
    if isinstance(value, bool) or value is None:
        return SourceText(repr(value))
    if isinstance(value, int):
        return Number(value, role)
    if isinstance(value, str):
        return SourceText(f'"{value}"' if '"' not in value and "\\" not in value else repr(value))
    if isinstance(value, tuple | list | torch.Size):
        opening, closing = ("[", "]") if isinstance(value, list) else ("(", ")")
        return Bracket(opening, tuple(Entry("", literal(item, role)) for item in value), closing)
    if isinstance(value, float):
        return SourceText(repr(value) if value == value and abs(value) != float("inf") else f'float("{value}")')
    if isinstance(value, torch.dtype | torch.memory_format):
        return SourceText(str(value))
    raise UntraceableError(f"a constant of the kind {type(value).__name__} cannot be written")


def _item(
    layer: nn.Module, name: str, parameter: inspect.Parameter, value_of: Callable[[Any, str], Any]
) -> Entry | None:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD) or not hasattr(layer, name):
        return None
    value = value_of(getattr(layer, name), name)
    required = parameter.default is parameter.empty
    if name == "stride" and parameter.default is None and value == _plain(getattr(layer, "kernel_size", None), ""):
        return None  # the default stride of a pooling is the size of its kernel
    if not required and value == parameter.default and not _counts(parameter.default):
        return None
    default = parameter.default if _counts(parameter.default) else None
    return Entry("" if required else f"{name}=", literal(value, name), default)


def _counts(value: Any) -> bool:
    return is_whole(value)


def _plain(value: Any, name: str) -> Any:
    """Simplify the value of an attribute: a bias to True or False, a tuple of equal numbers to one number."""
    if name == "bias":
        return value if isinstance(value, bool) else value is not None
    if isinstance(value, tuple | torch.Size) and value and all(item == value[0] for item in value):
        return value[0]
    return value


def _as_it_is(value: Any, name: str) -> Any:
    return _plain(value, name) if name == "bias" else value


def _checked(layer: nn.Module, piece: Bracket) -> Bracket:
    source = flat(piece)
    try:
        with torch.device("meta"):
            made = eval(source, {"nn": nn, "torch": torch})  # noqa: S307 -- our own line, of torch's names and literals
    except Exception as error:
        raise UntraceableError(f"{source} fails: {error}") from error
    shapes, wanted = ({name: tensor.shape for name, tensor in one.state_dict().items()} for one in (made, layer))
    if shapes != wanted or repr(made) != repr(layer):
        raise UntraceableError(f"{layer!r} cannot be told from its attributes: {source} is another layer")
    return piece
