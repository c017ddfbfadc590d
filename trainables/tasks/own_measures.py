"""Losses and metrics of one's own for any task: functions of outputs and targets, and metrics of torchmetrics by name.

    task = {
        "name": "regression",
        "data": "heights.npz",
        "loss": "torch.nn.functional:huber_loss",
        "metrics": {
            "within_5": {"metric": "my_metrics:within_5", "mode": "max", "low": 0, "high": 1},
            "spearman": "torchmetrics:SpearmanCorrCoef",
        },
    }

A function takes a batch and returns a scalar, the mean over its examples: `(outputs, targets) -> scalar`. A loss gets
what the loss of the task compares: logits and numbers of classes, or standardized numbers. A metric gets logits and
numbers of classes, or numbers in the units of the targets. A metric of torchmetrics gets probabilities in place of
logits; it is computed of all examples together.

`with_measures` makes a task with them. Settings hold names and arguments alone, so that another process makes the same
task. Functions that it cannot import are known by a name in `MEASURES`.
"""

from __future__ import annotations

import importlib
import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from search_spaces.names import IDENTIFIER_RULE, did_you_mean, is_identifier
from search_spaces.registry import Registry
from trainables.errors import TrainableError
from trainables.metrics import Metric

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.training.batches import Batch

__all__ = [
    "LOSS",
    "MEASURES",
    "METRICS",
    "OF_EVERY_TASK",
    "Comparing",
    "OwnMeasures",
    "OwnMetric",
    "own_measures",
    "register",
    "scalar",
]

LOSS, METRICS = "loss", "metrics"
OF_EVERY_TASK = (LOSS, METRICS)
"""Settings that every task takes, unless it has some of these names itself."""
_METRIC = "metric"
_DECLARED = ("mode", "unit", "low", "high")

Measure: TypeAlias = Callable[[Any, Any], Any]


@runtime_checkable
class Comparing(Protocol):
    """A task whose outputs are on another scale than its targets."""

    def for_loss(self, outputs: Batch, targets: Batch, data: Any) -> tuple[Batch, Batch]:
        """Bring a batch to the form in which a loss compares it.

        Args:
            outputs: outputs of the network.
            targets: their targets.
            data: what `load` returned.

        Returns:
            Outputs and targets, with the gradients of the outputs.
        """

    def for_metrics(self, outputs: Batch, targets: Batch, data: Any) -> tuple[Batch, Batch]:
        """Bring a batch to the form in which a metric compares it, such as the units of the targets.

        Args:
            outputs: outputs of the network, detached.
            targets: their targets.
            data: what `load` returned.

        Returns:
            Outputs and targets.
        """


def _function(name: str, target: object) -> Measure:
    if not callable(target):
        raise TrainableError(f"{name} is {target!r}; a loss or a metric is a function (outputs, targets) -> scalar")
    return target


MEASURES: Registry[Measure] = Registry(
    "loss or metric",
    "measures",
    {
        # None is built in: those of the tasks are not asked for by name.
    },
    check=_function,
    error=TrainableError,
    name_rule=(is_identifier, IDENTIFIER_RULE),
)
"""Functions that no other process could import, by name; those of a notebook."""


def register(name: str, target: Measure | str, *, replace: bool = False) -> None:
    """Make a loss or a metric known by a name.

    Args:
        name: the name in settings.
        target: a function (outputs, targets) -> scalar, or "module:function".
        replace: whether to replace a function that has the name already.

    Raises:
        TrainableError: the name breaks the rule or is taken, or it is not a function.
    """
    MEASURES.register(name, target, replace=replace)


