"""What samplers know of a study: architectures and ids by trial, scores that can be compared, curves."""

from __future__ import annotations

import optuna
import pytest
from optuna.trial import TrialState, create_trial

import search_spaces
from nas_tune.strategies.flat_encoding import FlatEncoding
from nas_tune.strategies.history import History
from nas_tune.strategies.tpe import _parted
from search_spaces import Architecture
from tests.toys import conditional_space

SPACE = search_spaces.get("nb201")
MEMBERS = [SPACE.sample(seed) for seed in range(8)]


def trial_of(made: Architecture | None, state: TrialState, *reports: float) -> optuna.trial.FrozenTrial:
    params = {} if made is None else SPACE.params(made)
    return create_trial(
        state=state,
        value=reports[-1] if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
        params=params,
        distributions={name: SPACE.to_optuna()[name] for name in params},
        intermediate_values=dict(enumerate(reports, start=1)),
    )


def study_of(*trials: optuna.trial.FrozenTrial, direction: str = "maximize") -> optuna.Study:
    study = optuna.create_study(direction=direction)
    study.add_trials(trials)
    return study


def scores(study: optuna.Study) -> dict[int, float]:
    return {trial.number: trial.score for trial in History.of(study, SPACE, len(study.trials)).finished()}


def test_a_stopped_trial_is_credited_with_what_the_others_gained_from_there() -> None:
    complete = [
        trial_of(MEMBERS[i], TrialState.COMPLETE, 0.1, 0.3, 0.3 + gain) for i, gain in enumerate((0.1, 0.2, 0.6))
    ]
    study = study_of(*complete, trial_of(MEMBERS[3], TrialState.PRUNED, 0.2, 0.25))
    assert scores(study) == pytest.approx({0: 0.4, 1: 0.5, 2: 0.9, 3: 0.25 + 0.2})


def test_where_nobody_went_on_it_stands_as_it_is_and_losses_are_turned() -> None:
    study = study_of(trial_of(MEMBERS[0], TrialState.PRUNED, 0.7), direction="minimize")
    assert scores(study) == {0: -0.7}


def test_failures_and_running_trials_are_seen_but_have_no_score() -> None:
    study = study_of(
        trial_of(MEMBERS[0], TrialState.FAIL, 0.4),
        trial_of(None, TrialState.FAIL),
        trial_of(MEMBERS[1], TrialState.RUNNING, 0.6),
        trial_of(MEMBERS[2], TrialState.COMPLETE, 0.5),
    )
    history = History.of(study, SPACE, 4)
    assert history.ids == {MEMBERS[0].id: 0, MEMBERS[1].id: 2, MEMBERS[2].id: 3}
    assert [trial.number for trial in history.finished()] == [3]
    assert [(curve.number, curve.scores) for curve in history.curves()] == [(2, {1: 0.6}), (3, {1: 0.5})]


def test_it_grows_with_the_study_and_never_looks_at_the_trial_that_is_proposed() -> None:
    study = study_of(trial_of(MEMBERS[0], TrialState.COMPLETE, 0.5))
    history = History.of(study, SPACE, 1)
    study.add_trials([trial_of(MEMBERS[1], TrialState.COMPLETE, 0.6), trial_of(MEMBERS[2], TrialState.RUNNING)])
    assert History.of(study, SPACE, 2) is history
    assert history.ids == {MEMBERS[0].id: 0, MEMBERS[1].id: 1}
    assert History.of(study, conditional_space(), 0) is not history


def test_flat_faces_lead_back_to_the_member() -> None:
    space = conditional_space()
    encoding = FlatEncoding(space)
    for seed in range(20):
        made = space.sample(seed)
        filled = encoding.filled(made)
        assert filled.keys() == {parameter.name for parameter in space.parameters}
        assert encoding.member(filled) == made
        numbers = [0.3 + 0.01 * i for i in range(encoding.width)]
        mended = encoding.corrected(numbers, space.params(made))
        assert space.decode(mended) == made
        assert encoding.agrees(mended, space.params(made))
        # Options exchange their numbers: nothing is invented.
        one_hot = encoding.slices["head"]
        assert sorted(mended[one_hot]) == numbers[one_hot]


def test_the_good_trials_of_tpe_are_the_best_by_the_rule_of_the_results() -> None:
    states = (TrialState.COMPLETE, TrialState.COMPLETE, TrialState.PRUNED, TrialState.PRUNED)
    told = [
        trial_of(MEMBERS[n], state, value) for n, (state, value) in enumerate(zip(states, (1, 94, 78, 63), strict=True))
    ]
    study = study_of(*told)
    good, others = _parted(study, study.get_trials(), 2)
    assert [trial.number for trial in good] == [1, 2]
    assert [trial.number for trial in others] == [0, 3]


def test_a_training_that_ended_by_itself_stays_at_what_it_came_to() -> None:
    told = [
        trial_of(MEMBERS[0], TrialState.COMPLETE, 0.5),
        trial_of(MEMBERS[1], TrialState.COMPLETE, 0.9, 0.8, 0.7),
        trial_of(MEMBERS[2], TrialState.PRUNED, 0.6),
    ]
    curves = History.of(study_of(*told, direction="minimize"), SPACE, 3).curves()
    wanted = [{1: -0.5, 2: -0.5, 3: -0.5}, {1: -0.9, 2: -0.8, 3: -0.7}, {1: -0.6}]
    assert [curve.scores for curve in curves] == wanted
