"""From settings to transforms: names of `torchvision.transforms.v2` with their arguments, or "module:attribute"."""

from __future__ import annotations

import functools
import importlib
import inspect
import json
import operator
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torchvision.transforms import v2

from search_spaces.names import did_you_mean
from trainables.errors import TrainableError
from trainables.settings import check_settings

__all__ = ["NESTED", "Transform", "arguments_of", "built", "names"]

Transform: TypeAlias = Callable[[Tensor], Any]
"""Maps an image (c, h, w) to an image of the same shape and type."""
NESTED = "transforms"
"""The argument of transforms that choose among others."""
_ENUMS: Mapping[str, type[Enum]] = {"interpolation": v2.InterpolationMode, "policy": v2.AutoAugmentPolicy}
"""Arguments that are given by the value of an enumeration."""
_REFUSED: Mapping[str, str] = {
    "MixUp": "it mixes the targets of two images, and each image has targets of its own here",
    "CutMix": "it mixes the targets of two images, and each image has targets of its own here",
    "FiveCrop": "it makes several images of one",
    "TenCrop": "it makes several images of one",
    "ToPILImage": "networks take tensors",
    "ToTensor": "images are tensors already, and it scales them, which the normalisation does afterwards",
    "Lambda": "it holds a function, which a configuration cannot; give the function as 'module:function'",
    "Transform": "it does nothing by itself",
}


@functools.cache
def names() -> tuple[str, ...]:
    """List the transforms that may be named.

    Returns:
        The names of the classes of `torchvision.transforms.v2` that make one image of one image.
    """
    found = []
    for name, kind in vars(v2).items():
        if inspect.isclass(kind) and issubclass(kind, v2.Transform) and name not in _REFUSED:
            found.append(name)
    return tuple(sorted(found))


def arguments_of(kind: type) -> list[str]:
    """List the arguments of a transform.

    Args:
        kind: its class.

    Returns:
        Their names.
    """
    return [name for name in inspect.signature(kind).parameters if name not in ("args", "kwargs")]


def built(settings: object) -> Transform:
    """Build the transform of some settings; equal settings give one object in a process.

    Args:
        settings: as `trainables.data.transforms.described` returns them.

    Returns:
        The transform.

    Raises:
        TrainableError: a name or an argument is unknown or impossible, or a module cannot be imported.
    """
    return _built(json.dumps(settings))


@functools.lru_cache(maxsize=16)
def _built(text: str) -> Transform:
    settings = json.loads(text)
    if isinstance(settings, str):
        return _imported(settings)
    composed: Transform = v2.Compose([_one(entry) for entry in settings])
    return composed


def _one(entry: object) -> v2.Transform:
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise TrainableError(
            f"transforms has {entry!r}; each is a name of torchvision.transforms.v2, or a table with such a name and "
            "its arguments"
        )
    name, given = str(entry["name"]), {key: value for key, value in entry.items() if key != "name"}
    if name in _REFUSED:
        raise TrainableError(f"transforms has {name}, which cannot be used: {_REFUSED[name]}; leave it out")
    if name not in names():
        hint = did_you_mean(name, names()) or ", and torchvision.transforms.v2 has no such transform;"
        raise TrainableError(f"transforms has {name!r}{hint} write a name of it, or give 'module:attribute' alone")
    kind: type[v2.Transform] = getattr(v2, name)
    check_settings(f"transforms: {name}", kind, given)
    try:
        return kind(**{key: _value(name, key, value) for key, value in given.items()})
    except (TypeError, ValueError) as error:
        raise TrainableError(f"transforms: {name} refuses its arguments {given} ({error}); correct them") from error


def _value(name: str, key: str, value: object) -> object:
    if key == NESTED and isinstance(value, Sequence) and not isinstance(value, str):
        return [_one(entry) for entry in value]
    if key == "dtype" and isinstance(value, str):
        found = getattr(torch, value.removeprefix("torch."), None)
        if not isinstance(found, torch.dtype):
            raise TrainableError(f"transforms: the dtype of {name} is {value!r}; write one of torch, such as 'uint8'")
        return found
    if key in _ENUMS and isinstance(value, str):
        known = [one.value for one in _ENUMS[key]]
        if value not in known:
            raise TrainableError(f"transforms: the {key} of {name} is {value!r}; known: {', '.join(known)}")
        return _ENUMS[key](value)
    return value


def _imported(reference: str) -> Transform:
    module, _, name = reference.partition(":")
    try:
        found: Any = operator.attrgetter(name)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise TrainableError(
            f"transforms {reference!r} cannot be imported: {error}; write 'module:attribute', and start where the "
            "module is found"
        ) from error
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise TrainableError(f"transforms {reference!r} is {found!r}; a transform or a function of an image is needed")
    transform: Transform = found
    return transform