@dataclass(frozen=True)
class OwnMetric:
    """A metric of one's own.

    Attributes:
        declared: its name, mode, unit and interval.
        function: a function of outputs and targets; None for a metric of torchmetrics.
        kind: the class of torchmetrics; None for a function.
        arguments: of that class.
    """

    declared: Metric
    function: Measure | None = None
    kind: type[Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class OwnMeasures:
    """The loss and the metrics that the settings of a task add.

    Attributes:
        loss: the function in place of the loss of the task; None keeps that.
        metrics: beside those of the task.
        identity: the settings as plain data, for checkpoints.
    """

    loss: Measure | None
    metrics: tuple[OwnMetric, ...]
    identity: Mapping[str, object]


def own_measures(settings: Mapping[str, Any]) -> OwnMeasures:
    """Read the settings `loss` and `metrics`.

    Args:
        settings: these two, or one of them, as plain values or with functions.

    Returns:
        The functions and classes.

    Raises:
        TrainableError: a function cannot be imported or is none; the mode of a metric is not known; torchmetrics is not
            installed, or has no such metric.
    """
    loss = settings.get(LOSS)
    metrics = [_metric(name, entry) for name, entry in _entries(settings.get(METRICS))]
    return OwnMeasures(
        loss=None if loss is None else _loss(loss),
        metrics=tuple(metrics),
        identity={key: _written(settings[key]) for key in OF_EVERY_TASK if settings.get(key) is not None},
    )


def _entries(metrics: object) -> list[tuple[str, dict[str, Any]]]:
    """The name and the table of each metric."""
    if metrics is None:
        return []
    if isinstance(metrics, Sequence) and not isinstance(metrics, str):
        metrics = {_snake(one): one for one in metrics}
    if not isinstance(metrics, Mapping):
        raise TrainableError(
            f"metrics is {metrics!r}; give a table with a name for each metric, such as {{'kappa': 'cohen_kappa'}}, or "
            "a list of names of torchmetrics"
        )
    found = []
    for name, entry in metrics.items():
        if not is_identifier(name):
            raise TrainableError(f"metrics has the name {name!r}; {IDENTIFIER_RULE}")
        table = dict(entry) if isinstance(entry, Mapping) else {_METRIC: entry}
        if _METRIC not in table:
            raise TrainableError(
                f"metrics.{name} is {entry!r}; its key 'metric' must be 'module:function' or a name of torchmetrics"
            )
        found.append((name, table))
    return found


def _written(value: object) -> object:
    """A setting as plain values: a function by its name."""
    if isinstance(value, Mapping):
        return {key: _written(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_written(one) for one in value]
    if callable(value):
        return f"{value.__module__}:{getattr(value, '__qualname__', type(value).__qualname__)}"
    return value


def _snake(name: object) -> str:
    """The name of a metric of torchmetrics as names of metrics are written: CohenKappa is cohen_kappa."""
    if not isinstance(name, str):
        raise TrainableError(f"metrics has {name!r} in a list; give a table with a name for each function")
    text = name.rpartition(":")[2]
    parts = []
    for place, letter in enumerate(text):
        begins = letter.isupper() and place > 0 and (text[place - 1].islower() or text[place + 1 : place + 2].islower())
        parts.append(f"_{letter}" if begins else letter)
    return "".join(parts).lower()


def _metric(name: str, table: Mapping[str, Any]) -> OwnMetric:
    said = {key: table[key] for key in _DECLARED if key in table}
    arguments = {key: value for key, value in table.items() if key not in (_METRIC, *_DECLARED)}
    what, mode = table[_METRIC], said.pop("mode", None)
    for key in ("low", "high"):
        if key in said and (isinstance(said[key], bool) or not isinstance(said[key], int | float)):
            raise TrainableError(f"metrics.{name}.{key} is {said[key]!r}; it must be a number")
    if not _is_of_torchmetrics(what):
        if arguments:
            raise TrainableError(
                f"metrics.{name} has {', '.join(map(repr, arguments))}, and a function takes outputs and targets "
                "alone; give it a function that has them, such as functools.partial of it in a module file"
            )
        if mode is None:
            raise TrainableError(
                f"metrics.{name}: it is unknown whether more of it is better; write its mode beside it: "
                f"{{'metric': .., 'mode': 'max'}}, or 'min'"
            )
        return OwnMetric(Metric(name, mode, **said), function=_named_function(f"metrics.{name}", what))
    from trainables.tasks.torch_metrics import kind_of, mode_of

    kind = kind_of(name, what)
    return OwnMetric(Metric(name, mode or mode_of(name, kind), **said), kind=kind, arguments=arguments)


def _is_of_torchmetrics(what: object) -> bool:
    if not isinstance(what, str):
        return False
    return what.partition(":")[0].partition(".")[0] == "torchmetrics" or (":" not in what and what not in MEASURES)


def _loss(loss: object) -> Measure:
    if isinstance(loss, str) and ":" not in loss and loss not in MEASURES:
        hint = did_you_mean(loss, list(MEASURES)) or ";"
        raise TrainableError(
            f"loss is {loss!r}{hint} give a function (outputs, targets) -> scalar, or 'module:function', such as "
            "'torch.nn.functional:huber_loss'"
        )
    return _named_function("loss", loss)


def _named_function(where: str, what: object) -> Measure:
    """The function behind "module:function" or a registered name; an instance of a class, such as a module of torch."""
    found = what
    if isinstance(what, str) and ":" not in what:
        found = MEASURES.get(what)
    elif isinstance(what, str):
        module, _, attribute = what.partition(":")
        try:
            found = operator.attrgetter(attribute)(importlib.import_module(module))
        except (ImportError, AttributeError, ValueError) as error:
            raise TrainableError(
                f"{where} {what!r} cannot be imported: {error}; write 'module:function', and start where the module is "
                "found"
            ) from error
    if inspect.isclass(found):
        found = found()
    if not callable(found):
        raise TrainableError(
            f"{where} is {found!r}; give a function (outputs, targets) -> scalar, or 'module:function'"
        )
    return found


def scalar(where: str, value: Any) -> Tensor:
    """Check what a loss or a metric of one's own returned.

    Args:
        where: its name, for the message.
        value: what it returned.

    Returns:
        The same as a tensor without dimensions.

    Raises:
        TrainableError: it is not a scalar.
    """
    import torch

    found = torch.as_tensor(value)
    if found.numel() != 1:
        raise TrainableError(
            f"{where} returned a tensor of shape {tuple(found.shape)}; return a scalar, the mean over the examples of "
            "the batch"
        )
    return found.reshape(())
