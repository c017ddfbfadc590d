"""State on disk without pickle: tensors in a safetensors file, everything else in JSON beside it.

`write_tensors` takes any nesting of dicts (keys text, integers or booleans), lists, tuples, tensors and JSON
scalars, as state dicts of networks, optimizers and random generators are, and `read_tensors` gives it back to
the last bit. The JSON holds the digest of the tensor file, so that a torn or foreign pair is refused
(`CheckpointError`). Each file is written aside and renamed, the JSON last. What is not kept: memory formats,
devices, and that two tensors shared memory.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from trainables.errors import CheckpointError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["FORMAT", "check_identity", "named", "read_tensors", "write_tensors"]

FORMAT = 1


def write_tensors(folder: Path, name: str, state: object) -> None:
    """Write `state` as `name.safetensors` and `name.json` into the existing `folder`."""
    tensors: dict[str, Tensor] = {}
    tree = _encode(state, tensors, name)
    content = safetensors.torch.save(tensors)
    document = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest(), "state": tree}
    _replace(folder / f"{name}.safetensors", content)
    _replace(folder / f"{name}.json", json.dumps(document, allow_nan=False, separators=(",", ":")).encode())


def read_tensors(folder: Path, name: str) -> Any:
    """What `write_tensors` was given, its tensors on the CPU."""
    document = _document(folder / f"{name}.json")
    path = folder / f"{name}.safetensors"
    content = _content(path)
    if hashlib.sha256(content).hexdigest() != document.get("sha256"):
        raise CheckpointError(f"{path} is not what was written (its digest differs); use an earlier checkpoint")
    try:
        return _decode(document["state"], safetensors.torch.load(content))
    except (safetensors.SafetensorError, KeyError, ValueError, TypeError, IndexError) as error:
        raise CheckpointError(f"{path} and its .json do not fit ({error}); use an earlier checkpoint") from error


def named(**settings: DataclassInstance) -> dict[str, object]:
    """The values of settings by name, such as `{"data.seed": 0}` for `named(data=DataSettings())`."""
    return {
        f"{part}.{name}": value for part, given in settings.items() for name, value in dataclasses.asdict(given).items()
    }


def check_identity(
    folder: Path, state: Any, kind: str, mine: Mapping[str, object], before: Mapping[str, object]
) -> None:
    """Refuse the checkpoint of another training.

    Args:
        folder: where it lies, for the message.
        state: what `read_tensors` gave; its entry "of" is the identity of the training that wrote it.
        kind: of training, for the message.
        mine: the identity of this training: its "version", and every value that decides the training, by name.
        before: the same as checkpoints have it that were written before identities had a version.

    Raises:
        CheckpointError: it holds no identity, or a value differs.
    """
    theirs = state.get("of") if isinstance(state, dict) else None
    if not isinstance(theirs, dict):
        raise CheckpointError(f"{folder} holds no {kind}; give the folder of one")
    wanted = mine if "version" in theirs else before
    for name in (*wanted, *(theirs if wanted is mine else ())):
        if theirs.get(name) != wanted.get(name):
            raise CheckpointError(
                f"{folder} is of another training: its {name} is {theirs.get(name)!r}, "
                f"this one's {wanted.get(name)!r}; set up as it was, or begin anew"
            )


def _encode(value: object, tensors: dict[str, Tensor], place: str) -> object:
    """`value` as JSON, with tensors moved into `tensors` and replaced by their key there."""
    if isinstance(value, Tensor):
        key = str(len(tensors))
        # A copy, because safetensors refuses tensors that share memory.
        tensors[key] = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"tensor": key}
    if isinstance(value, Mapping):
        pairs = [[_key(key, place), _encode(item, tensors, f"{place}.{key}")] for key, item in value.items()]
        return {"dict": pairs}
    if isinstance(value, list | tuple):
        items = [_encode(item, tensors, f"{place}.{index}") for index, item in enumerate(value)]
        return {"tuple": items} if isinstance(value, tuple) else items
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise CheckpointError(
        f"{place} is a {type(value).__name__}; a checkpoint holds tensors, numbers, text, lists and dicts"
    )


def _key(key: object, place: str) -> str | int | bool:
    if isinstance(key, str | int):
        return key
    raise CheckpointError(f"{place} has the key {key!r}; keys of a checkpoint are text or integers")


def _decode(tree: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(tree, list):
        return [_decode(item, tensors) for item in tree]
    if not isinstance(tree, dict):
        return tree
    ((kind, content),) = tree.items()
    if kind == "tensor":
        return tensors[content]
    if kind == "dict":
        return {key: _decode(item, tensors) for key, item in content}
    if kind == "tuple":
        return tuple(_decode(item, tensors) for item in content)
    return float(content)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(_content(path))
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged ({error}); use an earlier checkpoint") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        found = document.get("format") if isinstance(document, dict) else None
        raise CheckpointError(f"{path} has the format {found!r}, and this version reads {FORMAT}")
    return document


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist; there is no whole checkpoint in {path.parent}") from None


def _replace(path: Path, content: bytes) -> None:
    aside = path.with_name(f".{path.name}.part")
    aside.write_bytes(content)
    aside.replace(path)
