"""`task.json` of an exported folder: what was learned, what the raw inputs are, and which files take them.

It is plain JSON, which is checked as it is read: a folder may come from anybody.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from trainables.errors import CheckpointError
from trainables.export.deployed import Deployed
from trainables.export.naming import named_outputs
from trainables.export.standardized import raw_named
from trainables.training.batches import Batch, called

__all__ = ["TASK_FILE", "TaskFile", "read_task_file", "task_file_of"]

TASK_FILE = "task.json"
_VERSION = 1
_FORMS = ("tensor", "tuple", "dict")
_DTYPES = {
    str(one).removeprefix("torch."): one
    for one in (
        *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
_MOST = 1 << 24


@dataclass(frozen=True)
class TaskFile:
    """The content of `task.json`.

    Attributes:
        task: the name of the task, or "module:Class"; empty where it is not known.
        settings: of the task, those that JSON can hold.
        classes: the names of the classes in order; empty where there are none.
        form: of the raw inputs: "tensor", "tuple" or "dict".
        inputs: for each raw input its `shape` without the batch, and its `dtype`.
        outputs: the form and the names of the outputs of the network.
        mean: of raw inputs; the network expects `(raw - mean) / std`. Empty where it does not.
        std: standard deviation of the same.
        prepares: whether raw inputs become those of the network in another way, which the task defines.
        finishes: whether files for raw inputs change the outputs of the network.
        reading: what the task needs to read inputs and outputs.
        files: for each format of the folder, the inputs that its files take: "raw", "standardized", "prepared" or "".
        id: the canonical id of the architecture.
    """

    task: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: Sequence[str] = ()
    form: str = "tensor"
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    mean: Sequence[float] = ()
    std: Sequence[float] = ()
    prepares: bool = False
    finishes: bool = False
    reading: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    id: str = ""

    @property
    def example(self) -> Batch:
        """Raw inputs without examples: a tensor, a tuple or a dict of tensors (0, ...)."""
        tensors: dict[str, Tensor] = {}
        for name, one in self.inputs.items():
            tensors[name] = torch.zeros((0, *one["shape"]), dtype=_DTYPES[one["dtype"]])
        if self.form == "tensor":
            return next(iter(tensors.values()))
        return tensors if self.form == "dict" else tuple(tensors.values())

    def arranged(self, outputs: Mapping[str, Tensor]) -> Batch:
        """Arrange the outputs of an ONNX file as those of the network.

        Args:
            outputs: the tensors by name.

        Returns:
            A tensor, a tuple or a dict.
        """
        form = self.outputs.get("form", "tensor")
        if form == "tensor":
            return next(iter(outputs.values()))
        return dict(outputs) if form == "dict" else tuple(outputs.values())

    def text(self) -> str:
        """Write the file.

        Returns:
            JSON.
        """
        return json.dumps({"format": _VERSION, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def task_file_of(deployed: Deployed, identifier: str, files: Mapping[str, str]) -> TaskFile:
    """Collect the content of `task.json`.

    Args:
        deployed: the network, on the CPU.
        identifier: the canonical id of the architecture.
        files: for each format the inputs that its files take.

    Returns:
        The content.
    """
    raw = raw_named(deployed)
    with torch.no_grad():
        outputs = called(deployed.network, deployed.inputs)
    inputs: dict[str, dict[str, Any]] = {}
    for name, tensor in raw.items():
        inputs[name] = {"shape": list(tensor.shape[1:]), "dtype": str(tensor.dtype).removeprefix("torch.")}
    return TaskFile(
        task=deployed.task,
        settings=dict(deployed.task_settings),
        classes=list(deployed.classes),
        form=_form(deployed.raw if deployed.prepare is not None else deployed.inputs),
        inputs=inputs,
        outputs={"form": _form(outputs), "names": list(named_outputs(outputs))},
        mean=list(deployed.mean) if deployed.standardizes else [],
        std=list(deployed.std) if deployed.standardizes else [],
        prepares=deployed.prepare is not None,
        finishes=deployed.finish is not None,
        reading=dict(deployed.reading),
        files=dict(files),
        id=identifier,
    )


def _form(batch: Batch) -> str:
    return "tensor" if isinstance(batch, Tensor) else "dict" if isinstance(batch, Mapping) else "tuple"


def read_task_file(folder: Path) -> TaskFile:
    """Read `task.json`.

    Args:
        folder: an exported folder.

    Returns:
        The content.

    Raises:
        CheckpointError: there is none, or it is damaged or of another version.
    """
    path = folder / TASK_FILE
    try:
        document = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise CheckpointError(
            f"{folder} has no {TASK_FILE}, so it is not an exported folder, or an older one; export again: nas-tune "
            "export"
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}; export again") from error
    if not isinstance(document, dict) or document.get("format") != _VERSION:
        raise CheckpointError(f"{path} is of another format than {_VERSION}; export again")
    known = {name: document[name] for name in TaskFile.__dataclass_fields__ if name in document}
    found = TaskFile(**known)
    if wrong := _problem(found):
        raise CheckpointError(f"{path}: {wrong}; export again")
    return found


def _problem(found: TaskFile) -> str:
    """What is wrong with the values of a file; empty where nothing is."""
    for name, kind in (("task", str), ("id", str), ("form", str), ("prepares", bool), ("finishes", bool)):
        if not isinstance(getattr(found, name), kind):
            return f"{name} is {getattr(found, name)!r:.60}"
    for name in ("settings", "inputs", "outputs", "reading", "files"):
        if not isinstance(getattr(found, name), dict):
            return f"{name} is {getattr(found, name)!r:.60}"
    for name, item in (("classes", str), ("mean", float | int), ("std", float | int)):
        values = getattr(found, name)
        if not isinstance(values, list) or not all(isinstance(one, item) for one in values):
            return f"{name} is {values!r:.60}"
    if found.form not in _FORMS or not found.inputs:
        return f"form is {found.form!r:.60}, of {len(found.inputs)} inputs"
    for name, one in found.inputs.items():
        shape = one.get("shape") if isinstance(one, dict) else None
        sizes = isinstance(shape, list) and all(isinstance(size, int) and 0 <= size < _MOST for size in shape)
        if not sizes or not isinstance(one, dict) or one.get("dtype") not in _DTYPES:
            return f"input {name!r:.60} is {one!r:.60}"
    return ""
