"""Metrics of torchmetrics by name, where it is installed (`pip install "nas-tune[metrics]"`).

What their constructors ask for and the data decide is filled in: `task`, `num_classes`, `num_labels`, `num_outputs`.
"""

from __future__ import annotations

import importlib
import inspect
import warnings
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from search_spaces.names import did_you_mean
from trainables.errors import TrainableError, first_line
from trainables.metrics import Mode

__all__ = ["kind_of", "made", "mode_of", "value_of"]

_PACKAGE = "torchmetrics"


def kind_of(name: str, what: str) -> type[Any]:
    """Find a metric of torchmetrics.

    Args:
        name: the name of the metric in the settings, for messages.
        what: such as "torchmetrics:CohenKappa", "CohenKappa" or "cohen_kappa".

    Returns:
        The class.

    Raises:
        TrainableError: torchmetrics is not installed, or has no such metric.
    """
    module, _, wanted = what.rpartition(":")
    try:
        package = importlib.import_module(_PACKAGE)
        place = importlib.import_module(module or _PACKAGE)
    except ImportError as error:
        raise TrainableError(
            f"metrics.{name} is {what!r}, a metric of torchmetrics, which cannot be imported ({first_line(error)}); "
            "pip install \"nas-tune[metrics]\", or give a function as 'module:function'"
        ) from error
    base = package.Metric
    known = {one: kind for one, kind in vars(place).items() if inspect.isclass(kind) and issubclass(kind, base)}
    for one, kind in known.items():
        if _plain(one) == _plain(wanted) and kind is not base:
            return kind
    hint = did_you_mean(wanted, known) or ";"
    raise TrainableError(
        f"metrics.{name} is {what!r}, and torchmetrics has no such metric{hint} write the name of one of its classes, "
        "or 'module:function' for one of yours"
    )


def mode_of(name: str, kind: type[Any]) -> Mode:
    """Read whether more of a metric is better.

    Args:
        name: the name of the metric in the settings, for the message.
        kind: the class.

    Returns:
        "max" or "min".

    Raises:
        TrainableError: torchmetrics does not say it.
    """
    better = kind.higher_is_better
    if better is None:
        of_classes = importlib.import_module(f"{_PACKAGE}.classification")
        better = getattr(getattr(of_classes, f"Multiclass{kind.__name__}", None), "higher_is_better", None)
    if better is None:
        raise TrainableError(
            f"metrics.{name}: torchmetrics does not say whether more of {kind.__name__} is better; write its mode "
            f"beside it: {{'metric': {kind.__name__!r}, 'mode': 'max'}}, or 'min'"
        )
    return "max" if better else "min"


def made(name: str, kind: type[Any], arguments: Mapping[str, Any], *, classes: int, labels: int, numbers: int) -> Any:
    """Make a metric for the data.

    Args:
        name: the name of the metric in the settings, for the message.
        kind: the class.
        arguments: what the settings give; they replace what the data decide.
        classes: the number of classes that exclude each other; 0 for none.
        labels: the number of classes that do not; 0 for none.
        numbers: the number of predicted numbers; 0 for none.

    Returns:
        The metric.

    Raises:
        TrainableError: it refuses its arguments.
    """
    form = "multilabel" if labels else "binary" if classes == 2 else "multiclass"
    decided: dict[str, Any] = (
        {"num_classes": classes} if classes and (form, arguments.get("task")) != ("binary", None) else {}
    )
    decided |= {"task": form} if classes or labels else {}
    decided |= {"num_labels": labels} if labels else {}
    decided |= {"num_outputs": numbers} if numbers > 1 else {}
    takes = {**inspect.signature(kind.__new__).parameters, **inspect.signature(kind.__init__).parameters}
    given = {key: value for key, value in decided.items() if key in takes} | dict(arguments)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that it keeps all examples, as here every metric does
            return kind(**given)
    except (TypeError, ValueError) as error:
        raise TrainableError(
            f"metrics.{name}: {kind.__name__} refuses its arguments {given} ({first_line(error)}); correct them"
        ) from error


def value_of(name: str, metric: Any, outputs: Tensor, targets: Tensor) -> float:
    """Compute a metric of all examples.

    Args:
        name: the name of the metric in the settings, for the message.
        metric: the metric; it is reset before.
        outputs: (n, ...), probabilities of classes or predicted numbers.
        targets: (n, ...).

    Returns:
        The value.

    Raises:
        TrainableError: it refuses the outputs, or has several values.
    """
    metric.reset()
    if outputs.dim() == 2 and outputs.shape[1] == 2 and type(metric).__name__.startswith("Binary"):
        outputs = outputs[:, 1]
    try:
        metric.update(outputs, targets)
        value = metric.compute()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TrainableError(
            f"metrics.{name}: {type(metric).__name__} refuses outputs of shape {tuple(outputs.shape)} with targets of "
            f"shape {tuple(targets.shape)} ({first_line(error)}); take another metric, or a function of yours"
        ) from error
    if not isinstance(value, Tensor) or value.numel() != 1:
        shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise TrainableError(
            f"metrics.{name}: {type(metric).__name__} has several values ({shape}), and a metric has one; give an "
            "average, where it takes one, or another metric"
        )
    return float(value)


def _plain(name: str) -> str:
    return name.replace("_", "").lower()
