"""Predictions of a trained network: from raw inputs, as people have them, to what people read.

    predictor = folder_predictor(Path("exported"))
    predictor.predict("new.csv")             # ["yes", "no", ..], numbers in their units, or what the task decodes

An exported folder is used without the run and without its data. It is data and never code: what it names is looked up
among the registered tasks and spaces, and `program.pt2`, whose loading can run code, is read only if that is allowed.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainables.data.picture_files import check_picture_file
from trainables.errors import CheckpointError, TrainableError
from trainables.export.naming import named_outputs, with_names
from trainables.export.onnx import ONNX
from trainables.export.program import PROGRAM
from trainables.export.task_file import TaskFile, read_task_file
from trainables.export.weights import ARCHITECTURE, WEIGHTS, rebuilt
from trainables.tasks.learner import Learner
from trainables.tasks.reading import arrays_like
from trainables.tasks.registry import make_task
from trainables.tasks.task import Drawing, Located, Placing, Task, Writing
from trainables.training.batches import Batch, called, length, mapped

__all__ = ["Predictions", "Predictor", "folder_predictor", "learner_predictor"]

_BATCH = 256
_VALUES = 2**21
"""The most values of inputs whose large outputs are computed together."""
_FILES = {"safetensors": (WEIGHTS, ARCHITECTURE), "onnx": (ONNX,), "pt2": (PROGRAM,)}


@dataclass(frozen=True)
class Predictions:
    """The predictions for some examples.

    Attributes:
        values: what `Task.decode` makes of the outputs.
        probabilities: (n, classes); None where the task has no classes.
        names: of the examples; empty where the numbers of the rows say all.
        count: the number of examples.
        are_things: whether an example has any number of things in it, such as boxes: `values` has a list for each
            example, and in it a dict for each thing.
    """

    values: Any
    probabilities: np.ndarray[Any, Any] | None
    names: Sequence[str]
    count: int
    are_things: bool = False


class Predictor:
    """A trained network that takes raw inputs.

    Args:
        task: what it has learned; None where that is not known, and outputs are all there is.
        data: what `task.load` or `task.restored` returned.
        run: maps raw inputs to outputs.
        like: raw inputs, which show their form, shapes and types.
        classes: the names of the classes in order; empty where there are none.
        source: where the network comes from, such as "model.onnx".
        network: makes the network; fails where there is a program alone.
        has_data: whether `data` holds the examples of the training, too.
    """

    def __init__(
        self,
        task: Task | None,
        data: Any,
        run: Callable[[Batch], Batch],
        like: Batch,
        classes: Sequence[str],
        source: str,
        network: Callable[[], nn.Module],
        *,
        has_data: bool,
    ) -> None:
        self._task, self._data, self._run, self._like = task, data, run, like
        self._network, self._has_data = network, has_data
        self.classes, self.source = tuple(classes), source

    @property
    def task(self) -> str:
        """The name of the task; empty where it is not known."""
        return "" if self._task is None else self._task.name

    @cached_property
    def network(self) -> nn.Module:
        """The network in evaluation mode.

        Raises:
            TrainableError: the folder has programs alone, which cannot be changed.
        """
        return self._network()

    def predict(self, x: Any) -> Any:
        """Predict.

        Args:
            x: inputs without targets, in a form in which the task reads data: arrays, tensors, a DataFrame, a path.

        Returns:
            What the task makes of the outputs, such as a list with the name of a class, or the number in units of the
            target, for each example.

        Raises:
            DataError: there are no inputs, or they are unlike those of the training.
        """
        return self.predictions(x).values

    def predict_proba(self, x: Any) -> np.ndarray[Any, Any]:
        """Predict a probability for each class, in the order of `classes`.

        Args:
            x: as for `predict`.

        Returns:
            (n, classes).

        Raises:
            DataError: there are no inputs, or they are unlike those of the training.
            TrainableError: the task has no classes.
        """
        found = self.predictions(x).probabilities
        if found is None:
            raise TrainableError(
                f"the task {self.task or 'of this network'} has no probabilities of classes; use predict"
            )
        return found

    def predictions(self, x: Any) -> Predictions:
        """Predict everything there is.

        Args:
            x: as for `predict`.

        Returns:
            The predictions.

        Raises:
            DataError: there are no inputs, or they are unlike those of the training.
        """
        inputs, names = self._read(x)
        found = self._of(inputs, names)
        if isinstance(self._task, Located):
            return replace(found, values=self._task.located(found.values, x, self._like))
        if isinstance(self._task, Placing):
            return replace(found, values=self._task.placed(found.values, x, self._data))
        return found

    @property
    def writes(self) -> bool:
        """Whether predictions are files of their own, and no rows of a table."""
        return isinstance(self._task, Writing)

    def write(self, x: Any, target: str | Path, *, split: str | None = None) -> list[Path]:
        """Predict, and write the predictions, which are no rows of a table.

        Args:
            x: as for `predict`; not used with `split`.
            target: the file or folder to write.
            split: a part of the data of the training, in place of `x`.

        Returns:
            The files that were written.

        Raises:
            DataError: there are no inputs, or they are unlike those of the training.
            TrainableError: the task writes rows of a table, or the target is of no kind that it writes.
        """
        if not isinstance(self._task, Writing):
            raise TrainableError(f"the task {self.task or 'of this network'} predicts rows of a table; use predict")
        found = self.of_split(split) if split is not None else self.predictions(x)
        return self._task.write(found.values, None if split is not None else x, Path(target))

    def draw(self, x: Any, target: str | Path) -> list[Path]:
        """Predict, and draw the predictions into the inputs.

        Args:
            x: as for `predict`.
            target: the file to write, such as "found.png"; of several inputs each has its number before the ending.

        Returns:
            The files that were written.

        Raises:
            DataError: there are no inputs, they are unlike those of the training, or the file cannot be a picture.
            TrainableError: the task draws nothing.
        """
        if not isinstance(self._task, Drawing):
            raise TrainableError(f"the task {self.task or 'of this network'} draws no predictions; use predict")
        check_picture_file(Path(target))
        return self._task.draw(self.predictions(x).values, x, Path(target), self.classes)

    def of_split(self, split: str) -> Predictions:
        """Predict a part of the data of the training, where they are at hand.

        Args:
            split: "train", "validation" or "test".

        Returns:
            The predictions.

        Raises:
            DataError: there is no such part.
            TrainableError: the network comes from an exported folder, which does not hold its data.
        """
        if not self._has_data:
            raise TrainableError(f"an exported folder has no split {split!r}; give the run, or data")
        part = self._data.split(split)
        return self._of(part.rows(torch.arange(len(part), device=self._data.device))[0], [])

    def outputs(self, x: Any) -> Batch:
        """Compute the outputs of the network, before the task translates them.

        Args:
            x: as for `predict`.

        Returns:
            A tensor, a tuple or a dict of tensors (n, ...).

        Raises:
            DataError: there are no inputs, or they are unlike those of the training.
        """
        return self._computed(self._read(x)[0])

    def _read(self, x: Any) -> tuple[Batch, Sequence[str]]:
        if self._task is not None:
            return self._task.read(x, self._like, self._data)
        return arrays_like(x, self._like), []

    def _of(self, inputs: Batch, names: Sequence[str]) -> Predictions:
        if self._task is not None and self._task.has_large_outputs and isinstance(inputs, Tensor):
            return Predictions(self._decoded(self._task, inputs), None, names, len(inputs))
        outputs = self._computed(inputs)
        if self._task is None:
            return Predictions(_arrays(outputs), None, names, length(inputs))
        values = self._task.decode(outputs, self._data)
        shares = self._task.probabilities(outputs, self._data)
        plain = None if shares is None else shares.cpu().numpy()
        return Predictions(_arrays(values), plain, names, length(inputs), isinstance(self._task, Located))

    @torch.no_grad()
    def _decoded(self, task: Task, inputs: Tensor) -> np.ndarray[Any, Any]:
        """Predictions whose outputs are never all in memory: each few examples are decoded at once."""
        size = max(1, min(task.most_at_once(self._data), _VALUES // max(1, inputs[:1].numel())))
        starts = range(0, len(inputs), size)
        found = [task.decode(self._run(inputs[start : start + size]), self._data).cpu() for start in starts]
        return torch.cat(found).numpy()

    @torch.no_grad()
    def _computed(self, inputs: Batch) -> Batch:
        size = _BATCH if self._task is None else min(_BATCH, self._task.most_at_once(self._data))
        starts = range(0, length(inputs), size)
        found = [self._run(mapped(operator.itemgetter(slice(start, start + size)), inputs)) for start in starts]
        parts = [named_outputs(one) for one in found]
        joined = {}
        for name in parts[0]:
            joined[name] = torch.cat([part[name] for part in parts])
        return with_names(found[0], joined)


def _arrays(values: Any) -> Any:
    """Tensors as arrays, also within a tuple or dict; everything else as it is."""
    if isinstance(values, Tensor):
        return values.cpu().numpy()
    if isinstance(values, dict):
        return {name: _arrays(one) for name, one in values.items()}
    return tuple(_arrays(one) for one in values) if isinstance(values, tuple) else values


def learner_predictor(learner: Learner) -> Predictor:
    """Predict with a trained learner.

    Args:
        learner: set up, and trained or loaded.

    Returns:
        The predictor, which uses the network and the data of the learner.
    """
    task, network = learner.task, learner.network
    data = learner.data
    like = data.train.rows(torch.arange(1, device=data.device))[0]

    def run(raw: Batch) -> Batch:
        moved = mapped(lambda one: one.to(data.device), raw)
        return task.applied(lambda inputs: task.heads(called(network, inputs))[0], data.normalize(moved), data)

    return Predictor(task, data, run, like, data.classes, "the trained network", lambda: network, has_data=True)


def folder_predictor(folder: Path, task: object = None, *, allow_code: bool = False) -> Predictor:
    """Predict with an exported folder.

    Weights are preferred where `trainables.build` makes their network, then `model.onnx`, then `program.pt2`.

    Args:
        folder: the folder.
        task: the task, or its class, where it is not one that is registered.
        allow_code: read `program.pt2` where nothing else can be used, although that can run code.

    Returns:
        The predictor.

    Raises:
        CheckpointError: the folder is none of an export, or is damaged.
        TrainableError: no file of it can be used; the message has the reasons.
        UnknownNameError: no task has the name that the folder gives.
    """
    file = read_task_file(folder)
    made = _task_of(file, task)
    reasons = []
    for kind, names in _FILES.items():
        if not all((folder / name).is_file() for name in names):
            continue
        takes = file.files.get(kind, "")
        data = None if made is None else made.restored(file.reading, file.classes, finished=takes == "raw")
        if takes == "prepared" and not hasattr(data, "normalize"):
            reasons.append(f"{names[0]} takes prepared inputs, and the task does not prepare them (Task.restored)")
            continue
        if kind == "pt2" and not allow_code:
            reasons.append(f"{names[0]} can run code when it is loaded, and allow_code is not set")
            continue
        try:
            run = _RUNNERS[kind](folder, file)
        except (TrainableError, CheckpointError) as error:
            reasons.append(str(error))
            continue
        whole = _with_preparation(run, file, takes, data, made)
        return Predictor(
            made, data, whole, file.example, file.classes, names[0], lambda: rebuilt(folder), has_data=False
        )
    said = "; ".join(reasons) or f"it has none of {WEIGHTS} with {ARCHITECTURE}, {ONNX} and {PROGRAM}"
    raise TrainableError(f"{folder} has no file that can be used here: {said}; export to ONNX too")


def _task_of(file: TaskFile, task: object) -> Task | None:
    if task is None and not file.task:
        return None
    try:
        is_made = task is not None and not isinstance(task, str) and not inspect.isclass(task)
        return make_task(file.task if task is None else task, {} if is_made else file.settings)
    except TypeError as error:
        raise TrainableError(
            f"the task {file.task} cannot be made from the settings that its export kept: {error}; give task=.., made"
        ) from error


def _with_preparation(
    run: Callable[[Batch], Batch], file: TaskFile, takes: str, data: Any, task: Task | None
) -> Callable[[Batch], Batch]:
    """A function of raw inputs, whatever the file takes."""

    def whole(raw: Batch) -> Batch:
        if isinstance(raw, Tensor) and isinstance(file.example, Tensor):
            raw = raw.to(file.example.dtype)
        if takes == "standardized":
            mean, std = (torch.tensor(one).view(1, -1, *[1] * (raw.dim() - 2)) for one in (file.mean, file.std))
            raw = (raw - mean) / std
        elif takes == "prepared":
            raw = data.normalize(raw)
        if task is None:
            return run(raw)
        return task.applied(lambda inputs: task.heads(run(inputs))[0], raw, data)

    return whole


def _by_weights(folder: Path, file: TaskFile) -> Callable[[Batch], Batch]:
    network = rebuilt(folder)
    return lambda inputs: called(network, inputs)


def _by_onnx(folder: Path, file: TaskFile) -> Callable[[Batch], Batch]:
    try:
        import onnxruntime
    except ImportError as error:
        raise TrainableError(f"{ONNX} needs onnxruntime, not installed here: pip install 'nas-tune[export]'") from error
    onnxruntime.set_default_logger_severity(3)
    try:
        session = onnxruntime.InferenceSession(folder / ONNX, providers=["CPUExecutionProvider"])
    except Exception as error:
        # onnxruntime raises classes of its own, which derive from Exception alone.
        raise CheckpointError(f"{folder / ONNX} is not a complete ONNX file: {error}; export it again") from error
    inputs, outputs = ([one.name for one in some] for some in (session.get_inputs(), session.get_outputs()))

    def run(batch: Batch) -> Batch:
        parts = [batch] if isinstance(batch, Tensor) else list(batch) if isinstance(batch, tuple) else None
        named = batch if parts is None else dict(zip(inputs, parts, strict=True))
        found = session.run(None, {name: one.contiguous().numpy() for name, one in named.items()})
        return file.arranged({name: torch.from_numpy(one) for name, one in zip(outputs, found, strict=True)})

    return run


def _by_program(folder: Path, file: TaskFile) -> Callable[[Batch], Batch]:
    program = torch.export.load(folder / PROGRAM).module()
    return lambda inputs: called(program, inputs)


_RUNNERS = {"safetensors": _by_weights, "onnx": _by_onnx, "pt2": _by_program}
