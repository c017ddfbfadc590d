"""Ridge regression on counts, for a few dozen measured members.

Costs add up, so the model is linear, and errors are relative, so each row has the weight 1 / value². Counts of one
group (the MACs of each kind, say) share one scale: the spread of their sum. Without that, a kind that hardly occurs
would be blown up to the spread of the others, and its coefficient fitted to noise. With it, the penalty says that a MAC
of one kind costs as much as any other MAC unless the measurements tell otherwise. On five devices this gave a lower
error than counts that are standardized one by one, and than logarithms of the values.

The penalty has the lowest error of leave-one-out, which has a closed form.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainables.hardware.operation_counts import FloatArray

__all__ = ["ScaledRidge", "fit_ridge", "group_scales"]

_PENALTIES = np.logspace(-7, 3, 31)
_LEAST_SHARE = 0.25
"""The share of the median below which a value has no greater weight: it would otherwise outweigh all others."""
_FLOOR = 0.1
"""The share of the least value below which nothing is predicted."""


@dataclass(frozen=True, slots=True)
class ScaledRidge:
    """A fitted regression of n rows on p columns.

    Attributes:
        left_out: the prediction of each row by the others, (n,).
        leverage: of each row, (n,), from 0 to 1.
        error: the root mean square of the relative errors of `left_out`.
        penalty: the penalty on squared coefficients.
        center: the mean of each column, (p,).
        scales: the scale of each column, (p,).
        level: the mean of the values.
        coefficients: of the scaled columns, (p,).
        axes: directions in which the rows differ, (p, r).
        strengths: of the rows in these directions, (r,).
        floors: the least prediction, the least value that weights tell apart, and the mean weight.
    """

    left_out: FloatArray
    leverage: FloatArray
    error: float
    penalty: float
    center: FloatArray
    scales: FloatArray
    level: float
    coefficients: FloatArray
    axes: FloatArray
    strengths: FloatArray
    floors: tuple[float, float, float]

    def predict(self, counts: FloatArray) -> FloatArray:
        """Predict values.

        Args:
            counts: (m, p).

        Returns:
            The values, (m,), above 0.
        """
        values: FloatArray = np.maximum(self.level + self._scaled(counts) @ self.coefficients, self.floors[0])
        return values

    def spread(self, counts: FloatArray, predicted: FloatArray) -> FloatArray:
        """Tell how much wider errors are than those of members in the midst of the measured ones.

        Args:
            counts: (m, p).
            predicted: the values that are predicted for them, (m,).

        Returns:
            A factor of at least 1 for each row, (m,).
        """
        scaled = self._scaled(counts)
        inside = scaled @ self.axes
        outside = np.maximum((scaled**2).sum(1) - (inside**2).sum(1), 0.0)
        variance = (inside**2 / (self.strengths**2 + self.penalty)).sum(1) + outside / self.penalty
        weights = 1 / np.maximum(predicted, self.floors[1]) ** 2 / self.floors[2]
        factors: FloatArray = np.sqrt(1 + weights * (1 / len(self.left_out) + variance))
        return factors

    def _scaled(self, counts: FloatArray) -> FloatArray:
        scaled: FloatArray = (counts - self.center) / self.scales
        return scaled


def group_scales(counts: FloatArray, groups: Sequence[str]) -> FloatArray:
    """Scale the columns of each group alike: by the spread of their sum.

    Args:
        counts: (n, p).
        groups: the group of each column.

    Returns:
        A scale for each column, (p,), above 0.
    """
    scales = np.ones(len(groups))
    for group in set(groups):
        columns = [place for place, own in enumerate(groups) if own == group]
        part = counts[:, columns]
        spread = float(part.sum(1).std())
        together = float(np.sqrt(part.var(0).sum()))
        # Operations that replace each other leave the sum as it is.
        scale = max(spread, together)
        scales[columns] = scale if scale > 1e-12 * float(np.abs(part).max(initial=0.0)) else np.inf
    return scales


def fit_ridge(counts: FloatArray, values: FloatArray, groups: Sequence[str]) -> ScaledRidge:
    """Fit a regression.

    Args:
        counts: (n, p), n at least 2.
        values: (n,), above 0.
        groups: the group of each column; those of one group have one scale.

    Returns:
        The fitted regression.
    """
    least = _LEAST_SHARE * float(np.median(values))
    raw = 1 / np.maximum(values, least) ** 2
    weights = raw / raw.mean()
    center = weights @ counts / weights.sum()
    level = float(weights @ values / weights.sum())
    scales = group_scales(counts, groups)
    roots = np.sqrt(weights)
    rows, targets = (counts - center) / scales * roots[:, None], (values - level) * roots
    left, strengths, axes = np.linalg.svd(rows, full_matrices=False)
    mean_leverage = weights / weights.sum()
    found = [_left_out(left, strengths, targets, mean_leverage, penalty) for penalty in _PENALTIES * len(values)]
    missed, leverage, penalty = min(found, key=lambda one: float(np.mean(one[0] ** 2)))
    error = float(np.mean(missed**2))
    coefficients = axes.T @ (strengths / (strengths**2 + penalty) * (left.T @ targets))
    floors = _FLOOR * float(values.min()), least, float(raw.mean())
    left_out = np.maximum(values - missed / roots, floors[0])
    relative = float(np.sqrt(error * raw.mean()))
    return ScaledRidge(
        left_out, leverage, relative, penalty, center, scales, level, coefficients, axes.T, strengths, floors
    )


def _left_out(
    left: FloatArray, strengths: FloatArray, targets: FloatArray, mean_leverage: FloatArray, penalty: float
) -> tuple[FloatArray, FloatArray, float]:
    """The error of each row when it is left out, and its leverage, at a penalty."""
    kept = strengths**2 / (strengths**2 + penalty)
    leverage = np.minimum((left**2) @ kept + mean_leverage, 1 - 1e-6)
    missed = (targets - left @ (kept * (left.T @ targets))) / (1 - leverage)
    return missed, leverage, penalty
