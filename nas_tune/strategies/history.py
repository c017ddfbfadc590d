"""The trials of a study as strategies need them: architectures, their ids, and scores that can be compared.

A new sampler is made for every proposal; reading a thousand trials again each time would cost more than the search.
The histories are therefore kept between proposals. They follow from the trials alone, so a fresh process finds the
same.

A trial that breaks constraints (Optuna's `constraints` of a trial, positive where one is broken) is shown with values
behind those of all that keep them, the further the more it breaks: every strategy then ranks feasible trials first.

A trial counts if it has a value for every active parameter of the space, whatever sampler proposed it; its other
parameters (such as a learning rate) are ignored. Trials that wait in the queue count as proposed.
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
from nas_tune.strategies.feasible_first import feasible_first
from nas_tune.strategies.study_memory import CONSTRAINTS, last_epoch, reported
from search_spaces import Architecture, ArchitectureError, Space
from search_spaces.interchange import from_trial

__all__ = ["ALL", "Finished", "History", "ScoreCurve", "signs_of", "study_result"]

ALL = sys.maxsize
"""Stands for a trial number that is greater than all: the history of all trials."""
_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Finished:
    """A finished trial and its score.

    Attributes:
        number: of the trial.
        architecture: the architecture that it trained.
        score: greater is better. A stopped trial counts with its score plus the median gain of the complete trials from
            that epoch to their end (plus nothing if none reported then). With several objectives the negative place
            among
            all such trials, by front, then by crowding distance (`nas_tune.objectives.pareto`); 0 for the best.
        scores: with several objectives one for each, computed as `score` is for a single one; else empty.
    """

    number: int
    architecture: Architecture
    score: float
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """The scores of a trial by epoch.

    Attributes:
        number: of the trial.
        architecture: the architecture that it trains.
        scores: by epoch; greater is better.
    """

    number: int
    architecture: Architecture
    scores: dict[int, float]


class History:
    """The trials of one study below the number of the proposal.

    Args:
        space: the space of the architectures.
    """

    _kept: ClassVar[WeakKeyDictionary[Study, History]] = WeakKeyDictionary()

    def __init__(self, space: Space) -> None:
        self.space = space
        self.notes: dict[tuple[str, int], Any] = {}
        """Results that strategies keep between proposals, by a name of the strategy's choice and the trial number."""
        self._known: dict[int, Architecture] = {}
        self._ids: dict[str, int] = {}
        self._unnamed: list[int] = []
        self._barren: set[int] = set()
        self._settled = self._closed = 0
        self._constrained = False
        self._trials: list[FrozenTrial] = []
        self.signs = [1.0]
        """The factor of each objective that makes greater better: 1 or -1."""

    @classmethod
    def of(cls, study: Study, space: Space, number: int) -> History:
        """Return the kept history of a study, updated to its trials below `number`.

        Args:
            study: the study.
            space: the space of the architectures.
            number: the number of the proposed trial, or `ALL`.

        Returns:
            The history; the next call for this study changes it.
        """
        history = cls._kept.get(study)
        if history is None or history.space is not space:
            history = cls._kept[study] = cls(space)
        history._update(study, number)
        return history

    @property
    def ids(self) -> dict[str, int]:
        """The id of every architecture that was ever proposed, with the number of its first trial."""
        for number in self._unnamed:
            self._ids.setdefault(self._known[number].id, number)
        self._unnamed.clear()
        return self._ids

    def finished(self) -> list[Finished]:
        """Score the complete and stopped trials so that they can be compared.

        Returns:
            One entry for each trial of `ended`, by number.
        """
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
        """Select the complete and stopped trials that have finite values and an architecture of the space.

        Returns:
            The trials of the study, by number.
        """
        return [trial for trial in self._trials if self._counts(trial)]

    def youngest(self) -> Iterator[FrozenTrial]:
        """Iterate over the trials of `ended` from the youngest on; reading a few takes no longer in a large study.

        Returns:
            An iterator over trials of the study.
        """
        return (trial for trial in reversed(self._trials) if self._counts(trial))

    def running(self) -> list[Architecture]:
        """List the architectures of running trials.

        Returns:
            The architectures by trial number.
        """
        running = [trial.number for trial in self._trials if trial.state == TrialState.RUNNING]
        return [self._known[number] for number in running if number in self._known]

    def is_open(self, number: int) -> bool:
        """Tell whether the architecture of a trial is not known yet.

        Args:
            number: the number of the trial.

        Returns:
            False if its architecture is known, or if it finished without one.
        """
        return number not in self._known and number not in self._barren

    def architecture(self, number: int) -> Architecture:
        """Look up the architecture of a trial that has one.

        Args:
            number: the number of the trial.

        Returns:
            Its architecture.
        """
        return self._known[number]

    def curves(self) -> list[ScoreCurve]:
        """List the curves of all trials that reported and did not fail, running ones included; for one objective.

        A complete trial keeps its last score at every later epoch that another trial has reached. A trial that has a
        value but no report, as in many plain studies, has that value at every epoch.

        Returns:
            The curves by trial number.
        """
        (sign,) = self.signs
        trials = [trial for trial in self._trials if trial.state != TrialState.FAIL and trial.number in self._known]
        reported_epochs: set[int] = set()
        for trial in trials:
            reported_epochs.update(trial.intermediate_values)
        epochs = sorted(reported_epochs) or [1]
        curves = []
        for trial in trials:
            if not trial.intermediate_values and self._counts(trial):
                scores = dict.fromkeys(epochs, sign * trial.values[0])
            else:
                scores = _scores(trial, sign, epochs)
            if scores:
                curves.append(ScoreCurve(trial.number, self._known[trial.number], scores))
        return curves

    def _counts(self, trial: FrozenTrial) -> bool:
        """Tell whether the trial has finished with finite values and an architecture of the space."""
        if trial.state not in _FINISHED or trial.number not in self._known:
            return False
        values = trial.values
        return values is not None and all(map(math.isfinite, values))

    def _update(self, study: Study, number: int) -> None:
        self.signs = signs_of(study)
        # Optuna numbers the trials of a study from 0 without gaps.
        trials = study.get_trials(deepcopy=False)[:number]
        while self._closed < len(trials) and trials[self._closed].state.is_finished():
            self._constrained |= CONSTRAINTS in trials[self._closed].system_attrs
            self._closed += 1
        # Nearly no search has constraints, and looking at every trial for each proposal takes long in a large study.
        self._trials = feasible_first(trials, self.signs) if self._constrained else trials
        for trial in trials[self._settled :]:
            if self.is_open(trial.number):
                self._read(trial)
        while self._settled < len(trials) and not self.is_open(trials[self._settled].number):
            self._settled += 1

    def _read(self, trial: FrozenTrial) -> None:
        """Read the architecture of a trial; a finished trial without one is not read again."""
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
    """Find the factor of each objective that makes greater better.

    Args:
        study: the study.

    Returns:
        1 for each objective that is maximized, -1 for each that is minimized.
    """
    return [1.0 if direction == StudyDirection.MAXIMIZE else -1.0 for direction in study.directions]


