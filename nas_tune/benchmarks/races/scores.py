"""Scores of strategies from their races: means with spread, curves of regret, ranks, and tests of significance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from nas_tune.benchmarks.races.contest import Race

__all__ = ["Judge", "Scores", "Standing", "StrategyDifference", "judge_of", "score_strategies"]

Judge = Literal["test", "validation"]

_CURVE_POINTS = 100


@dataclass(frozen=True)
class Standing:
    """The scores of one strategy over all seeds.

    Attributes:
        strategy: its name.
        seeds: the number of races.
        test_mean, test_std, val_mean, val_std: of the architecture chosen by validation at the end of the budget.
        rank: mean rank among the strategies of the same seed, 1 the best; equal scores share a rank.
        trials: mean number of trials.
        regret: at each of `Scores.seconds`, the mean distance of the chosen score from the best known one, in the
            unit of the metric; NaN before every race has chosen.
        regret_low, regret_high: the quartiles of the regret.
    """

    strategy: str
    seeds: int
    test_mean: float
    test_std: float
    val_mean: float
    val_std: float
    rank: float
    trials: float
    regret: NDArray[np.float64]
    regret_low: NDArray[np.float64]
    regret_high: NDArray[np.float64]


@dataclass(frozen=True)
class StrategyDifference:
    """The difference between two strategies over equal seeds.

    Attributes:
        one, other: their names.
        mean: the mean of the scores of `one` minus those of `other`.
        p: the p-value of Wilcoxon's signed-rank test, corrected by Holm's method.
    """

    one: str
    other: str
    mean: float
    p: float


@dataclass(frozen=True)
class Scores:
    """The scores of all strategies.

    Attributes:
        standings: one for each strategy, the best first.
        differences: one for each pair, the better strategy first.
        seconds: the virtual times of the curves.
        judged_by: which score counts, test or validation.
        best: the score from which regret is counted.
        best_of: where that score is from: the table, or the races.
    """

    standings: tuple[Standing, ...]
    differences: tuple[StrategyDifference, ...]
    seconds: NDArray[np.float64]
    judged_by: Judge
    best: float
    best_of: Literal["table", "races"]


def judge_of(races: Sequence[Race]) -> Judge:
    """Choose the score by which races are compared.

    Args:
        races: the finished races.

    Returns:
        "test" where the table has a test score for every chosen architecture, else "validation".
    """
    return "test" if all(np.isfinite(race.tests).all() for race in races if race.tests) else "validation"


def score_strategies(races: Sequence[Race], budget: float, mode: str = "max", best: float | None = None) -> Scores:
    """Score strategies by races with equal seeds for every strategy, judged as `judge_of` returns.

    Args:
        races: the finished races.
        budget: virtual seconds of a race.
        mode: "max" where more is better, else "min".
        best: the best score in the table; None counts regret from the best score of any race.

    Returns:
        The scores.
    """
    sign = 1.0 if mode == "max" else -1.0
    names = list(dict.fromkeys(race.contestant for race in races))
    by_name: dict[str, list[Race]] = {name: [] for name in names}
    for race in sorted(races, key=lambda race: race.seed):
        by_name[race.contestant].append(race)
    judge = judge_of(races)
    seconds = np.linspace(budget / _CURVE_POINTS, budget, _CURVE_POINTS)
    curves = {name: np.array([_curve(race, seconds, judge) for race in by_name[name]]) for name in names}
    finals = {name: curves[name][:, -1] for name in names}
    top = best if best is not None else sign * np.nanmax([sign * final for final in finals.values()])
    ranks = _ranks(np.array([sign * finals[name] for name in names]))
    standings = []
    for name, rank in zip(names, ranks, strict=True):
        standings.append(_standing(name, by_name[name], sign * (top - curves[name]), float(rank)))
    ordered = sorted(standings, key=lambda standing: standing.rank)
    differences = _differences(finals, [standing.strategy for standing in ordered])
    return Scores(tuple(ordered), differences, seconds, judge, float(top), "races" if best is None else "table")


def _curve(race: Race, seconds: NDArray[np.float64], judge: Judge) -> NDArray[np.float64]:
    """The score of the architecture chosen at each time; NaN before the first choice."""
    known = np.array([np.nan, *(race.tests if judge == "test" else race.values)])
    return known[np.searchsorted(np.array(race.seconds), seconds, side="right")]


def _standing(name: str, races: Sequence[Race], regret: NDArray[np.float64], rank: float) -> Standing:
    tests = np.array([race.tests[-1] if race.tests else np.nan for race in races])
    values = np.array([race.values[-1] if race.values else np.nan for race in races])
    low, high = np.quantile(regret, (0.25, 0.75), axis=0)
    return Standing(
        strategy=name,
        seeds=len(races),
        test_mean=float(tests.mean()),
        test_std=float(tests.std()),
        val_mean=float(values.mean()),
        val_std=float(values.std()),
        rank=rank,
        trials=float(np.mean([race.trials for race in races])),
        regret=regret.mean(axis=0),
        regret_low=low,
        regret_high=high,
    )


def _ranks(finals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean rank of every row over the columns; `finals` has shape (strategies, seeds)."""
    from scipy.stats import rankdata

    ranks: NDArray[np.float64] = rankdata(-finals, axis=0, nan_policy="omit").mean(axis=1)
    return ranks


def _differences(finals: dict[str, NDArray[np.float64]], names: Sequence[str]) -> tuple[StrategyDifference, ...]:
    """The differences of all pairs, the better one first, with p-values corrected for their number (Holm 1979)."""
    pairs = [(one, other) for index, one in enumerate(names) for other in names[index + 1 :]]
    raw = [_p_value(finals[one] - finals[other]) for one, other in pairs]
    order = sorted(range(len(raw)), key=raw.__getitem__)
    corrected, worst = [1.0] * len(raw), 0.0
    for place, index in enumerate(order):
        worst = max(worst, min(1.0, raw[index] * (len(raw) - place)))
        corrected[index] = worst
    found = []
    for (one, other), p in zip(pairs, corrected, strict=True):
        found.append(StrategyDifference(one, other, float(np.mean(finals[one] - finals[other])), p))
    return tuple(found)


def _p_value(differences: NDArray[np.float64]) -> float:
    from scipy.stats import wilcoxon

    if not np.any(differences) or not np.isfinite(differences).all():
        return 1.0
    return float(wilcoxon(differences).pvalue)
