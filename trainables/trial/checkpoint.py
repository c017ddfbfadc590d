"""State on disk without pickle: tensors in a safetensors file, everything else in JSON beside it.

`write_tensors` takes any nesting of dicts (keys: text, integers or booleans), lists, tuples, tensors and JSON
scalars. State dicts of networks, optimizers and random generators are such nestings. `read_tensors` returns the same
state to the last bit. The JSON holds the digest of the tensor file, so that a torn or foreign pair is refused
(`CheckpointError`). Each file is written aside and renamed, the JSON last. Memory formats, devices, and the fact that
two tensors shared memory are not kept.
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

from trainables.drafts import draft_file
from trainables.errors import CheckpointError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["FORMAT", "check_identity", "named", "read_tensors", "write_tensors"]

FORMAT = 1


def write_tensors(folder: Path, name: str, state: object) -> None:
    """Write a state as `name.safetensors` and `name.json`.

    Args:
        folder: an existing folder.
        name: the name of both files, without a suffix.
        state: any nesting of dicts, lists, tuples, tensors and JSON scalars.

    Raises:
        CheckpointError: the state holds a value or a key of another type.
    """
    tensors: dict[str, Tensor] = {}
    tree = _encode(state, tensors, name)
    content = safetensors.torch.save(tensors)
    document = {"format": FORMAT, "sha256": hashlib.sha256(content).hexdigest(), "state": tree}
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    for suffix, written in ((".safetensors", content), (".json", text.encode())):
        with draft_file(folder / f"{name}{suffix}") as draft:
            draft.write_bytes(written)


def read_tensors(folder: Path, name: str) -> Any:
    """Read the state that `write_tensors` wrote.

    Args:
        folder: the folder of both files.
        name: the name of both files, without a suffix.

    Returns:
        The state, its tensors on the CPU.

    Raises:
        CheckpointError: a file is missing, damaged, of another format, or does not belong to the other.
    """
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
    """Collect the values of several settings objects under dotted names.

    Args:
        **settings: settings (dataclass instances) by the prefix of their names.

    Returns:
        Each field's value by its dotted name, such as `{"data.seed": 0}` for `named(data=DataSettings())`.
    """
    values: dict[str, object] = {}
    for group, given in settings.items():
        for name, value in dataclasses.asdict(given).items():
            values[f"{group}.{name}"] = value
    return values


def check_identity(
    folder: Path, state: Any, kind: str, mine: Mapping[str, object], before: Mapping[str, object]
) -> None:
    """Refuse the checkpoint of another training.

    Args:
        folder: the place of the checkpoint, for the message.
        state: what `read_tensors` returned; its entry "of" is the identity of the training that wrote it.
        kind: the kind of training, for the message.
        mine: the identity of this training: its "version", and every value that decides the training, by name.
        before: the identity of this training in the form of checkpoints without a "version", by name.

    Raises:
        CheckpointError: the checkpoint holds no identity, or a value differs.
    """
    theirs = state.get("of") if isinstance(state, dict) else None
    if not isinstance(theirs, dict):
        raise CheckpointError(f"{folder} holds no {kind}; give the folder of one")
    wanted = mine if "version" in theirs else before
    for name in (*wanted, *(theirs if wanted is mine else ())):
        if theirs.get(name) != wanted.get(name):
            raise CheckpointError(
                f"{folder} is of another training: its {name} is {theirs.get(name)!r}, "
                f"this one's {wanted.get(name)!r}; use the settings of that training, or begin from scratch"
            )


def _encode(value: object, tensors: dict[str, Tensor], place: str) -> object:
    """Return `value` as JSON; each tensor is moved into `tensors` and replaced by its key there."""
    if isinstance(value, Tensor):
        key = str(len(tensors))
        # A copy, because safetensors refuses tensors that share memory.
        tensors[key] = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"tensor": key}
    if isinstance(value, Mapping):
        pairs = []
        for key, item in value.items():
            if not isinstance(key, str | int):
                raise CheckpointError(f"{place} has the key {key!r}; keys of a checkpoint are text or integers")
            pairs.append([key, _encode(item, tensors, f"{place}.{key}")])
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


def _decode(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Return the state that `_encode` has turned into `tree` and `tensors`."""
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
