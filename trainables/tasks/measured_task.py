"""A task with a loss or metrics of one's own in its settings: the same task, of a class derived from its class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, cast

import torch
from torch import Tensor

from trainables.errors import TrainableError, first_line
from trainables.metrics import Metric
from trainables.tasks.gathering import GatheringMeter
from trainables.tasks.meters import Joined, Means
from trainables.tasks.own_measures import LOSS, Comparing, OwnMeasures, OwnMetric, scalar
from trainables.tasks.task import Meter, Task
from trainables.tasks.torch_metrics import made, value_of
from trainables.training.batches import Batch, length
from trainables.training.parallel import Group

__all__ = ["class_of", "with_measures"]

_TRIED = 16
"""Examples on which a loss and metrics of one's own are tried before the first trial."""
_ERRORS = (TypeError, ValueError, RuntimeError, IndexError, KeyError, AttributeError)


class _Measured:
    """What the settings `loss` and `metrics` add to a task. Everything else is that of the class beside it.

    Attributes:
        plain: the task without them.
        own: the functions.
    """

    plain: Task
    own: OwnMeasures

    @property
    def metrics(self) -> Sequence[Metric]:
        """Those of the task, `loss` with the own one in its place, and the own ones."""
        found = list(self.plain.metrics)
        names = [one.name for one in found]
        for one in self.own.metrics:
            if one.declared.name in names:
                raise TrainableError(
                    f"metrics has {one.declared.name!r}, which is a metric of the task; give yours another name"
                )
        if self.own.loss is not None:
            declared = Metric(LOSS, "min")
            found = [declared if one.name == LOSS else one for one in found]
            found += [] if LOSS in names else [declared]
        return (*found, *(one.declared for one in self.own.metrics))

    def loss(self, outputs: Batch, targets: Batch, data: Any) -> Tensor:
        """Compute the own loss, or that of the task."""
        if self.own.loss is None:
            return self.plain.loss(outputs, targets, data)
        return scalar(LOSS, self.own.loss(*self._for_loss(outputs, targets, data)))

    def meter(self, data: Any, names: Sequence[str]) -> Meter:
        """Measure the metrics of the task and the own ones."""
        own = {one.declared.name: one for one in self.own.metrics}
        of_task = [name for name in names if name not in own and not (name == LOSS and self.own.loss is not None)]
        meters: list[Meter] = [self.plain.meter(data, of_task)]
        wanted = [one for name, one in own.items() if name in names]
        if LOSS in names and self.own.loss is not None:
            paired = partial(self._for_loss, data=data)
            meters.append(_Paired(Means({LOSS: partial(_sum, LOSS, self.own.loss)}), paired))
        if functions := {one.declared.name: one.function for one in wanted if one.function is not None}:
            sums = {name: partial(_sum, f"metrics.{name}", function) for name, function in functions.items()}
            meters.append(_Paired(Means(sums), partial(self._for_metrics, data=data)))
        if wholes := {one.declared.name: partial(_whole, one, data) for one in wanted if one.kind is not None}:
            meters.append(_Paired(GatheringMeter(wholes), partial(self._for_wholes, data=data)))
        return Joined(meters)

    def reward(self, outputs: Batch, targets: Batch, data: Any) -> Tensor:
        """Compute the reward of the task, with the own loss where it is the negative loss."""
        if self.own.loss is not None and type(self.plain).reward is Task.reward:
            return -self.loss(outputs, targets, data)
        return self.plain.reward(outputs, targets, data)

    def check(self) -> None:
        """Check the data, and try the functions on some targets with random outputs."""
        self.plain.check()
        data = self.plain.load(torch.device("cpu"))
        count, arguments = min(_TRIED, len(data.train)), data.arguments()
        _ = self.metrics  # Refuses a name that the task has.
        if "num_classes" not in arguments:
            return
        targets = data.train.rows(torch.arange(count))[1]
        generator = torch.Generator().manual_seed(0)
        outputs = torch.randn(count, int(arguments["num_classes"]), generator=generator, requires_grad=True)
        if self.own.loss is not None and not _tried(LOSS, lambda: self.loss(outputs, targets, data)).requires_grad:
            raise TrainableError(
                "loss has no gradient; compute it by functions of torch, from the outputs that it gets"
            )
        for one in self.own.metrics:
            if one.function is not None:
                given = self._for_metrics(outputs.detach(), targets, data)
                name = f"metrics.{one.declared.name}"
                _tried(name, partial(_sum, name, one.function, *given))
            else:
                _whole(one, data, *cast("Any", self._for_wholes(outputs.detach(), targets, data)))

    def identity(self) -> Mapping[str, object]:
        """Return the identity of the task, with that of the settings."""
        return {**self.plain.identity(), **self.own.identity}

    def _for_loss(self, outputs: Batch, targets: Batch, data: Any) -> tuple[Batch, Batch]:
        return self.plain.for_loss(outputs, targets, data) if isinstance(self.plain, Comparing) else (outputs, targets)

    def _for_metrics(self, outputs: Batch, targets: Batch, data: Any) -> tuple[Batch, Batch]:
        if isinstance(self.plain, Comparing):
            return self.plain.for_metrics(outputs, targets, data)
        return outputs, targets

    def _for_wholes(self, outputs: Batch, targets: Batch, data: Any) -> tuple[Batch, Batch]:
        """Probabilities where there are some, else predicted numbers, with the targets."""
        found, wanted = self._for_metrics(outputs, targets, data)
        if isinstance(found, Tensor) and data.classes:
            chances = self.plain.probabilities(found, data)
            found = found if chances is None else chances
        if not isinstance(found, Tensor) or not isinstance(wanted, Tensor):
            names = ", ".join(one.declared.name for one in self.own.metrics if one.kind is not None)
            raise TrainableError(
                f"metrics {names} of torchmetrics compare one tensor with another, and the outputs or targets of the "
                "task are several; give a function of yours as 'module:function'"
            )
        return found, wanted


