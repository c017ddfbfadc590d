"""What a metric is, and whether more or less of it is better. The name of a metric decides nothing.

Every metric is declared once, by a `Metric`; everything else that shows or compares metrics reads the declaration. A
task has its declarations in `metrics`. A trainable without a task has them in the attribute `metrics` of its class or
function, or, where the mode says enough, in the attribute `modes`:

    def train(architecture):
        yield {"mae": 0.5, "loss": 0.7}

    train.metrics = [Metric("mae", "min", "mm", low=0), Metric("loss", "min")]
    train.modes = {"mae": "min", "loss": "min"}         # the same without units and intervals

A run keeps the declarations in its ledger, so that readers need no code. The metrics that several tasks have stand
here. `COSTS` have no mode: an objective declares it, because a cost may also be a target.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Literal

from trainables.errors import TrainableError

__all__ = [
    "ACCURACY",
    "AUC",
    "COSTS",
    "CROSS_ENTROPY",
    "DISCRETE",
    "F1",
    "SQUARED_ERROR",
    "TEST",
    "TRAINING",
    "Metric",
    "Mode",
    "declaration_of",
    "declared_metrics",
    "discrete",
    "errors_in",
    "metrics_of",
    "metrics_of_supernet",
    "modes_of",
    "read_metrics",
    "titled",
    "with_training",
]

TRAINING = "train_"
"""What the names of metrics on the training examples begin with."""
TEST = "test_"
"""What the names of metrics on the test examples begin with, in the ledger of a retraining."""
DISCRETE = "discrete_"
"""What the names of metrics of an architecture with the weights of a supernet begin with."""

Mode = Literal["max", "min"]


_LONGEST_UNIT = 20
_ROUNDING = 1e-6
"""How far a value may lie beyond the end of its interval, as a share of it, by rounding."""


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
        on_request: whether only an evaluation measures it, and not that after each epoch, since it takes long.

    Raises:
        TrainableError: the mode is neither "max" nor "min", the unit is not a short text, or the interval is empty.
    """

    name: str
    mode: Mode
    unit: str = ""
    low: float = -math.inf
    high: float = math.inf
    is_share: bool = False
    on_request: bool = False

    def __post_init__(self) -> None:
        if self.mode not in ("max", "min"):
            raise TrainableError(f"the mode of the metric {self.name!r} is {self.mode!r}; it is 'max' or 'min'")
        if not isinstance(self.unit, str) or len(self.unit) > _LONGEST_UNIT or not self.unit.isprintable():
            raise TrainableError(
                f"the unit of the metric {self.name!r} is {self.unit!r:.60}; it must be text of at most "
                f"{_LONGEST_UNIT} characters, such as 'mm'"
            )
        if not self.low <= self.high:
            raise TrainableError(
                f"the metric {self.name!r} has values from {self.low:g} to {self.high:g}, which are none; exchange low "
                "and high"
            )

    def problem(self, value: float) -> str:
        """Check that a value lies in the interval of the metric.

        Args:
            value: a value; NaN passes, since it is not a value.

        Returns:
            What is wrong, with the rule and the remedy; empty where nothing is.
        """
        below = value < self.low - _ROUNDING * max(1.0, abs(self.low))
        if not below and not value > self.high + _ROUNDING * max(1.0, abs(self.high)):
            return ""
        bounds = [f"at least {self.low:g}"] if self.low > -math.inf else []
        bounds += [f"at most {self.high:g}"] if self.high < math.inf else []
        return (
            f"{self.name} is {value:g}, and it is declared as {' and '.join(bounds)}; correct the metric, or its "
            "declaration (low and high of its Metric)"
        )

    def to_dict(self) -> dict[str, object]:
        """Make plain data of the declaration.

        Returns:
            The attributes that are not at their defaults; `read_metrics` reads them.
        """
        plain: dict[str, object] = {"name": self.name, "mode": self.mode}
        for one in fields(self):
            value = getattr(self, one.name)
            if one.name not in plain and value != one.default:
                plain[one.name] = value
        return plain


ACCURACY = Metric("accuracy", "max", low=0.0, high=1.0, is_share=True)
"""The share of examples whose most likely class is the right one."""
CROSS_ENTROPY = Metric("loss", "min", "nats", low=0.0)
"""The mean loss of a classification."""
F1 = Metric("f1", "max", low=0.0, high=1.0)
AUC = Metric("auc", "max", low=0.0, high=1.0)
SQUARED_ERROR = Metric("loss", "min", low=0.0)
"""The mean squared error of standardized targets."""

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


