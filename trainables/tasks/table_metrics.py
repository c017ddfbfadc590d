"""Metrics of predictions for all rows of a table: of classes by their logits, and of numbers."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["accuracy", "area", "auc", "f1", "log_loss", "mae", "r2", "rmse"]


def accuracy(logits: Tensor, classes: Tensor) -> float:
    """Compute the share of rows whose most likely class is the right one.

    Args:
        logits: (n, k).
        classes: (n,), int64.

    Returns:
        From 0 to 1.
    """
    return float((logits.argmax(1) == classes).double().mean())


def log_loss(logits: Tensor, classes: Tensor) -> float:
    """Compute the mean cross-entropy.

    Args:
        logits: (n, k).
        classes: (n,), int64.

    Returns:
        Nats.
    """
    return float(functional.cross_entropy(logits.double(), classes))


def auc(logits: Tensor, classes: Tensor) -> float | None:
    """Compute the area under the ROC curve: of the second of two classes, or the mean over each class against the rest.

    Args:
        logits: (n, k).
        classes: (n,), int64.

    Returns:
        From 0 to 1; None where a class has no row, or all rows.
    """
    if logits.shape[1] == 2:
        return area(logits[:, 1].double() - logits[:, 0].double(), classes == 1)
    scores = logits.double().softmax(1)
    areas = [area(scores[:, number], classes == number) for number in range(scores.shape[1])]
    known = [area for area in areas if area is not None]
    return sum(known) / len(known) if len(known) == len(areas) else None


def f1(logits: Tensor, classes: Tensor) -> float:
    """Compute the harmonic mean of precision and recall: of the second of two classes, or the mean over all classes.

    Args:
        logits: (n, k).
        classes: (n,), int64.

    Returns:
        From 0 to 1. The mean is over classes that are predicted or there, as in scikit-learn.
    """
    predicted = logits.argmax(1)
    numbers = [1] if logits.shape[1] == 2 else range(logits.shape[1])
    values = []
    for number in numbers:
        right = int(((predicted == number) & (classes == number)).sum())
        both = int((predicted == number).sum()) + int((classes == number).sum())
        if both or len(numbers) == 1:
            values.append(2 * right / max(both, 1))
    return sum(values) / len(values)


def rmse(predicted: Tensor, true: Tensor) -> float:
    """Compute the root of the mean squared error.

    Args:
        predicted: (n,), or (n, k) of several numbers.
        true: of the same shape.

    Returns:
        In units of the target; of several numbers over all of them.
    """
    return float((predicted.double() - true.double()).square().mean().sqrt())


def mae(predicted: Tensor, true: Tensor) -> float:
    """Compute the mean absolute error.

    Args:
        predicted: (n,), or (n, k) of several numbers.
        true: of the same shape.

    Returns:
        In units of the target; of several numbers over all of them.
    """
    return float((predicted.double() - true.double()).abs().mean())


def r2(predicted: Tensor, true: Tensor) -> float | None:
    """Compute the share of the variance that is explained.

    Args:
        predicted: (n,), or (n, k) of several numbers.
        true: of the same shape.

    Returns:
        At most 1; of several numbers the mean of that of each. None where all true values of a number are equal.
    """
    spread = (true.double() - true.double().mean(0)).square().sum(0)
    if not bool((spread > 0).all()):
        return None
    return float((1 - (predicted.double() - true.double()).square().sum(0) / spread).mean())


def area(scores: Tensor, positive: Tensor) -> float | None:
    """Compute the share of pairs of a positive and a negative row in which the positive one has the higher score.

    Args:
        scores: (n,).
        positive: (n,), bool.

    Returns:
        From 0 to 1, the area under the ROC curve; None where there are no such pairs.
    """
    count, others = int(positive.sum()), int((~positive).sum())
    if not count or not others:
        return None
    _, inverse, counts = torch.unique(scores, return_inverse=True, return_counts=True)
    ranks = counts.cumsum(0).double() - (counts.double() - 1) / 2
    total = float(ranks[inverse][positive].sum())
    return (total - count * (count + 1) / 2) / (count * others)
