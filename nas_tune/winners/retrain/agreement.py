"""Agreement of two scores of the same few architectures: rank correlations with their p-values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FEWEST", "Agreement", "agreement", "error_of_difference", "standard_deviation"]

FEWEST = 3
"""The fewest architectures to compare: with two, the rank correlation is always 1 or -1."""

_ALL_ORDERS_UP_TO = 7


@dataclass(frozen=True)
class Agreement:
    """Rank correlation of two scores of the same architectures.

    Attributes:
        count: the number of architectures.
        kendall, spearman: tau-b and rho, from -1 to 1; None where one of the scores is equal for all.
        kendall_p, spearman_p: the chance of a correlation at least as strong, of either sign, if the order of one score
            were random; exact for at most seven architectures.
    """

    count: int
    kendall: float | None
    kendall_p: float | None
    spearman: float | None
    spearman_p: float | None


def agreement(one: Sequence[float], other: Sequence[float]) -> Agreement | None:
    """Compute the rank correlations of two scores.

    Args:
        one, other: scores of the same architectures, n numbers each; greater is better in both.

    Returns:
        The agreement; None for fewer than three architectures.
    """
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
    """The shares of all orders of `other` whose tau, and whose rho, are at least as far from 0 as the given order's."""
    from scipy.stats import rankdata

    mine = rankdata(one)
    orders = rankdata(other)[np.array(list(itertools.permutations(range(len(other)))))]
    pairs = list(itertools.combinations(range(len(mine)), 2))
    taus = sum(np.sign(mine[i] - mine[j]) * np.sign(orders[:, i] - orders[:, j]) for i, j in pairs)
    rhos = (orders - orders.mean(axis=1, keepdims=True)) @ (mine - mine.mean())
    return _share(np.asarray(taus)), _share(rhos)


def _share(values: NDArray[np.float64]) -> float:
    """The share of values at least as far from 0 as the first, which is that of the given order."""
    limit = abs(float(values[0]))
    return float(np.mean((np.abs(values) >= limit) | np.isclose(np.abs(values), limit, rtol=1e-9, atol=1e-12)))


def standard_deviation(values: Sequence[float]) -> float | None:
    """Compute the standard deviation of a sample.

    Args:
        values: of the sample.

    Returns:
        The deviation, with n - 1 degrees of freedom; None for fewer than two values.
    """
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def error_of_difference(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Compute the standard error of the difference of two means.

    Args:
        one, other: the samples.

    Returns:
        The error; None where a sample has fewer than two values.
    """
    first, second = standard_deviation(one), standard_deviation(other)
    if first is None or second is None:
        return None
    return math.sqrt(first**2 / len(one) + second**2 / len(other))
