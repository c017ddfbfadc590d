"""Tests of whether two samples differ by more than chance, and the smallest p-value that their sizes allow."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from scipy.stats import mannwhitneyu

__all__ = ["holm", "least_p", "mann_whitney"]

_EXACT = 20


def holm(raw: Sequence[float], families: int = 1) -> list[float]:
    """Correct p-values for the number of tests (Holm 1979).

    Args:
        raw: the p-values of the tests.
        families: how many such lists are reported together and share one level.

    Returns:
        The corrected p-values, in the order of `raw`.
    """
    corrected, worst = [1.0] * len(raw), 0.0
    for place, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        worst = max(worst, min(1.0, families * raw[index] * (len(raw) - place)))
        corrected[index] = worst
    return corrected


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """Compare two samples by Mann and Whitney's U (1947). The test is exact for small samples without ties.

    Args:
        one: the first sample, not empty.
        other: the second sample, not empty.

    Returns:
        The two-sided p-value, and the chance that a value of `one` exceeds one of `other`; ties count half.
    """
    if len({*one, *other}) == 1:
        return 1.0, 0.5
    small = max(len(one), len(other)) <= _EXACT and len({*one, *other}) == len(one) + len(other)
    found = mannwhitneyu(one, other, alternative="two-sided", method="exact" if small else "asymptotic")
    return float(found.pvalue), float(found.statistic) / (len(one) * len(other))


def least_p(one: int, other: int) -> float:
    """Compute the smallest p-value that samples of two sizes can give: every value of one exceeds all of the other.

    Args:
        one: the size of the first sample.
        other: the size of the second sample.

    Returns:
        The two-sided p-value of the exact test.
    """
    return min(1.0, 2.0 / comb(one + other, one))
