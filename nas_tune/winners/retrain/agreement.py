"""Whether two scores of the same few architectures agree: rank correlations, and how often chance does as well."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "Agreement", "agreement", "error_of_difference", "spread"]

FEWEST = 3
"""Of two architectures the rank correlation is 1 or -1, whatever they are."""

_ALL_ORDERS_UP_TO = 7


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of two scores of `count` architectures.

    Attributes:
        kendall, spearman: tau-b and rho, from -1 to 1; None where all have one score.
        kendall_p, spearman_p: chance of a correlation as strong either way, were the order of one score random; exact
            for at most seven architectures.
    """

    count: int
    kendall: float | None
    kendall_p: float | None
    spearman: float | None
    spearman_p: float | None


def agreement(one: Sequence[float], other: Sequence[float]) -> Agreement | None:
    """The agreement of two scores, greater being better in both; None of fewer than three architectures."""
    if len(one) < FEWEST:
        return None
    from scipy.stats import kendalltau, spearmanr

    if len(set(one)) == 1 or len(set(other)) == 1:
        return Agreement(len(one), None, None, None, None)
    kendall, spearman = kendalltau(one, other), spearmanr(one, other)
    p_values = (float(kendall.pvalue), float(spearman.pvalue))
    if len(one) <= _ALL_ORDERS_UP_TO:
        p_values = _exact(one, other)
    tau, rho = float(kendall.statistic), float(spearman.statistic)
    return Agreement(len(one), tau, p_values[0], rho, p_values[1])


def _exact(one: Sequence[float], other: Sequence[float]) -> tuple[float, float]:
    """The share of all orders of `other` whose tau, and whose rho, is as far from 0."""
    from scipy.stats import rankdata

    mine = rankdata(one)
    orders = rankdata(other)[np.array(list(itertools.permutations(range(len(other)))))]
    pairs = list(itertools.combinations(range(len(mine)), 2))
    taus = sum(np.sign(mine[i] - mine[j]) * np.sign(orders[:, i] - orders[:, j]) for i, j in pairs)
    rhos = (orders - orders.mean(axis=1, keepdims=True)) @ (mine - mine.mean())
    return _share(np.asarray(taus)), _share(rhos)


def _share(values: NDArray[np.float64]) -> float:
    """How many are as far from 0 as the first, which is the order as it was seen."""
    limit = abs(float(values[0]))
    return float(np.mean((np.abs(values) >= limit) | np.isclose(np.abs(values), limit, rtol=1e-9, atol=1e-12)))


def spread(values: Sequence[float]) -> float | None:
    """The standard deviation of a sample; None of fewer than two."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def error_of_difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    """The standard error of the difference of two means; None where either spread is not known."""
    first, second = spread(one), spread(other)
    if first is None or second is None:
        return None
    return math.sqrt(first**2 / len(one) + second**2 / len(other))
