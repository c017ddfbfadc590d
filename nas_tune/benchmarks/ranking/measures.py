"""How well a score orders architectures whose true values are known: four measures, each with a bootstrap interval.

- `tau`: Kendall's tau-b over all pairs of architectures.
- `equal_size_tau`: the same over the pairs of nearly equal size. Where large networks are better than small ones, any
  score that counts weights has a high tau; among networks of one size, counting orders nothing and has 0.
- `top`: the mean true value of the architectures with the best scores.
- `regret`: how much worse the architecture with the best score is than the best architecture. It is at least 0.

The bootstrap draws architectures with replacement. A draw is a weight for each architecture, so that all measures of
all draws are sums with weights: the pairs of an architecture with itself tie in score and value, and tau-b leaves them
out. Architectures that tie in score count as if one of them were taken at random.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "Measured", "Measures", "mean_of"]

FloatArray = NDArray[np.float64]

FEWEST = 5
"""The fewest architectures; of fewer, the interval of tau says nothing."""
_ROWS = 1_000
"""Architectures whose pairs with all others are compared at a time, which bounds the memory."""
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Measured:
    """The measures of one score.

    Attributes:
        values: by the name of the measure, shape (1 + r,): that of the sample, then those of r draws of the bootstrap.
            NaN where there are no pairs to order.
    """

    values: Mapping[str, FloatArray]

    def row(self) -> dict[str, float]:
        """Summarize the draws.

        Returns:
            Each measure of the sample by its name, and the ends of its interval of 95 % as `.._low` and `.._high`.
        """
        found: dict[str, float] = {}
        for name, values in self.values.items():
            low, high = interval(values[1:])
            found |= {name: float(values[0]), f"{name}_low": low, f"{name}_high": high}
        return found

    def less(self, other: Measured) -> Measured:
        """Subtract the measures of another score of the same sample, draw by draw.

        Args:
            other: the measures of the other score.

        Returns:
            The differences.
        """
        return Measured({name: values - other.values[name] for name, values in self.values.items()})


def mean_of(several: Sequence[Measured]) -> Measured:
    """Average the measures of several scores of the same sample, draw by draw.

    Args:
        several: at least one.

    Returns:
        The means.
    """
    return Measured({name: np.mean([one.values[name] for one in several], axis=0) for name in several[0].values})


def interval(draws: FloatArray) -> tuple[float, float]:
    """Find the ends of an interval of 95 %.

    Args:
        draws: the values of the bootstrap; NaN for those without a value.

    Returns:
        Both ends; NaN where no draw has a value.
    """
    known = draws[~np.isnan(draws)]
    if not len(known):
        return float("nan"), float("nan")
    tail = (1 - _CONFIDENCE) / 2
    low, high = np.quantile(known, (tail, 1 - tail))
    return float(low), float(high)


class Measures:
    """Measures scores on one sample of architectures.

    Args:
        truth: the true values of n architectures, finite.
        sizes: their sizes, such as numbers of parameters; above 0.
        is_max: whether more of the true value is better.
        top: how many of the best by score have their true values averaged.
        band: how far two sizes may differ to be nearly equal, as a share of the greater one.
        resamples: draws of the bootstrap.
        seed: of the draws.
    """

    def __init__(
        self,
        truth: Sequence[float] | FloatArray,
        sizes: Sequence[float] | FloatArray,
        *,
        is_max: bool = True,
        top: int = 10,
        band: float = 0.01,
        resamples: int = 500,
        seed: int = 0,
    ) -> None:
        self._truth, self._sizes = np.asarray(truth, np.float64), np.asarray(sizes, np.float64)
        self._worth = self._truth if is_max else -self._truth
        self.is_max, self._top, self._band = is_max, top, band
        self.top_name = f"top_{top}"
        self._weights = _drawn(len(self._truth), resamples, seed)
        self._untied = {near: self._pairs(self._worth, self._worth, near) for near in (False, True)}

    @property
    def near_pairs(self) -> int:
        """How many pairs of architectures have nearly equal sizes."""
        count = sum(int(self._near(rows).sum()) for rows in self._blocks())
        return (count - len(self._sizes)) // 2

    def of(self, score: Sequence[float] | FloatArray) -> Measured:
        """Measure a score.

        Args:
            score: of each architecture, shape (n,); greater is better. NaN counts as the worst.

        Returns:
            The measures.
        """
        given = np.asarray(score, np.float64)
        given = np.where(np.isnan(given), -np.inf, given)
        best, first = self._best(), self._mean_of_first(given, 1)
        return Measured(
            {
                "tau": self._tau(given, near=False),
                "equal_size_tau": self._tau(given, near=True),
                self.top_name: self._mean_of_first(given, self._top),
                "regret": best - first if self.is_max else first - best,
            }
        )

    def _tau(self, score: FloatArray, *, near: bool) -> FloatArray:
        """Tau-b: 0 where the score ties all pairs, because it orders nothing; NaN where there is nothing to order."""
        agreeing = self._pairs(score, self._worth, near)
        both = self._pairs(score, score, near) * self._untied[near]
        found = np.full_like(both, np.nan)
        found[self._untied[near] > 0] = 0.0
        np.divide(agreeing, np.sqrt(both), out=found, where=both > 0)
        return found

    def _pairs(self, one: FloatArray, other: FloatArray, near: bool) -> FloatArray:
        """Concordant less discordant pairs in each draw; of a score with itself all pairs that it does not tie."""
        total = np.zeros(self._weights.shape[1])
        for rows in self._blocks():
            signs = _signs(one, rows) * _signs(other, rows)
            if near:
                signs *= self._near(rows)
            total += np.einsum("ij,ij->j", self._weights[rows], signs @ self._weights, dtype=np.float64)
        return total / 2

    def _near(self, rows: slice) -> NDArray[np.bool_]:
        here, there = self._sizes[rows, None], self._sizes[None]
        found: NDArray[np.bool_] = np.abs(here - there) <= self._band * np.maximum(here, there)
        return found

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, len(self._truth), _ROWS):
            yield slice(start, start + _ROWS)

    def _best(self) -> FloatArray:
        best = np.where(self._weights > 0, self._worth[:, None], -np.inf).max(axis=0)
        found: FloatArray = best if self.is_max else -best
        return found

    def _mean_of_first(self, score: FloatArray, count: int) -> FloatArray:
        """The mean true value of the first `count` by score, of those that tie at the end each with an equal part."""
        levels = np.unique(-score, return_inverse=True)[1]
        members = np.zeros((levels.max() + 1, self._weights.shape[1]))
        sums = np.zeros_like(members)
        np.add.at(members, levels, self._weights)
        np.add.at(sums, levels, self._weights * self._truth[:, None])
        before = np.cumsum(members, axis=0) - members
        taken = np.clip(count - before, 0, members)
        means = np.divide(sums, members, out=np.zeros_like(sums), where=members > 0)
        found: FloatArray = (taken * means).sum(axis=0) / taken.sum(axis=0)
        return found


def _drawn(count: int, resamples: int, seed: int) -> NDArray[np.float32]:
    """How often each architecture is in the sample itself, where it is once, and in each draw: (n, 1 + r)."""
    draws = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=resamples)
    return np.vstack([np.ones(count), draws]).T.astype(np.float32)


def _signs(values: FloatArray, rows: slice) -> NDArray[np.float32]:
    here, there = values[rows, None], values[None]
    return (here > there).astype(np.float32) - (here < there)
