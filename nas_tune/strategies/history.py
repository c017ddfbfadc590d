"""What a study knows, as strategies want it: the architecture and the id of each trial, and scores to compare.

A sampler lives for one proposal; reading a thousand trials anew for each would cost more than the search. What is
kept here between proposals follows from the trials alone, so a fresh process finds the same.

A trial counts if it decided every parameter of the space that is active in it, whoever made it; what else it has
(a learning rate beside the architecture) is its own business. Trials that wait in the queue count as proposed.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from nas_tune.objectives.pareto import places
from nas_tune.objectives.standings import Result
from nas_tune.strategies.study_memory import last_epoch, reported
from search_spaces import Architecture, ArchitectureError, Space
from search_spaces.interchange import from_trial

__all__ = ["ALL", "Curve", "Finished", "History", "result_of", "signs_of"]

ALL = sys.maxsize
"""In the place of a trial's number: the history of all trials."""
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Finished:
    """A trial that came to a score.

    Attributes:
        number: of the trial.
        architecture: what was trained.
        score: greater is better; of a stopped trial what it would have come to if it had gained from there on as
            much as the median of those that went on to their end (as it is, where there are none). With several
            objectives the place among all such trials, negative: by the number of the front, then by crowding
            distance (`nas_tune.objectives.pareto`); 0 for the best.
        scores: with several objectives each of them, as `score` would be with that one alone; else empty.
    """

    number: int
    architecture: Architecture
    score: float
    scores: tuple[float, ...] = ()


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
        self.notes: dict[tuple[str, int], Any] = {}
        """What a strategy worked out of a trial's architecture and will want again, by a name of its own and number."""
        self._known: dict[int, Architecture] = {}
        self._ids: dict[str, int] = {}
        self._unnamed: list[int] = []
        self._barren: set[int] = set()
        self._settled = 0
        self._trials: list[FrozenTrial] = []
        self.signs = [1.0]
        """What turns each objective so that greater is better."""

    @classmethod
    def of(cls, study: Study, space: Space, number: int) -> History:
        """The history of the study's trials below `number`."""
        history = cls._kept.get(study)
        if history is None or history.space is not space:
            history = cls._kept[study] = cls(space)
        history._update(study, number)
        return history

    @property
    def ids(self) -> dict[str, int]:
        """Of all that was ever proposed, whatever came of it, with the first trial that was."""
        for number in self._unnamed:
            self._ids.setdefault(self._known[number].id, number)
        self._unnamed.clear()
        return self._ids

    def finished(self) -> list[Finished]:
        """Complete and stopped trials by number."""
        trials = self.ended()
        complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        columns = []
        for objective, sign in enumerate(self.signs):
            gains = _Gains(complete, objective)
            columns.append([sign * (trial.values[objective] + gains.after(trial)) for trial in trials])
        if len(columns) == 1:
            return [Finished(t.number, self._known[t.number], score) for t, score in zip(trials, *columns, strict=True)]
        rows = list(zip(*columns, strict=True))
        return [
            Finished(trial.number, self._known[trial.number], -float(place), scores)
            for trial, scores, place in zip(trials, rows, places(rows), strict=True)
        ]

    def ended(self) -> list[FrozenTrial]:
        """The trials that `finished` tells of, as the study has them."""
        return [trial for trial in self._trials if self._counts(trial)]

    def youngest(self) -> Iterator[FrozenTrial]:
        """The same from the youngest on; an old study is not slower to ask for a few than a young one."""
        return (trial for trial in reversed(self._trials) if self._counts(trial))

    def running(self) -> list[Architecture]:
        """What is being tried now."""
        running = (trial.number for trial in self._trials if trial.state == TrialState.RUNNING)
        return [self._known[number] for number in running if number in self._known]

    def is_open(self, number: int) -> bool:
        """Whether the trial may still say what it tries."""
        return number not in self._known and number not in self._barren

    def architecture(self, number: int) -> Architecture:
        """Of a trial that has one."""
        return self._known[number]

    def curves(self) -> list[Curve]:
        """Of every trial that has reported and did not fail, running ones included, by number; of one objective.

        A training that ended by itself stays at what it came to, at every epoch that some other one has reached. One
        that came to its value without a report, as in many plain studies, is at that value at every epoch.
        """
        (sign,) = self.signs
        told = [trial for trial in self._trials if trial.state != TrialState.FAIL and trial.number in self._known]
        epochs = sorted({epoch for trial in told for epoch in trial.intermediate_values}) or [1]
        curves = []
        for trial in told:
            silent = not trial.intermediate_values and self._counts(trial)
            scores = dict.fromkeys(epochs, sign * trial.values[0]) if silent else _scores(trial, sign, epochs)
            if scores:
                curves.append(Curve(trial.number, self._known[trial.number], scores))
        return curves

    def _counts(self, trial: FrozenTrial) -> bool:
        """Whether it came to values that can be compared, and tells of an architecture."""
        return (
            trial.state in _FINISHED
            and trial.number in self._known
            and trial.values is not None
            and all(map(math.isfinite, trial.values))
        )

    def _update(self, study: Study, number: int) -> None:
        self.signs = signs_of(study)
        trials = study.get_trials(deepcopy=False)[:number]
        if trials and trials[-1].number >= number:
            trials = [trial for trial in trials if trial.number < number]
        self._trials = trials
        for trial in trials[self._settled :]:
            if self.is_open(trial.number):
                self._read(trial)
        while self._settled < len(trials) and not self.is_open(trials[self._settled].number):
            self._settled += 1

    def _read(self, trial: FrozenTrial) -> None:
        """Asks that came to nothing have no parameters; they are looked at once."""
        architecture = _member(self.space, trial)
        if architecture is not None:
            self._known[trial.number] = architecture
            self._unnamed.append(trial.number)
        elif trial.state.is_finished():
            self._barren.add(trial.number)


