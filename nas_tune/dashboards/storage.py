"""A run as a read-only storage of Optuna that follows the ledger.

The storage copies nothing to a disk. Each request for trials reads the new events of the ledger, and a finished trial
is translated once. So a page over the storage is live, two pages show the same, and a page that is killed leaves
nothing behind.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Container, Sequence
from typing import Any, NoReturn

import optuna
from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage, InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas_tune.dashboards.study import Translator
from nas_tune.ledger import RunState
from nas_tune.results import Run
from nas_tune.results.reader import LedgerReader
from nas_tune.results.space import run_space
from search_spaces.notation import writer
from trainables.metrics import titled

__all__ = ["ReadOnlyError", "RunStorage"]

_DIRECTIONS = {"max": StudyDirection.MAXIMIZE, "min": StudyDirection.MINIMIZE}


class ReadOnlyError(NotImplementedError):
    """A caller tried to change the copy of a run."""


class RunStorage(BaseStorage):
    """A storage with the run as its only study; the id of a trial is its number. Several threads may use it.

    Every method that would change the study raises `ReadOnlyError`.

    Args:
        run: the run.

    Raises:
        LedgerDamagedError, NewerFormatError: the ledger cannot be read; methods raise it, too, after the ledger was
            replaced by such a one.
    """

    def __init__(self, run: Run) -> None:
        self._reader = LedgerReader(run.path)
        self._translator = Translator(run.meta.get("space"), run.objectives, writer(run_space(run)), run.limits)
        self._trials: list[FrozenTrial] = []
        self._open: set[int] = set()
        self._version = (0, 0)
        self._about = InMemoryStorage()
        self._study_id = _described(self._about, run)

    # Trials

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        self._about.get_study_name_from_id(study_id)
        trials = []
        for trial in self._current():
            if states is None or trial.state in states:
                trials.append(trial)
        return copy.deepcopy(trials) if deepcopy else trials

    def get_trial(self, trial_id: int) -> FrozenTrial:
        trials = self._current()
        if not 0 <= trial_id < len(trials):
            raise KeyError(f"no trial {trial_id}; the run has {len(trials)}")
        return trials[trial_id]

    def _current(self) -> list[FrozenTrial]:
        """All trials as of now, in a new list; the trials in it never change."""
        with self._reader.current() as state:
            if self._version != self._reader.version:
                if self._version[0] != self._reader.version[0]:
                    self._trials, self._open = [], set()
                self._take(state)
                self._version = self._reader.version
            return list(self._trials)

    def _take(self, state: RunState) -> None:
        """Translate the new trials, and those that had not ended at the last request."""
        for number in sorted(self._open):
            self._trials[number] = self._translator.translated(state.trials[number])
        for number in range(len(self._trials), len(state.trials)):
            self._trials.append(self._translator.translated(state.trials[number]))
        self._open = set(state.unfinished)
        fate = state.end_reason or ("running" if state.unfinished else "not over")
        self._about.set_study_user_attr(self._study_id, "search", fate)

    # The study

    def get_all_studies(self) -> list[Any]:
        self._current()
        return list(self._about.get_all_studies())

    def get_study_id_from_name(self, study_name: str) -> int:
        return self._about.get_study_id_from_name(study_name)

    def get_study_name_from_id(self, study_id: int) -> str:
        return self._about.get_study_name_from_id(study_id)

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return self._about.get_study_directions(study_id)

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        return self._about.get_study_user_attrs(study_id)

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        return self._about.get_study_system_attrs(study_id)

    # Methods that would change the study

    def create_new_study(self, directions: Sequence[StudyDirection], study_name: str | None = None) -> int:
        _refuse()

    def delete_study(self, study_id: int) -> None:
        _refuse()

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        _refuse()

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        _refuse()

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        _refuse()

    def set_trial_param(
        self, trial_id: int, param_name: str, param_value_internal: float, distribution: BaseDistribution
    ) -> None:
        _refuse()

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Sequence[float] | None = None) -> bool:
        _refuse()

    def set_trial_intermediate_value(self, trial_id: int, step: int, intermediate_value: float) -> None:
        _refuse()

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        _refuse()

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        _refuse()


def _refuse() -> NoReturn:
    raise ReadOnlyError("this is a copy of a run, which only its search changes")


def _described(about: InMemoryStorage, run: Run) -> int:
    """Make the study in `about`, with its name, objectives and attributes, and return its id."""
    config = run.config
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    directions = [_DIRECTIONS[one.mode] for one in run.objectives]
    study_id = about.create_new_study(directions, config.run_name)
    study = optuna.load_study(study_name=config.run_name, storage=about)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([titled(one.metric, run.unit(one.metric)) for one in run.objectives])
    about.set_study_user_attr(study_id, "search", "not over")
    for name in ("space", "strategy", "scheduler", "trainable"):
        about.set_study_user_attr(study_id, name, getattr(config, name).name)
    about.set_study_user_attr(study_id, "folder", str(run.path))
    return study_id
