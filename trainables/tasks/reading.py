"""Arrays as raw inputs of a network: what a task reads that has no reading of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from search_spaces.names import did_you_mean
from trainables.data.array_files import arrays_of
from trainables.errors import DataError
from trainables.training.batches import Batch

__all__ = ["Restored", "arrays_like"]


@dataclass(frozen=True)
class Restored:
    """What an exported network has of its data.

    Attributes:
        classes: the names of the classes in order; empty where there are none.
        reading: what the task kept for reading inputs and outputs.
    """

    classes: tuple[str, ...]
    reading: Mapping[str, Any] = field(default_factory=dict)


def arrays_like(x: Any, like: Batch) -> Batch:
    """Convert arrays to raw inputs.

    Args:
        x: an array or tensor (n, ...); a tuple or dict of them where the network has several inputs; or the path of a
            `.npy` file, or of an `.npz` file with the names of the inputs.
        like: raw inputs, which show the form, the names, the shapes and the types.

    Returns:
        A batch of the form of `like`, on the CPU.

    Raises:
        DataError: there are no examples, or a name, shape or type differs.
    """
    given = _loaded(Path(x)) if isinstance(x, str | Path) else x
    if isinstance(like, Tensor):
        if isinstance(given, Mapping) and len(given) == 1:
            (given,) = given.values()
        found: Batch = _like(given, like, "x")
        counts = {len(found)}
    elif isinstance(like, dict):
        found = _named(given, like)
        counts = {len(one) for one in found.values()}
    else:
        if not isinstance(given, tuple | list) or len(given) != len(like):
            raise DataError(f"x is {_said(given)}; the network takes a tuple of {len(like)} arrays")
        found = tuple(
            _like(one, other, f"x[{place}]") for place, (one, other) in enumerate(zip(given, like, strict=True))
        )
        counts = {len(one) for one in found}
    if counts == {0}:
        raise DataError("x has no example; give at least one")
    if len(counts) > 1:
        raise DataError(f"the inputs have {' and '.join(map(str, sorted(counts)))} examples; give as many of each")
    return found


def _named(given: Any, like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    if not isinstance(given, Mapping):
        raise DataError(f"x is {_said(given)}; the network takes a dict with {', '.join(like)}")
    for name in like:
        if name not in given:
            hint = did_you_mean(name, [str(one) for one in given]) or "; the network needs it"
            raise DataError(f"x has the keys {', '.join(map(str, given)) or '(none)'}, and {name!r} is missing{hint}")
    return {name: _like(given[name], other, f"x[{name!r}]") for name, other in like.items()}


def _like(value: Any, like: Tensor, place: str) -> Tensor:
    if isinstance(value, Tensor):
        tensor = value.detach().cpu()
    else:
        try:
            array = np.asarray(value)
            tensor = torch.from_numpy(np.ascontiguousarray(array)).reshape(array.shape)
        except (TypeError, ValueError) as error:
            raise DataError(f"{place} is {_said(value)}; give an array or tensor of numbers") from error
    if tensor.dim() < 1 or tensor.shape[1:] != like.shape[1:]:
        wanted = ", ".join(["n", *map(str, like.shape[1:])])
        raise DataError(f"{place} has the shape {tuple(tensor.shape)}; the network takes ({wanted})")
    changed = tensor.to(like.dtype)
    if (
        tensor.dtype != like.dtype
        and not like.is_floating_point()
        and not torch.equal(changed.to(tensor.dtype), tensor)
    ):
        dtype = str(like.dtype).removeprefix("torch.")
        raise DataError(f"{place} has values that {dtype} cannot hold; the network takes {dtype}: round or scale them")
    return changed


def _said(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return f"a {type(value).__name__}" + (f" of shape {tuple(shape)}" if shape is not None else "")


def _loaded(path: Path) -> Any:
    if not path.is_file():
        raise DataError(f"there is no file {path}; correct the path")
    return arrays_of(path)
