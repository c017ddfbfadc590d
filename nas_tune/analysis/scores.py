"""Scores on a robust scale, on which no outlier makes the differences of all other scores vanish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_tune.analysis.units import Numbers

__all__ = ["Scale", "deviation", "even_units", "mean", "median"]

_FENCE = 10.0
"""The largest absolute value in even units."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Even units of finite scores: 0 is the median, 1 is the width of the middle half, and none is beyond 10.

    One loss of 1e308 among ordinary ones counts as the worst, and the others stay distinct. Different scores have
    different units up to the limit of 10; equal scores are all 0.

    Attributes:
        middle: half the median, because the difference of the two largest floats overflows.
        width: half the width of the middle half.
    """

    middle: float
    width: float

    @classmethod
    def of(cls, scores: Sequence[float] | Numbers) -> Scale:
        """Compute the scale of some scores.

        Args:
            scores: one or more finite scores (n,).

        Returns:
            The scale. Its width is above 0, also for equal scores.
        """
        half = np.asarray(scores, dtype=float) / 2.0
        low, middle, high = np.quantile(half, [0.25, 0.5, 0.75], method="nearest")
        apart = np.abs(half - middle)
        width = high - low
        if width == 0:  # more than half are equal
            width = np.quantile(apart[apart > 0], 0.5, method="nearest") if apart.any() else 1.0
        return cls(float(middle), float(width))

    def even(self, scores: Sequence[float] | Numbers) -> Numbers:
        """Convert scores to even units.

        Args:
            scores: the scores (n,).

        Returns:
            The units (n,), from -10 to 10.
        """
        with np.errstate(over="ignore"):
            units: Numbers = (np.asarray(scores, dtype=float) / 2.0 - self.middle) / self.width
        return np.clip(units, -_FENCE, _FENCE)

    def score(self, units: float) -> float:
        """Convert even units back to a score.

        Args:
            units: the units.

        Returns:
            The score; infinite where it is too large for a float.
        """
        return 2.0 * (self.middle + self.width * units)

    def length(self, units: float) -> float:
        """Convert a difference in even units to a difference of scores.

        Args:
            units: the difference in units.

        Returns:
            The difference of scores; infinite where it is too large for a float.
        """
        return 2.0 * self.width * units


def even_units(scores: Sequence[float] | Numbers) -> Numbers:
    """Convert scores to even units of their own scale.

    Args:
        scores: one or more finite scores (n,).

    Returns:
        The units (n,), from -10 to 10.
    """
    return Scale.of(scores).even(scores)


def mean(values: Sequence[float] | Numbers) -> float:
    """Compute the mean without overflow.

    Args:
        values: the values (n,).

    Returns:
        The mean; NaN without values.
    """
    known = np.asarray(values, dtype=float)
    if not len(known):
        return float("nan")
    largest = _largest(known)
    return largest * float(np.mean(known / largest))


def deviation(values: Sequence[float] | Numbers) -> float:
    """Compute the standard deviation of a sample.

    Args:
        values: the values (n,).

    Returns:
        The deviation; NaN for fewer than two values, infinite where it is too large for a float.
    """
    known = np.asarray(values, dtype=float)
    if len(known) < 2:
        return float("nan")
    largest = _largest(known)
    return largest * float(np.std(known / largest, ddof=1))


def _largest(known: Numbers) -> float:
    return float(np.abs(known).max()) or 1.0


def median(values: Sequence[float] | Numbers) -> float:
    """Compute the median without overflow.

    Args:
        values: the values (n,).

    Returns:
        The median; NaN without values.
    """
    known = np.asarray(values, dtype=float)
    return 2.0 * float(np.median(known / 2.0)) if len(known) else float("nan")
