"""The memory of a study says what Optuna's own storage in memory says, to samplers that look at everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler, NSGAIISampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from nas_tune.strategies.study_memory import StudyMemory, last_epoch, last_values, reported
from tests.toys import conditional_space, quality

SAMPLERS: dict[str, Callable[[], BaseSampler]] = {
    "random": lambda: RandomSampler(seed=1),
    "tpe": lambda: TPESampler(seed=1, n_startup_trials=5),
    "nsgaii": lambda: NSGAIISampler(seed=1, population_size=4),
}


def searched(storage: BaseStorage, sampler: BaseSampler) -> list[FrozenTrial]:
    space = conditional_space()
    study = optuna.create_study(storage=storage, study_name="one", sampler=sampler, direction="maximize")
    study.add_trial(create_trial(state=TrialState.FAIL))
    for number in range(24):
        trial = study.ask()
        value = quality(space.suggest(trial))
        trial.set_user_attr("number", number)
        for step in range(1, 4):
            trial.report(value * step, step)
        states = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        state = states[0] if number % 4 else states[number // 4 % 3]
        study.tell(trial, value if state == TrialState.COMPLETE else None, state=state)
    assert study.best_trial == max((t for t in study.trials if t.state == TrialState.COMPLETE), key=lambda t: t.value)
    return study.trials


def told(trials: list[FrozenTrial]) -> list[tuple[Any, ...]]:
    return [
        (t.number, t.state, t.values, t.params, t.distributions, t.intermediate_values, t.user_attrs) for t in trials
    ]


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_proposes_and_remembers_the_same(name: str) -> None:
    ours = searched(StudyMemory(), SAMPLERS[name]())
    theirs = searched(InMemoryStorage(), SAMPLERS[name]())
    assert told(ours) == told(theirs)
    assert all(t.datetime_complete is not None for t in ours[1:])


def memory() -> StudyMemory:
    made = StudyMemory()
    made.create_new_study([StudyDirection.MINIMIZE], "one")
    return made


def test_a_trial_entered_whole_is_one_that_was_asked() -> None:
    width, op = IntDistribution(1, 8), CategoricalDistribution(("a", "b"))
    whole, asked = memory(), memory()
    number = whole.add_running({"width": 3, "op": "b"}, {"width": width, "op": op})
    asked.create_new_trial(0)
    asked.set_trial_param(0, "width", 3.0, width)
    asked.set_trial_param(0, "op", 1.0, op)
    for storage in (whole, asked):
        storage.set_trial_intermediate_value(number, 2, 0.5)
        storage.set_trial_state_values(number, TrialState.COMPLETE, [0.5])
    assert told(whole.get_all_trials(0)) == told(asked.get_all_trials(0))
    assert whole.get_trial_param(number, "op") == asked.get_trial_param(number, "op") == 1.0


def test_a_finished_trial_is_not_changed() -> None:
    storage = memory()
    number = storage.add_running({}, {})
    storage.set_trial_state_values(number, TrialState.FAIL)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_intermediate_value(number, 1, 0.5)
    with pytest.raises(UpdateFinishedTrialError):
        storage.set_trial_state_values(number, TrialState.COMPLETE, [0.5])


def test_a_distribution_that_became_another_is_refused() -> None:
    storage = memory()
    storage.create_new_trial(0)
    storage.set_trial_param(0, "op", 0.0, CategoricalDistribution(("a", "b")))
    storage.create_new_trial(0)
    storage.set_trial_param(1, "op", 0.0, CategoricalDistribution(("a", "b")))
    with pytest.raises(ValueError, match="CategoricalDistribution does not support dynamic value space"):
        storage.set_trial_param(1, "op", 0.0, CategoricalDistribution(("a", "c")))


def test_unknown_trials_and_second_studies_are_refused() -> None:
    storage = memory()
    for number in (0, -1):
        with pytest.raises(KeyError):
            storage.get_trial(number)
    with pytest.raises(ValueError, match="holds a study already"):
        storage.create_new_study([StudyDirection.MINIMIZE])


def test_a_deep_copy_is_no_view() -> None:
    storage = memory()
    number = storage.add_running({"width": 3}, {"width": IntDistribution(1, 8)})
    storage.get_all_trials(0, deepcopy=True)[0].params["width"] = 8
    assert storage.get_trial(number).params == {"width": 3}
    assert storage.get_n_trials(0) == storage.get_n_trials(0, TrialState.RUNNING) == 1


@pytest.mark.parametrize("number", [3, np.int64(3), np.float32(3.0)])
def test_values_are_floats_however_they_come_in(number: Any) -> None:
    """Samplers compute in place on arrays of values, which NumPy refuses where they are integers (optuna#5260)."""
    storage = memory()
    several = StudyMemory()
    several.create_new_study([StudyDirection.MINIMIZE] * 2, "two")
    for told in (storage, several):
        for _ in range(3):
            told.add_running({}, {})
    storage.set_trial_intermediate_value(0, 1, number)
    storage.set_trial_state_values(0, TrialState.COMPLETE, [number])
    storage.pause(1, [number])
    storage.set_trial_intermediate_value(1, 2, number)
    storage.revise(0, TrialState.PRUNED, {1: number, 2: number})
    storage.create_new_trial(0, create_trial(value=number))
    several.report(0, 1, [number, number])
    several.pause(1, [number, number])
    several.report(1, 2, [number, number])
    several.set_trial_state_values(2, TrialState.COMPLETE, [number, number])
    trials = [*storage.get_all_trials(0), *several.get_all_trials(0)]
    values = [value for trial in trials for value in (*(trial.values or ()), *trial.intermediate_values.values())]
    values += last_values(several.get_trial(0)) or []
    assert len(values) == 1 + 2 + 1 + 1 + 1 + 2 + 2 + 2
    assert {type(value) for value in values} == {float}


def test_an_attribute_called_reports_is_not_taken_for_ours() -> None:
    trial = create_trial(value=1.0, user_attrs={"reports": "runs/7"}, intermediate_values={4: 1.0})
    assert (last_epoch(trial), reported(trial, 4), last_values(trial)) == (4, 1.0, None)
