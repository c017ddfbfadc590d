"""What a task computes where an example may have several classes: a loss and metrics of 0 or 1 for each class.

An example has the classes whose probability, a sigmoid of their output, is above a half.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainables.metrics import ACCURACY, AUC, CROSS_ENTROPY, F1, Metric
from trainables.tasks.gathering import GatheringMeter, Whole
from trainables.tasks.meters import Joined, Means
from trainables.tasks.table_metrics import area
from trainables.tasks.task import Meter

__all__ = ["METRICS", "auc", "classes_of", "f1", "loss", "mean_average_precision", "meter", "right", "weights_of"]

METRICS = (Metric("map", "max", low=0.0, high=1.0), F1, AUC, ACCURACY, CROSS_ENTROPY)
"""The mean over the classes of the average precision, of f1 and of the area under the ROC curve; the share of
examples whose classes are all right and no others; and the mean cross-entropy of a class.
"""


def loss(
    outputs: Tensor, targets: Tensor, *, smoothing: float = 0.0, weights: tuple[Tensor, Tensor] | None = None
) -> Tensor:
    """Compute the mean binary cross-entropy in nats.

    Args:
        outputs: (n, k), logits.
        targets: (n, k), 0 or 1.
        smoothing: the share of the target that is spread over both answers.
        weights: the weight of each class, and that of its positive examples, each (k,); None weights all alike.

    Returns:
        The mean over examples and classes, a scalar.
    """
    wanted = targets.float() * (1 - smoothing) + smoothing / 2
    whole, positive = (None, None) if weights is None else weights
    return functional.binary_cross_entropy_with_logits(outputs.float(), wanted, weight=whole, pos_weight=positive)


def weights_of(weights: str | Sequence[float], labels: Tensor) -> tuple[Tensor, Tensor]:
    """Compute the weights of the classes.

    Args:
        weights: "balanced", which weights the positive examples of a class so that they count as much as its negative
            ones; or a number for each class.
        labels: (n, k), of the training examples.

    Returns:
        The weight of each class, and that of its positive examples, each (k,), on the device of the labels.
    """
    count = labels.shape[1]
    if not isinstance(weights, str):
        return torch.tensor(weights, device=labels.device), torch.ones(count, device=labels.device)
    often = labels.float().sum(0)
    return torch.ones(count, device=labels.device), (len(labels) - often).clamp(min=1) / often


def meter(names: Sequence[str]) -> Meter:
    """Make a meter of `METRICS`.

    Args:
        names: the metrics to measure.

    Returns:
        The meter; it keeps all outputs where a metric needs them together.
    """
    means = Means({"accuracy": lambda outputs, targets: right(outputs, targets).sum(), "loss": _nats}, names)
    return Joined([GatheringMeter(_WHOLE, names), means])


def right(outputs: Tensor, targets: Tensor) -> Tensor:
    """Tell the examples whose classes are all found and no others.

    Args:
        outputs: (n, k), logits.
        targets: (n, k), 0 or 1.

    Returns:
        (n,), float32, 1 or 0.
    """
    return ((outputs > 0) == targets.bool()).all(1).float()


def classes_of(outputs: Tensor, classes: Sequence[str]) -> list[list[str]]:
    """Name the classes of each example.

    Args:
        outputs: (n, k), logits.
        classes: the names of all classes.

    Returns:
        For each example the names whose probability is above a half, in their order; it may be empty.
    """
    return [[name for name, one in zip(classes, row, strict=True) if one] for row in (outputs > 0).tolist()]


def mean_average_precision(outputs: Tensor, targets: Tensor) -> float | None:
    """Compute the mean over the classes of the average precision: the mean of the precisions at each positive example.

    Args:
        outputs: (n, k), logits.
        targets: (n, k), 0 or 1.

    Returns:
        From 0 to 1. The mean is over classes that an example has; None where there are none.
    """
    return _mean_over_classes(outputs, targets, _average_precision)


def auc(outputs: Tensor, targets: Tensor) -> float | None:
    """Compute the mean over the classes of the area under the ROC curve.

    Args:
        outputs: (n, k), logits.
        targets: (n, k), 0 or 1.

    Returns:
        From 0 to 1. The mean is over classes that some examples have and others have not; None where there are none.
    """
    return _mean_over_classes(outputs, targets, area)


def f1(outputs: Tensor, targets: Tensor) -> float:
    """Compute the mean over the classes of the harmonic mean of precision and recall.

    Args:
        outputs: (n, k), logits.
        targets: (n, k), 0 or 1.

    Returns:
        From 0 to 1. The mean is over classes that are predicted or there; 0 where there are none.
    """
    predicted, wanted = outputs > 0, targets.bool()
    both = (predicted.sum(0) + wanted.sum(0)).double()
    values = (2 * (predicted & wanted).sum(0).double() / both)[both > 0]
    return float(values.mean()) if len(values) else 0.0


def _nats(outputs: Tensor, targets: Tensor) -> Tensor:
    return loss(outputs, targets, weights=None) * len(targets)


def _mean_over_classes(outputs: Tensor, targets: Tensor, metric: Whole) -> float | None:
    found = [metric(outputs[:, place].double(), targets[:, place].bool()) for place in range(outputs.shape[1])]
    known = [value for value in found if value is not None]
    return sum(known) / len(known) if known else None


def _average_precision(scores: Tensor, positive: Tensor) -> float | None:
    """The sum over the distinct scores of the gain in recall times the precision, as in scikit-learn."""
    if not bool(positive.any()):
        return None
    order = scores.argsort(descending=True, stable=True)
    hits = positive[order].double().cumsum(0)
    ranked = scores[order]
    ends = torch.cat((ranked[1:] != ranked[:-1], torch.ones(1, dtype=torch.bool)))
    hits_at, count = hits[ends], torch.arange(1, len(scores) + 1, dtype=torch.float64)[ends]
    gained = torch.diff(hits_at, prepend=torch.zeros(1, dtype=torch.float64)) / hits[-1]
    return float((gained * hits_at / count).sum())


_WHOLE: Mapping[str, Whole] = {"map": mean_average_precision, "f1": f1, "auc": auc}
