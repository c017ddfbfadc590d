"""Infeasible trials are shown behind feasible ones, in every objective and report, and nothing else is changed."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from nas_tune.strategies.feasible_first import broken_by, feasible_first
from nas_tune.strategies.history import ALL, History
from nas_tune.strategies.study_memory import CONSTRAINTS, REPORTS
from search_spaces import Space, real

SPACE = Space({"x": real(0.0, 1.0)})


def trial(value: float, *broken: float, x: float = 0.5, **more: Any) -> FrozenTrial:
    attributes = {CONSTRAINTS: list(broken)} if broken else {}
    return create_trial(
        params={"x": x},
        distributions={"x": FloatDistribution(0.0, 1.0)},
        value=value,
        system_attrs=attributes,
        intermediate_values={1: value / 2, 2: value},
        **more,
    )


@pytest.mark.parametrize(
    ("constraints", "amount"), [((), 0.0), ((0.0,), 0.0), ((-3.0, 0.25), 0.25), ((0.5, 0.25, -1.0), 0.75)]
)
def test_only_positive_constraints_are_broken(constraints: tuple[float, ...], amount: float) -> None:
    assert broken_by(trial(1.0, *constraints)) == amount


def test_feasible_trials_stay_the_same_list() -> None:
    trials = [trial(0.2), trial(0.9, 0.0, -1.0)]
    assert feasible_first(trials, [1.0]) is trials


@pytest.mark.parametrize(("sign", "values"), [(1.0, [0.2, 0.6]), (-1.0, [0.6, 0.2])])
def test_infeasible_trials_come_behind_the_worst_by_how_much_they_break(sign: float, values: list[float]) -> None:
    good, far, near = trial(values[1]), trial(5 * sign, 2.0), trial(5 * sign, 0.5)
    shown = feasible_first([trial(values[0]), far, good, near], [sign])
    scores = [sign * one.values[0] for one in shown]
    assert scores[1] < scores[3] < min(scores[0], scores[2])
    assert shown[0].values == [values[0]]
    assert shown[2] is good
    assert set(shown[1].intermediate_values.values()) == {shown[1].values[0]}
    assert (shown[1].number, shown[1].params, shown[1].state) == (far.number, far.params, far.state)
    assert far.values == [5 * sign], "the trial itself is not changed"


def test_a_violation_beyond_nine_times_counts_as_nine() -> None:
    shown = feasible_first([trial(0.0), trial(1.0), trial(3.0, 1e6), trial(3.0, 9.0)], [1.0])
    assert shown[2].values == shown[3].values == [pytest.approx(-10 * 1.0)]


def test_where_nothing_is_feasible_the_least_broken_is_the_best() -> None:
    shown = feasible_first([trial(0.9, 3.0), trial(0.1, 1.0)], [1.0])
    assert [one.values for one in shown] == [[-4.0], [-2.0]]


def test_every_objective_and_its_reports_are_moved() -> None:
    def of(values: list[float], *broken: float) -> FrozenTrial:
        return create_trial(
            params={"x": 0.5},
            distributions={"x": FloatDistribution(0.0, 1.0)},
            values=values,
            system_attrs={CONSTRAINTS: list(broken)},
            user_attrs={REPORTS: {1: values}},
        )

    shown = feasible_first([of([0.5, 10.0], 0.0), of([0.7, 20.0], 0.0), of([0.9, 5.0], 1.0)], [1.0, -1.0])
    assert shown[2].values == [pytest.approx(0.5 - 2 * 0.2), pytest.approx(20.0 + 2 * 10.0)]
    assert shown[2].user_attrs[REPORTS] == {1: shown[2].values}


def test_a_strategy_sees_them_in_a_plain_study_and_later_changes_too() -> None:
    study = optuna.create_study(direction="maximize")
    study.add_trials([trial(0.2, x=0.1), trial(0.4, x=0.2)])
    assert [one.score for one in History.of(study, SPACE, ALL).finished()] == [0.2, 0.4]
    study.add_trial(trial(0.9, 1.0, x=0.3))
    scores = [one.score for one in History.of(study, SPACE, ALL).finished()]
    assert scores[:2] == [0.2, 0.4]
    assert scores[2] < 0.2
    assert {one.state for one in study.trials} == {TrialState.COMPLETE}
