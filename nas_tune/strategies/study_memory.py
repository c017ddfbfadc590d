"""An Optuna storage in memory for one study, for one thread and for samplers that live for one proposal.

Optuna's own storage in memory copies a trial, its parameters and its distributions at every parameter and every report,
and compares each distribution with the one before it: that took two thirds of a replay of 10,000 trials. This storage
changes a running trial in place, so a trial that was read before changes too. It compares distributions only if they
are not the same object. Optuna's storage keeps the attributes of the study.

Optuna's trials store the reports of one objective only. Those of several objectives are among the user attributes;
`reported` and `last_epoch` read both.

Values are stored as floats, as in every storage of Optuna, whatever number a training reports: samplers compute in
place on arrays of them, which NumPy refuses for arrays of integers.
"""

from __future__ import annotations

import copy
from collections.abc import Container, Sequence
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution, check_distribution_compatibility
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

__all__ = ["CONSTRAINTS", "REPORTS", "StudyMemory", "last_epoch", "last_values", "reported"]

CONSTRAINTS = "constraints"
"""The attribute in which Optuna keeps the constraints of a trial."""
REPORTS = "nas_tune:reports"
"""The attribute of a trial that has the reports of several objectives, by epoch."""


def last_epoch(trial: FrozenTrial) -> int | None:
    """Find the last epoch that a trial has reported.

    Args:
        trial: the trial.

    Returns:
        The epoch; None before the first report.
    """
    several = trial.user_attrs.get(REPORTS)
    return trial.last_step if several is None else max(several)


def reported(trial: FrozenTrial, epoch: int, objective: int = 0) -> float | None:
    """Read the value of an epoch.

    Args:
        trial: the trial.
        epoch: the epoch.
        objective: the index of the objective (default: 0).

    Returns:
        The value; None if the trial did not report that epoch.
    """
    several = trial.user_attrs.get(REPORTS)
    if several is None:
        return trial.intermediate_values.get(epoch)
    return several[epoch][objective] if epoch in several else None


def last_values(trial: FrozenTrial) -> list[float] | None:
    """Read the values of the last epoch of a trial with several objectives.

    Args:
        trial: the trial.

    Returns:
        One value for each objective; None without reports of several objectives.
    """
    several = trial.user_attrs.get(REPORTS)
    return None if several is None else list(several[max(several)])