def _member(space: Space, trial: FrozenTrial) -> Architecture | None:
    if space.parameters and not (trial.params or "fixed_params" in trial.system_attrs):
        return None
    try:
        return from_trial(space, trial)
    except ArchitectureError:
        return None


def signs_of(study: Study) -> list[float]:
    """What turns each objective so that greater is better."""
    return [1.0 if direction == StudyDirection.MAXIMIZE else -1.0 for direction in study.directions]


def result_of(trial: FrozenTrial, signs: Sequence[float]) -> Result:
    """What a finished trial with values came to, to be compared with others."""
    scores = tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))
    complete, epochs = trial.state == TrialState.COMPLETE, last_epoch(trial)
    # A complete one that never reported trained nobody knows how long.
    return Result(scores, epochs if epochs is not None else math.inf if complete else 0, complete)


def _scores(trial: FrozenTrial, sign: float, epochs: Sequence[int]) -> dict[int, float]:
    scores = {epoch: sign * value for epoch, value in trial.intermediate_values.items() if math.isfinite(value)}
    if trial.state == TrialState.COMPLETE and scores:
        last = max(scores)
        scores |= {epoch: scores[last] for epoch in epochs if epoch > last}
    return scores


class _Gains:
    """What complete trials gained after an epoch in an objective, the median of them; zero where none says."""

    def __init__(self, complete: Sequence[FrozenTrial], objective: int) -> None:
        self._complete, self._objective = complete, objective
        self._after: dict[int, float] = {}

    def after(self, trial: FrozenTrial) -> float:
        epoch = last_epoch(trial)
        if trial.state == TrialState.COMPLETE or epoch is None:
            return 0.0
        if epoch not in self._after:
            gains = [
                other.values[self._objective] - then
                for other in self._complete
                if other.values is not None and (then := reported(other, epoch, self._objective)) is not None
            ]
            self._after[epoch] = median(gains) if gains else 0.0
        return self._after[epoch]
