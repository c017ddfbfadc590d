"""Scores of strategies from made races: every number of them, and Holm's correction over three strategies."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import wilcoxon

from nas_tune.benchmarks.races import Race, score_strategies
from nas_tune.benchmarks.races.scores import judge_of

NAN = math.nan


def race(name: str, seed: int, value: float, test: float, trials: int = 3, at: float = 10.0) -> Race:
    return Race(name, seed, (at,), (value,), (test,), trials)


def test_a_standing_has_means_and_deviations_of_both_scores() -> None:
    races = [race("a", 0, 0.5, 0.25, 3), race("a", 1, 0.7, 0.75, 5), race("a", 2, 0.9, 0.5, 7)]
    scores = score_strategies(races, 100.0, best=1.0)
    (found,) = scores.standings
    assert (found.strategy, found.seeds, found.trials, found.rank) == ("a", 3, 5.0, 1.0)
    assert (found.val_mean, found.val_std) == pytest.approx((0.7, math.sqrt(0.08 / 3)))
    assert (found.test_mean, found.test_std) == pytest.approx((0.5, math.sqrt(0.125 / 3)))
    assert (found.regret[-1], found.regret_low[-1], found.regret_high[-1]) == pytest.approx((0.5, 0.375, 0.625))
    assert (scores.differences, scores.judged_by, scores.best, scores.best_of) == ((), "test", 1.0, "table")


def test_the_times_are_hundredths_of_the_budget_and_a_choice_counts_from_its_second() -> None:
    scores = score_strategies([race("a", 0, 0.5, 0.5, at=3.0)], 100.0)
    assert scores.seconds.tolist() == pytest.approx(list(range(1, 101)))
    (found,) = scores.standings
    assert [math.isnan(regret) for regret in found.regret[:4]] == [True, True, False, False]
    assert (scores.best, scores.best_of) == (0.5, "races")


def test_validation_judges_where_a_test_score_is_missing() -> None:
    whole, part = [race("a", 0, 0.5, 0.9)], [race("a", 0, 0.5, 0.9), race("b", 0, 0.6, NAN)]
    empty = Race("c", 0, (), (), (), 0)
    assert (judge_of(whole), judge_of(part), judge_of([*whole, empty])) == ("test", "validation", "test")
    scores = score_strategies(part, 100.0)
    assert (scores.judged_by, scores.best) == ("validation", 0.6)
    assert [row.strategy for row in scores.standings] == ["b", "a"]
    assert math.isnan(scores.standings[0].test_mean)


def test_a_strategy_that_chose_nothing_has_no_score() -> None:
    scores = score_strategies([race("a", 0, 0.5, 0.9), Race("c", 0, (), (), (), 0)], 100.0)
    by_name = {row.strategy: row for row in scores.standings}
    assert math.isnan(by_name["c"].test_mean)
    assert by_name["c"].trials == 0
    assert scores.best == 0.9
    assert scores.differences[0].p == 1.0


def test_seeds_are_compared_with_the_same_seed_in_any_order() -> None:
    tests = {"a": [0.1, 0.2, 0.4], "b": [0.0, 0.35, 0.1]}
    forth = [race(name, seed, 0.5, test) for name, row in tests.items() for seed, test in enumerate(row)]
    scores = score_strategies(forth, 100.0)
    assert [row.rank for row in scores.standings] == pytest.approx([4 / 3, 5 / 3])
    (found,) = score_strategies(forth[::-1], 100.0).differences
    assert (found.one, found.other, found.mean) == ("a", "b", pytest.approx(0.25 / 3))
    assert found.p == scores.differences[0].p == pytest.approx(wilcoxon([0.1, -0.15, 0.3]).pvalue)


SLIGHT = np.array([0.1, -0.2, 0.3, -0.4, 0.5, -0.6, 0.7, -0.85])


@pytest.mark.parametrize("lead", [2.0, 0.0])
def test_p_values_of_three_strategies_are_corrected_for_their_number(lead: float) -> None:
    """The lowest counts three times, the next twice; none is below one before it, and none is above 1."""
    base = np.arange(8) / 8
    tests = {"a": base + lead + 0.3 * SLIGHT[::-1], "b": base, "c": base + SLIGHT / 2}
    races = [race(name, seed, 0.5, float(test)) for name, row in tests.items() for seed, test in enumerate(row)]
    found = {(one.one, one.other): one for one in score_strategies(races, 100.0).differences}
    raw = {pair: float(wilcoxon(tests[pair[0]] - tests[pair[1]]).pvalue) for pair in found}
    corrected, worst = {}, 0.0
    for place, pair in enumerate(sorted(raw, key=raw.__getitem__)):
        corrected[pair] = worst = max(worst, min(1.0, raw[pair] * (3 - place)))
        assert found[pair].mean == pytest.approx(float(np.mean(tests[pair[0]] - tests[pair[1]])))
    assert {pair: one.p for pair, one in found.items()} == pytest.approx(corrected)
    assert (min(corrected.values()) < 0.05) is bool(lead)
    assert len(set(corrected.values())) == (2 if lead else 1), "beside the leader chance explains all"