def study_result(trial: FrozenTrial, signs: Sequence[float]) -> Result:
    """Read the result of a finished trial with values.

    Args:
        trial: the trial.
        signs: the factors of the objectives, from `signs_of`.

    Returns:
        The result, to be ordered by `nas_tune.objectives.standings`.
    """
    scores = tuple(sign * value for sign, value in zip(signs, trial.values, strict=True))
    complete, epochs = trial.state == TrialState.COMPLETE, last_epoch(trial)
    # The length of a complete trial without reports is unknown: it counts as infinite.
    return Result(scores, epochs if epochs is not None else math.inf if complete else 0, complete)


def _scores(trial: FrozenTrial, sign: float, epochs: Sequence[int]) -> dict[int, float]:
    scores = {epoch: sign * value for epoch, value in trial.intermediate_values.items() if math.isfinite(value)}
    if trial.state == TrialState.COMPLETE and scores:
        last = max(scores)
        scores |= {epoch: scores[last] for epoch in epochs if epoch > last}
    return scores


class _Gains:
    """The median gain of complete trials from an epoch to their end, in one objective; 0 if none reported then."""

    def __init__(self, complete: Sequence[FrozenTrial], objective: int) -> None:
        self._complete, self._objective = complete, objective
        self._after: dict[int, float] = {}

    def after(self, trial: FrozenTrial) -> float:
        epoch = last_epoch(trial)
        if trial.state == TrialState.COMPLETE or epoch is None:
            return 0.0
        if epoch not in self._after:
            gains: list[float] = []
            for other in self._complete:
                then = reported(other, epoch, self._objective)
                if other.values is not None and then is not None:
                    gains.append(other.values[self._objective] - then)
            self._after[epoch] = median(gains) if gains else 0.0
        return self._after[epoch]
