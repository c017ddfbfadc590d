"""Scores with which one can calculate: no value so far out that it is all that is left of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nas_tune.analysis.units import Numbers

__all__ = ["Scale", "deviation", "even", "mean", "median"]

_FENCE = 10.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Even units of finite scores: 0 in their middle, 1 for the width of their middle half, none beyond 10.

    One loss of 1e308 among ordinary ones counts as the worst, and lets the others be told apart. Scores that differ
    stay apart up to the fence; equal ones are all 0. `middle` and `width` are halves of scores, since the difference of
    the two largest floats is none.
    """

    middle: float
    width: float

    @classmethod
    def of(cls, scores: Sequence[float] | Numbers) -> Scale:
        """The scale of these scores, at least one."""
        half = np.asarray(scores, dtype=float) / 2.0
        low, middle, high = np.quantile(half, [0.25, 0.5, 0.75], method="nearest")
        apart = np.abs(half - middle)
        width = high - low
        if width == 0:  # more than half are equal
            width = np.quantile(apart[apart > 0], 0.5, method="nearest") if apart.any() else 1.0
        return cls(float(middle), float(width))

    def even(self, scores: Sequence[float] | Numbers) -> Numbers:
        """Scores in even units."""
        with np.errstate(over="ignore"):
            units: Numbers = (np.asarray(scores, dtype=float) / 2.0 - self.middle) / self.width
        return np.clip(units, -_FENCE, _FENCE)

    def score(self, units: float) -> float:
        """Even units as a score; infinite where that is too large for a float."""
        return 2.0 * (self.middle + self.width * units)

    def length(self, units: float) -> float:
        """A difference in even units as one of scores."""
        return 2.0 * self.width * units


def even(scores: Sequence[float] | Numbers) -> Numbers:
    """Scores in even units of their own."""
    return Scale.of(scores).even(scores)


def mean(values: Sequence[float] | Numbers) -> float:
    """The mean, however large the values; NaN of none."""
    known = np.asarray(values, dtype=float)
    if not len(known):
        return float("nan")
    largest = _largest(known)
    return largest * float(np.mean(known / largest))


def deviation(values: Sequence[float] | Numbers) -> float:
    """The standard deviation of a sample; NaN of fewer than two, infinite where no float is as large."""
    known = np.asarray(values, dtype=float)
    if len(known) < 2:
        return float("nan")
    largest = _largest(known)
    return largest * float(np.std(known / largest, ddof=1))


def _largest(known: Numbers) -> float:
    return float(np.abs(known).max()) or 1.0


def median(values: Sequence[float] | Numbers) -> float:
    """The median, however large the values; NaN of none."""
    known = np.asarray(values, dtype=float)
    return 2.0 * float(np.median(known / 2.0)) if len(known) else float("nan")