class StudyMemory(BaseStorage):
    """Stores the trials of a single study; the id of a trial is its number."""

    def __init__(self) -> None:
        self._study = InMemoryStorage()
        self._trials: list[FrozenTrial] = []
        self._known: dict[str, BaseDistribution] = {}
        self._open: set[int] = set()

    # Trials

    def add_running(self, params: dict[str, Any], distributions: dict[str, BaseDistribution]) -> int:
        """Add a running trial with its parameters, without checking them.

        Args:
            params: the values by name; the storage keeps this object.
            distributions: of the parameters by name; the storage keeps this object.

        Returns:
            The number of the trial.
        """
        number, now = len(self._trials), datetime.now()
        trial = FrozenTrial(number, TrialState.RUNNING, None, now, None, params, distributions, {}, {}, {}, number)
        self._trials.append(trial)
        return number

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if template_trial is None:
            return self.add_running({}, {})
        number = len(self._trials)
        self._trials.append(_copied(number, template_trial))
        return number

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        trial = self._changeable(trial_id)
        known = self._known.setdefault(param_name, distribution)
        if known is not distribution:
            check_distribution_compatibility(known, distribution)
        trial.params[param_name] = distribution.to_external_repr(param_value_internal)
        trial.distributions[param_name] = distribution

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        trial = self._changeable(trial_id)
        if state == TrialState.RUNNING and trial.state != TrialState.WAITING:
            return False
        trial.state = state
        if values is not None or trial_id in self._open:
            trial.values = None if values is None else list(map(float, values))
        self._open.discard(trial_id)
        if state.is_finished():
            trial.datetime_complete = datetime.now()
        return True

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        trial = self._changeable(trial_id)
        value = trial.intermediate_values[step] = float(intermediate_value)
        if trial_id in self._open:
            trial.values = [value]

    def report(self, trial_id: int, epoch: int, values: Sequence[float]) -> None:
        """Store the report of an epoch, with one objective or several.

        Args:
            trial_id: the number of the trial.
            epoch: the epoch, from 1.
            values: one value for each objective.
        """
        if len(values) == 1:
            self.set_trial_intermediate_value(trial_id, epoch, values[0])
            return
        trial = self._changeable(trial_id)
        trial.user_attrs.setdefault(REPORTS, {})[epoch] = floats = list(map(float, values))
        if trial_id in self._open:
            trial.values = floats

    def pause(self, trial_id: int, values: Sequence[float]) -> None:
        """Mark a trial as pruned, with the values of its last report, but allow it to go on and end later.

        Args:
            trial_id: the number of the trial.
            values: one value for each objective.
        """
        trial = self._changeable(trial_id)
        trial.state, trial.values = TrialState.PRUNED, list(map(float, values))
        self._open.add(trial_id)

    def revise(self, trial_id: int, state: TrialState, curve: dict[int, float]) -> None:
        """Replace the reports of a finished trial; the last one becomes its value.

        Args:
            trial_id: the number of the trial.
            state: the new state; a failed trial has no value.
            curve: the value of each epoch.
        """
        trial = self.get_trial(trial_id)
        trial.state, trial.intermediate_values = state, {epoch: float(value) for epoch, value in curve.items()}
        trial.values = None if state == TrialState.FAIL else [float(curve[max(curve)])]

    def set_constraints(self, trial_id: int, values: Sequence[float]) -> None:
        """Set the constraints of a trial, also of a finished one, as a resume may judge it by another limit.

        Args:
            trial_id: the number of the trial.
            values: the constraints; a positive one is broken.
        """
        self.get_trial(trial_id).system_attrs[CONSTRAINTS] = list(values)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._changeable(trial_id).user_attrs[key] = value

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        self._changeable(trial_id).system_attrs[key] = value

    def get_trial(self, trial_id: int) -> FrozenTrial:
        if not 0 <= trial_id < len(self._trials):
            raise KeyError(f"no trial {trial_id}; the study has {len(self._trials)}")
        return self._trials[trial_id]

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        trials = self._trials[:] if states is None else [trial for trial in self._trials if trial.state in states]
        return copy.deepcopy(trials) if deepcopy else trials

    def get_n_trials(self, study_id: int, state: tuple[TrialState, ...] | TrialState | None = None) -> int:
        return len(self._trials) if state is None else super().get_n_trials(study_id, state)

    def get_trial_id_from_study_id_trial_number(self, study_id: int, trial_number: int) -> int:
        return self.get_trial(trial_number).number

    def _changeable(self, trial_id: int) -> FrozenTrial:
        trial = self.get_trial(trial_id)
        if trial_id not in self._open:
            self.check_trial_is_updatable(trial_id, trial.state)
        return trial

    # The study

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        if self._study.get_all_studies():
            raise ValueError("this memory holds a study already; take another one for another study")
        return self._study.create_new_study(directions, study_name)

    def delete_study(self, study_id: int) -> None:
        self._study.delete_study(study_id)
        self._trials, self._known, self._open = [], {}, set()

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        self._study.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        self._study.set_study_system_attr(study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        return self._study.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._study.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._study.get_study_directions(study_id)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._study.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._study.get_study_system_attrs(study_id)

    def get_all_studies(self) -> list[Any]:
        return list(self._study.get_all_studies())


def _copied(number: int, trial: FrozenTrial) -> FrozenTrial:
    return FrozenTrial(
        number=number,
        trial_id=number,
        state=trial.state,
        value=None,
        values=None if trial.values is None else list(map(float, trial.values)),
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=dict(trial.params),
        distributions=dict(trial.distributions),
        user_attrs=dict(trial.user_attrs),
        system_attrs=dict(trial.system_attrs),
        intermediate_values=dict(trial.intermediate_values),
    )