class _Paired:
    """A meter that gets outputs and targets in another form.

    Args:
        meter: the meter.
        pair: brings a batch to that form.
    """

    def __init__(self, meter: Meter, pair: Any) -> None:
        self._meter, self._pair = meter, pair

    def add(self, outputs: Batch, targets: Batch) -> None:
        """Add a batch in the other form.

        Args:
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """
        self._meter.add(*self._pair(outputs, targets))

    def merge(self, group: Group, device: torch.device) -> None:
        """Merge the meter over the processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        self._meter.merge(group, device)

    def result(self) -> dict[str, float]:
        """Compute the metrics.

        Returns:
            The values by name.
        """
        return self._meter.result()


def with_measures(plain: Task, own: OwnMeasures) -> Task:
    """Give a task a loss or metrics of one's own.

    Args:
        plain: the task; it stays as it is.
        own: what is added.

    Returns:
        The task with them, of a class derived from its class.
    """
    found = object.__new__(_derived(type(plain)))
    for name, value in {**_state(plain), "plain": plain, "own": own}.items():
        object.__setattr__(found, name, value)
    return cast(Task, found)


def class_of(task: object) -> type[Any]:
    """Find the class of a task as it is registered, whatever its settings add.

    Args:
        task: a task.

    Returns:
        The class.
    """
    return type(task.plain) if isinstance(task, _Measured) else type(task)


@cache
def _derived(kind: type[Any]) -> type[Any]:
    class Derived(_Measured, kind):  # type: ignore[misc]
        pass

    Derived.__name__, Derived.__qualname__, Derived.__module__ = kind.__name__, kind.__qualname__, kind.__module__
    return Derived


def _state(task: object) -> dict[str, Any]:
    slots = [name for one in type(task).__mro__ for name in getattr(one, "__slots__", ())]
    held = {name: getattr(task, name) for name in slots if name != "__weakref__" and hasattr(task, name)}
    return {**held, **getattr(task, "__dict__", {})}


def _sum(where: str, function: Any, outputs: Batch, targets: Batch) -> Tensor:
    """The sum over the examples of a function that returns their mean."""
    return scalar(where, function(outputs, targets)).detach() * length(targets)


def _whole(one: OwnMetric, data: Any, outputs: Tensor, targets: Tensor) -> float:
    several = bool(getattr(data, "multi_label", False))
    count = len(data.classes)
    sizes = {"classes": 0 if several else count, "labels": count if several else 0}
    numbers = 0 if count else outputs.shape[1] if outputs.dim() > 1 else 1
    name = one.declared.name
    return value_of(
        name, made(name, cast("type[Any]", one.kind), one.arguments, **sizes, numbers=numbers), outputs, targets
    )


def _tried(where: str, call: Any) -> Any:
    try:
        return call()
    except TrainableError:
        raise
    except _ERRORS as error:
        raise TrainableError(
            f"{where} raised {type(error).__name__} on a batch with random outputs: {first_line(error)}; it is called "
            "with outputs and targets, and returns the mean over the examples, a scalar"
        ) from error