def errors_in(unit: str = "") -> tuple[Metric, Metric, Metric]:
    """Declare the metrics of predicted numbers.

    Args:
        unit: the unit of the targets; empty where it is not known.

    Returns:
        The root of the mean squared error, the mean absolute error, both in that unit, and the coefficient of
        determination.
    """
    return Metric("rmse", "min", unit, low=0.0), Metric("mae", "min", unit, low=0.0), Metric("r2", "max", high=1.0)


def with_training(metrics: Iterable[Metric]) -> list[Metric]:
    """Declare the same metrics on the training examples too.

    Args:
        metrics: the metrics of a task.

    Returns:
        These, and each again with `TRAINING` before its name.
    """
    declared = list(metrics)
    return declared + [replace(one, name=f"{TRAINING}{one.name}") for one in declared]


def declaration_of(name: str, metrics: Iterable[Metric]) -> Metric | None:
    """Look up the declaration of a reported metric.

    Args:
        name: the name in a report. It may begin with `TRAINING`, `TEST` or `DISCRETE`.
        metrics: what is declared.

    Returns:
        The declaration under that name; None where there is none.
    """
    declared = {one.name: one for one in metrics}
    for prefix in ("", TRAINING, TEST, DISCRETE):
        if name.startswith(prefix) and name.removeprefix(prefix) in declared:
            return replace(declared[name.removeprefix(prefix)], name=name)
    return None


def titled(name: str, unit: str) -> str:
    """Write the title of a column or an axis with the values of a metric.

    Args:
        name: the name of the metric.
        unit: its unit; empty for none.

    Returns:
        The text, such as "rmse (USD)".
    """
    return f"{name} ({unit})" if unit else name


def read_metrics(values: object) -> tuple[Metric, ...]:
    """Read declarations from plain data, such as those of a ledger. Nothing is imported.

    Args:
        values: a list of what `Metric.to_dict` returned.

    Returns:
        The declarations. Entries that are none are left out, so that a damaged one costs no more than a unit.
    """
    found = []
    types = {"name": str, "mode": str, "unit": str, "low": int | float, "high": int | float, "is_share": bool}
    for value in values if isinstance(values, list | tuple) else ():
        if not isinstance(value, Mapping) or "name" not in value or "mode" not in value:
            continue
        kept = {}
        for key, kind in types.items():
            if key in value and isinstance(value[key], kind):
                kept[key] = value[key]
        try:
            found.append(Metric(**{"name": "", "mode": "", **kept}))
        except TrainableError:
            continue
    return tuple(found)


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


def declared_metrics(target: object, settings: Mapping[str, object] | None = None) -> tuple[Metric, ...]:
    """Read what a trainable declares about its metrics.

    Args:
        target: a class or a generator function, or a `functools.partial` of one.
        settings: its settings; they decide the metrics of a trainable that has a task. None for those that are the
            same with any settings.

    Returns:
        The attribute `metrics`, or what the attribute `modes` says, or else the metrics of the task; empty where
        nothing is declared.

    Raises:
        TrainableError: `modes` is not a mapping of names to "max" or "min", or `metrics` has other things among its
            declarations.
    """
    while isinstance(target, partial):
        target = target.func
    name = getattr(target, "__qualname__", None) or repr(target)
    own = getattr(target, "metrics", None)
    if isinstance(own, list | tuple) and any(isinstance(one, Metric) for one in own):
        if not all(isinstance(one, Metric) for one in own):
            raise TrainableError(f"{name}.metrics is {own!r}; each of them must be a trainables.metrics.Metric")
        return tuple(own)
    if not hasattr(target, "modes"):
        return metrics_of(target, settings) if settings is not None else ()
    modes = target.modes
    if not isinstance(modes, Mapping) or any(mode not in ("max", "min") for mode in modes.values()):
        raise TrainableError(f"{name}.modes is {modes!r}; it maps names of metrics to 'max' or 'min'")
    return tuple(Metric(metric, mode) for metric, mode in modes.items())


def modes_of(target: object, settings: Mapping[str, object] | None = None) -> dict[str, Mode]:
    """Read whether more or less of the metrics of a trainable is better.

    Args:
        target: a class or a generator function, or a `functools.partial` of one.
        settings: as in `declared_metrics`.

    Returns:
        "max" or "min" by the name of the metric, on the training examples too; empty where nothing is declared.

    Raises:
        TrainableError: what it declares is wrong.
    """
    return {one.name: one.mode for one in with_training(declared_metrics(target, settings))}
