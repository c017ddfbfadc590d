"""Whether two samples differ by more than chance, and what so many samples can show at all."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

from scipy.stats import mannwhitneyu

__all__ = ["holm", "least_p", "mann_whitney"]

_EXACT = 20


def holm(raw: Sequence[float], families: int = 1) -> list[float]:
    """The p-values corrected for their number (Holm 1979), in their order.

    Args:
        raw: as the tests gave them.
        families: how many such lists are reported together: all of them share one level.
    """
    corrected, worst = [1.0] * len(raw), 0.0
    for place, index in enumerate(sorted(range(len(raw)), key=raw.__getitem__)):
        worst = max(worst, min(1.0, families * raw[index] * (len(raw) - place)))
        corrected[index] = worst
    return corrected


def mann_whitney(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The two-sided p of Mann and Whitney's U (1947), and the chance that a draw of `one` beats one of `other`.

    Equals count half. Exact for small samples without equals, as SciPy has it. Neither sample may be empty.
    """
    if len({*one, *other}) == 1:
        return 1.0, 0.5
    small = max(len(one), len(other)) <= _EXACT and len({*one, *other}) == len(one) + len(other)
    found = mannwhitneyu(one, other, alternative="two-sided", method="exact" if small else "asymptotic")
    return float(found.pvalue), float(found.statistic) / (len(one) * len(other))


def least_p(one: int, other: int) -> float:
    """The least two-sided p that samples of these sizes can give: when every value of one beats all of the other."""
    return min(1.0, 2.0 / comb(one + other, one))
