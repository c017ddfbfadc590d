"""What a metric is, and whether more or less of it is better. The name of a metric decides nothing.

A task declares its metrics (`Metric`), each once; everything else that shows or compares them reads that declaration.
A trainable without a task declares whether more or less of its metrics is better.

The declaration is the attribute `modes` of the class or function:

    def train(architecture):
        yield {"mae": 0.5}

    train.modes = {"mae": "min"}

`MODES` are the declarations of the trainables of this project. Their `COSTS` have no mode: an objective declares it,
because a cost may also be a target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from trainables.errors import TrainableError

__all__ = [
    "COSTS",
    "DISCRETE",
    "MODES",
    "TRAINING",
    "Metric",
    "Mode",
    "discrete",
    "metrics_of",
    "metrics_of_supernet",
    "modes_of",
    "modes_with_training",
]

TRAINING = "train_"
"""What the names of metrics on the training examples begin with."""
DISCRETE = "discrete_"
"""What the names of metrics of an architecture with the weights of a supernet begin with."""

Mode = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Metric:
    """The declaration of a metric.

    Attributes:
        name: its name in reports, such as "accuracy".
        mode: whether more ("max") or less ("min") of it is better.
        unit: the unit of its values, such as "nats"; empty for a pure number.
        low: the least value that it can have.
        high: the greatest value that it can have.
        is_share: whether it is the share of examples with a property. The number of examples then decides its
            confidence interval.
    """

    name: str
    mode: Mode
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    is_share: bool = False


MODES: Mapping[str, Mode] = {
    "accuracy": "max",
    "loss": "min",
    "train_accuracy": "max",
    "train_loss": "min",
    "discrete_accuracy": "max",
}
"""`discrete_accuracy` is the accuracy of an architecture with the weights of a supernet."""

COSTS = ("parameters", "macs")
"""Properties of a network that are reported beside the metrics."""


def discrete(metric: Metric) -> Metric:
    """Declare a metric of the architecture that a search in a supernet has found, with the weights of the supernet.

    Args:
        metric: the metric of a network.

    Returns:
        The same with `DISCRETE` before its name.
    """
    return replace(metric, name=f"{DISCRETE}{metric.name}")


def metrics_of_supernet(metrics: Iterable[Metric], primary: str) -> list[Metric]:
    """Declare the metrics of a search in a supernet.

    Args:
        metrics: those of the task.
        primary: the name of its primary one.

    Returns:
        The primary metric of the architecture that is found, and those of the task.
    """
    declared = list(metrics)
    return [discrete(one) for one in declared if one.name == primary] + declared


def modes_with_training(metrics: Iterable[Metric]) -> dict[str, Mode]:
    """Collect the modes of metrics, and of the same metrics on the training examples.

    Args:
        metrics: the metrics of a task.

    Returns:
        "max" or "min" by name; also by the name with `TRAINING` before it.
    """
    modes: dict[str, Mode] = {metric.name: metric.mode for metric in metrics}
    return {**modes, **{f"{TRAINING}{name}": mode for name, mode in modes.items()}}


def metrics_of(target: object, settings: Mapping[str, object]) -> tuple[Metric, ...]:
    """Read the metrics that a trainable with a task declares.

    Args:
        target: a class, which has a class method `metrics_of(settings)`; others declare nothing here.
        settings: the settings of the trainable, which name the task.

    Returns:
        The metrics of `evaluate`, the primary one first; empty where nothing is declared.
    """
    declared = getattr(target, "metrics_of", None)
    return tuple(declared(settings)) if callable(declared) else ()


def modes_of(target: object, settings: Mapping[str, object] | None = None) -> Mapping[str, Mode]:
    """Read what a trainable declares about its metrics.

    Args:
        target: a class or a generator function, or a `functools.partial` of one.
        settings: its settings; they decide the metrics of a trainable that has a task.

    Returns:
        "max" or "min" by the name of the metric; empty where nothing is declared.

    Raises:
        TrainableError: `modes` is not a mapping of names to "max" or "min".
    """
    while isinstance(target, partial):
        target = target.func
    if settings is not None and not hasattr(target, "modes") and (metrics := metrics_of(target, settings)):
        return modes_with_training(metrics)
    modes = getattr(target, "modes", {})
    if not isinstance(modes, Mapping) or any(mode not in ("max", "min") for mode in modes.values()):
        name = getattr(target, "__qualname__", None) or repr(target)
        raise TrainableError(f"{name}.modes is {modes!r}; it maps names of metrics to 'max' or 'min'")
    return modes
