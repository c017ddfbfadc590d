"""What a model learns from: one score an architecture, carried over from the epoch at which a trial was stopped."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

from nas_tune.strategies.predictors.observations import Observations, scalarized, winsorized
from search_spaces import Space, choice

SPACE = Space({"a": choice(*range(12))})
PARAMETER = SPACE.to_optuna()


class Bars(random.Random):
    """Draws what it is given, and keeps from what it was asked to draw."""

    def __init__(self, *drawn: int) -> None:
        super().__init__()
        self.drawn, self.asked = list(drawn), list[tuple[Sequence[int], int]]()

    def sample(self, population: Sequence[int], k: int, **_: object) -> list[int]:  # type: ignore[override]
        self.asked.append((population, k))
        return self.drawn


def plain(scores: Sequence[float], noise: Sequence[float] = ()) -> Observations:
    made = [SPACE.validate({"a": place}) for place in range(len(scores))]
    return Observations(made, np.array(scores), np.array(noise or [1.0] * len(scores)), [], frozenset())


def study_of(*trials: tuple[str, int, Mapping[int, float]], mode: str = "maximize") -> optuna.Study:
    """Trials as (state, decision, curve); a finished one has the last value of its curve."""
    study = optuna.create_study(direction=mode)
    for state, decision, curve in trials:
        kind = TrialState[state]
        value = curve[max(curve)] if kind in (TrialState.COMPLETE, TrialState.PRUNED) else None
        study.add_trial(
            create_trial(
                state=kind,
                value=value,
                params={"a": decision},
                distributions=PARAMETER,
                intermediate_values=dict(curve),
            )
        )
    return study


def observed(study: optuna.Study, number: int | None = None) -> Observations:
    return Observations.of(study, SPACE, len(study.trials) if number is None else number, random.Random(0))


# The scores of a study


def test_complete_trials_count_as_they_are() -> None:
    found = observed(study_of(("COMPLETE", 3, {1: 0.5}), ("COMPLETE", 4, {1: 0.25})))
    assert found.scores.tolist() == [0.5, 0.25]
    assert found.noise_factors.tolist() == [1.0, 1.0]
    assert [made["a"] for made in found.architectures] == [3, 4]
    less = observed(study_of(("COMPLETE", 3, {1: 0.5}), ("COMPLETE", 4, {1: 0.25}), mode="minimize"))
    assert less.scores.tolist() == [-0.5, -0.25]


def test_an_architecture_counts_once_with_its_first_score_and_running_ones_are_pending() -> None:
    study = study_of(
        ("COMPLETE", 3, {1: 0.5}),
        ("COMPLETE", 3, {1: 0.9}),
        ("FAIL", 5, {}),
        ("RUNNING", 3, {}),
        ("RUNNING", 6, {}),
        ("COMPLETE", 7, {1: 0.1}),
    )
    found = observed(study)
    assert [(made["a"], score) for made, score in zip(found.architectures, found.scores, strict=True)] == [
        (3, 0.5),
        (7, 0.1),
    ]
    assert [made["a"] for made in found.pending] == [6]
    assert found.taken == {SPACE.validate({"a": a}).id for a in (3, 5, 6, 7)}
    early = observed(study, 3)
    assert (early.scores.tolist(), early.pending) == ([0.5], [])


def test_the_score_of_a_stopped_trial_is_carried_along_the_line_of_those_that_went_on() -> None:
    """Means 0.4 and 0.55, variance 0.01, covariance 0.015: the slope is (0.03 + 0.02) / (0.02 + 0.02)."""
    went_on = [("COMPLETE", 0, {1: 0.5, 2: 0.7}), ("COMPLETE", 1, {1: 0.3, 2: 0.4})]
    found = observed(study_of(*went_on, ("PRUNED", 2, {1: 0.5}), ("PRUNED", 3, {1: 0.4})))
    assert found.scores.tolist() == pytest.approx([0.7, 0.4, 0.55 + 1.25 * 0.1, 0.55])
    assert found.noise_factors.tolist() == [1.0, 1.0, 5.0, 5.0]
    less = observed(study_of(*went_on, ("PRUNED", 2, {1: 0.5}), mode="minimize"))
    assert less.scores.tolist() == pytest.approx([-0.7, -0.4, -(0.55 + 1.25 * 0.1)])


def test_it_is_carried_from_one_stop_to_the_next() -> None:
    """One trial each went on, so that the slope is 1: gains of 0.2 (a mean of two) and 0.3."""
    found = observed(
        study_of(
            ("COMPLETE", 0, {1: 0.5, 2: 0.6, 4: 0.9}),
            ("PRUNED", 1, {1: 0.5, 2: 0.8}),
            ("PRUNED", 2, {1: 0.1}),
        )
    )
    assert found.scores.tolist() == pytest.approx([0.9, 1.1, 0.1 + 0.2 + 0.3])
    none_complete = observed(study_of(("PRUNED", 1, {1: 0.5, 2: 0.8}), ("PRUNED", 2, {1: 0.1})))
    assert none_complete.scores.tolist() == pytest.approx([0.8, 0.4])
    assert none_complete.noise_factors.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(("ends", "slope"), [((0.9, 0.1), 2.0), ((0.1, 0.9), 0.2)])
def test_the_slope_is_bounded(ends: tuple[float, float], slope: float) -> None:
    first, second = ends
    found = observed(
        study_of(
            ("COMPLETE", 0, {1: 0.51, 2: first}),
            ("COMPLETE", 1, {1: 0.49, 2: second}),
            ("PRUNED", 2, {1: 0.6}),
        )
    )
    assert found.scores[2] == pytest.approx(0.5 + slope * 0.1)


def test_without_trials_that_went_on_a_score_stays() -> None:
    assert observed(study_of(("PRUNED", 0, {2: 0.3}))).scores.tolist() == [0.3]
    found = observed(study_of(("PRUNED", 0, {2: 0.3}), ("PRUNED", 1, {2: 0.4}), ("COMPLETE", 2, {3: 0.9})))
    assert found.scores.tolist() == [0.3, 0.4, 0.9], "the complete trial did not report at the stop"


def test_several_objectives_become_one_score_before_an_architecture_is_counted_once() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    for decision, values in ((0, [0.0, 0.0]), (1, [1.0, 1.0]), (0, [1.0, 0.0])):
        study.add_trial(create_trial(values=values, params={"a": decision}, distributions=PARAMETER))
    found = Observations.of(study, SPACE, 3, Bars(3))
    assert found.scores.tolist() == pytest.approx([-0.3 * 1.05, -0.7 * 1.05])


# What is taken of them


def test_the_best_come_first_and_of_equals_the_older() -> None:
    chosen = plain([0.1, 0.9, 0.5, 0.9]).best(3)
    assert [made["a"] for made in chosen] == [1, 3, 2]
    assert plain([0.1]).best(0) == []


def test_complete_trials_are_settled_if_they_are_most() -> None:
    found = plain([0.0] * 5, [1.0, 5.0, 1.0, 5.0, 1.0])
    assert [found.settled(count) for count in range(6)] == [[], [0], [0, 1], [0, 2], [0, 1, 2, 3], [0, 2, 4]]


def test_half_of_a_training_set_are_the_best_and_the_rest_is_spread() -> None:
    rising = plain(list(range(10)))
    assert rising.training_set(10) == rising.training_set(12) == list(range(10))
    assert rising.training_set(4) == [0, 7, 8, 9]
    assert rising.training_set(5) == [0, 4, 7, 8, 9]
    assert rising.training_set(9) == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    falling = plain(list(range(10, 0, -1)))
    assert falling.training_set(4) == [0, 1, 2, 9]


# Several objectives


def test_objectives_are_scaled_and_weighed_by_tenths() -> None:
    bars = Bars(3)
    scores = np.array([[0.0, 10.0], [2.0, 0.0], [1.0, 5.0]])
    assert scalarized(scores, bars).tolist() == pytest.approx(
        [-(0.3 + 0.05 * 0.3), -(0.7 + 0.05 * 0.7), -(0.35 + 0.05 * 0.5)]
    )
    assert bars.asked == [(range(11), 1)]


def test_the_weights_of_three_objectives_stand_between_two_bars() -> None:
    bars = Bars(7, 2)
    scores = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]])
    assert scalarized(scores, bars).tolist() == pytest.approx([-1.05 * weight for weight in (0.2, 0.4, 0.4)])
    assert bars.asked == [(range(12), 2)]


def test_an_objective_that_is_the_same_for_all_decides_nothing() -> None:
    assert scalarized(np.array([[1.0, 7.0], [0.0, 7.0]]), Bars(5)).tolist() == pytest.approx([0, -0.5 * 1.05])
    assert scalarized(np.zeros((0, 2)), Bars(5)).shape == (0,)


def test_low_outliers_are_raised() -> None:
    assert winsorized(np.array([-9.0, 1.0])).tolist() == [-9.0, 1.0]
    assert winsorized(np.array([-90.0, 0.0, 1.0])).tolist() == [-1.5, 0.0, 1.0]
    scores = np.array([-100.0, 0.0, 1.0, 2.0, 3.0])
    assert winsorized(scores).tolist() == [1.0 - 3.0, 0.0, 1.0, 2.0, 3.0]
    same = np.array([-8.0, 0.0, 0.0, 0.0])
    assert winsorized(same).tolist() == same.tolist(), "no quartile apart: three standard deviations count"
