"""What a study knows, as strategies want it: the architecture and the id of each trial, and scores to compare.

A sampler lives for one proposal; reading a thousand trials anew for each would cost more than the search. What is
kept here between proposals follows from the trials alone, so a fresh process finds the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from search_spaces import Architecture, ArchitectureError, Space

__all__ = ["Curve", "Finished", "History"]

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that came to a score.

    Attributes:
        number: of the trial.
        architecture: what was trained.
        score: greater is better; of a stopped trial what it would have come to if it had gained from there on as
            much as the median of those that went on to their end (as it is, where there are none).
    """

    number: int
    architecture: Architecture
    score: float


@dataclass(frozen=True, slots=True)
class Curve:
    """A trial's scores by epoch; greater is better."""

    number: int
    architecture: Architecture
    scores: dict[int, float]


class History:
    """The trials of one study before the one that is being proposed."""

    _kept: ClassVar[WeakKeyDictionary[Study, History]] = WeakKeyDictionary()

    def __init__(self, space: Space) -> None:
        self.space = space
        self.ids: dict[str, int] = {}
        """Of all that was ever proposed, whatever came of it, with the first trial that was."""
        self.notes: dict[tuple[str, int], Any] = {}
        """What a strategy worked out of a trial's architecture and will want again, by a name of its own and number."""
        self._known: dict[int, Architecture] = {}
        self._barren: set[int] = set()
        self._trials: list[FrozenTrial] = []
        self._sign = 1.0

    @classmethod
    def of(cls, study: Study, space: Space, number: int) -> History:
        """The history of the study's trials below `number`."""
        history = cls._kept.get(study)
        if history is None or history.space is not space:
            history = cls._kept[study] = cls(space)
        history._update(study, number)
        return history

    def finished(self) -> list[Finished]:
        """Complete and stopped trials by number."""
        gains = _Gains([trial for trial in self._trials if trial.state == TrialState.COMPLETE])
        return [
            Finished(trial.number, self._known[trial.number], self._sign * (trial.value + gains.after(trial)))
            for trial in self._trials
            if trial.state in _FINISHED and trial.value is not None and trial.number in self._known
        ]

    def curves(self) -> list[Curve]:
        """Of every trial that has reported and did not fail, running ones included, by number."""
        return [
            Curve(
                trial.number,
                self._known[trial.number],
                {epoch: self._sign * value for epoch, value in trial.intermediate_values.items()},
            )
            for trial in self._trials
            if trial.state != TrialState.FAIL and trial.intermediate_values and trial.number in self._known
        ]

    def _update(self, study: Study, number: int) -> None:
        self._sign = 1.0 if study.direction == StudyDirection.MAXIMIZE else -1.0
        self._trials = study.get_trials(deepcopy=False)[:number]
        for trial in self._trials:
            if trial.number not in self._known and trial.number not in self._barren:
                self._read(trial)

    def _read(self, trial: FrozenTrial) -> None:
        """Asks that came to nothing have no parameters; they are looked at once."""
        if trial.params or not self.space.parameters:
            try:
                architecture = self.space.from_params(trial.params)
            except ArchitectureError:
                architecture = None
            if architecture is not None:
                self._known[trial.number] = architecture
                self.ids.setdefault(architecture.id, trial.number)
                return
        if trial.state.is_finished():
            self._barren.add(trial.number)


class _Gains:
    """What complete trials gained after an epoch, the median of them; zero where none says."""

    def __init__(self, complete: list[FrozenTrial]) -> None:
        self._complete = complete
        self._after: dict[int, float] = {}

    def after(self, trial: FrozenTrial) -> float:
        epoch = trial.last_step
        if trial.state == TrialState.COMPLETE or epoch is None:
            return 0.0
        if epoch not in self._after:
            gains = [
                other.value - other.intermediate_values[epoch]
                for other in self._complete
                if other.value is not None and epoch in other.intermediate_values
            ]
            self._after[epoch] = median(gains) if gains else 0.0
        return self._after[epoch]
