"""From transforms to settings: what a configuration and a checkpoint keep of them."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any, TypeAlias

import torch
from torch import nn

from trainables.errors import TrainableError

__all__ = ["Described", "described"]

Described: TypeAlias = "str | list[Any] | None"
_REFERENCE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")


def described(transforms: object) -> Described:
    """Write transforms as plain values. Nothing of one's own is imported.

    Args:
        transforms: a module of `torchvision.transforms.v2`, or a list of them; a transform or function of a module of
            one's own; names with arguments, as a configuration has them; "module:attribute"; or None.

    Returns:
        A list of names with arguments, a "module:attribute", or None.

    Raises:
        TrainableError: a name or an argument is unknown or impossible, or another process could not import the object.
    """
    if transforms is None:
        return None
    if isinstance(transforms, str):
        if ":" not in transforms:
            return described([transforms])
        if _REFERENCE.fullmatch(transforms) is None:
            raise TrainableError(f"transforms is {transforms!r}; write 'module:attribute', or a list of names")
        return transforms
    if isinstance(transforms, list | tuple):
        return _checked([one if isinstance(one, str | Mapping) else _entry_of(one) for one in transforms])
    if isinstance(transforms, Mapping):
        return _checked([transforms])
    if not callable(transforms):
        raise TrainableError(
            f"transforms is {transforms!r}; give a list of names of torchvision.transforms.v2, a module of it, or "
            "'module:attribute'"
        )
    entries = _entries(transforms)
    return _reference(transforms) if entries is None else _checked(entries)


def _checked(entries: list[Any]) -> list[Any]:
    """Plain values from which transforms are built, in one form: a rotation by 10 is one by [-10, 10]."""
    from trainables.data.transforms.building import built

    try:
        plain: list[Any] = json.loads(json.dumps(entries))
    except (TypeError, ValueError) as error:
        raise TrainableError(f"transforms: {error}; arguments are numbers, texts, lists and tables of them") from error
    transforms: Any = built(plain)
    named = [_named(one) for one in transforms.transforms]
    return [given if name is None else name for name, given in zip(named, plain, strict=True)]


def _entries(transforms: Any) -> list[Any] | None:
    """The names and arguments of a module of torchvision; None where they do not tell all of it."""
    from torchvision.transforms import v2

    inside = [transforms]
    if type(transforms) is v2.Compose:
        inside = list(transforms.transforms)
    elif type(transforms) is nn.Sequential:
        inside = list(transforms)
    found = [_named(one) for one in inside]
    return None if any(one is None for one in found) else found


def _entry_of(one: object) -> Any:
    found = _named(one)
    if found is None:
        raise TrainableError(
            f"transforms has {one!r}, which no name of torchvision.transforms.v2 and its arguments tell; put all of "
            "them into a Compose of a module file, and give that as 'module:attribute'"
        )
    return found


def _named(transform: Any) -> str | dict[str, Any] | None:
    """The name and the arguments of a transform of torchvision, by which an equal one is built."""
    from torchvision.transforms import v2

    from trainables.data.transforms.building import arguments_of, built

    kind = type(transform)
    if not isinstance(transform, v2.Transform) or getattr(v2, kind.__name__, None) is not kind:
        return None
    defaults = inspect.signature(kind).parameters
    arguments: dict[str, Any] = {}
    for name in arguments_of(kind):
        value = _plain(getattr(transform, name, None))
        if value is not None and value != _plain(defaults[name].default):
            arguments[name] = value
    entry = {"name": kind.__name__, **arguments} if arguments else kind.__name__
    try:
        again: Any = built(json.loads(json.dumps([entry])))
    except (TrainableError, TypeError, ValueError):
        return None
    return entry if _same(again.transforms[0], transform) else None


def _plain(value: Any) -> Any:
    """A value of an argument as JSON has it; None for what it cannot hold, and for no value."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, nn.Module):
        return _named(value)
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping | torch.Tensor):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float | str) else None


def _same(one: Any, other: Any) -> bool:
    """Check whether two transforms have the same state."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and torch.equal(one, other)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if type(one) is not type(other):
        return False
    if isinstance(one, nn.Module):
        return _same(vars(one), vars(other))
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, functools.partial):
        return bool(one.func is other.func) and _same((one.args, one.keywords), (other.args, other.keywords))
    return bool(one == other)


def _reference(transforms: object) -> str:
    """Where another process finds an object."""
    module, name = getattr(transforms, "__module__", None), getattr(transforms, "__qualname__", "<none>")
    if "<" not in name and _is_importable(module) and getattr(sys.modules.get(str(module)), name, None) is transforms:
        return f"{module}:{name}"
    for place, held in list(sys.modules.items()):
        if not _is_importable(place) or place.partition(".")[0] in sys.stdlib_module_names:
            continue
        for attribute, value in list(getattr(held, "__dict__", {}).items()):
            if value is transforms and attribute.isidentifier():
                return f"{place}:{attribute}"
    raise TrainableError(
        f"transforms is {transforms!r}, which no other process could import; give it a name at the top level of a "
        "module file and import it from there, or write names of torchvision.transforms.v2"
    )


def _is_importable(module: object) -> bool:
    held = sys.modules.get(module) if isinstance(module, str) else None
    return module != "__main__" and getattr(held, "__spec__", None) is not None
