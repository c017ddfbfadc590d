"""What a progress display counts, from the events of a run: trials done, the best so far, the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from nas_tune.config import SearchConfig
from nas_tune.fronts import dominates
from nas_tune.ledger import Ended, Event, Paused, RunState, TrialRecord
from nas_tune.results.ranking import Rank, final_scores, rank

__all__ = ["Pace"]


class Pace:
    """Follows one session; told of every event, it does a few comparisons.

    Args:
        config: of the search, as in force in this session.
        clock: seconds, monotonic.
    """

    def __init__(self, config: SearchConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self.config, self._objectives = config, config.objectives
        self.state = RunState()
        self.best: TrialRecord | None = None
        self._best_rank: Rank | None = None
        self._front: dict[int, tuple[float, ...]] = {}
        self._clock = clock
        self._made = clock()
        self._began: float | None = None
        self._over_before = 0
        self._seconds_before = 0.0

    def take(self, event: Event, state: RunState) -> None:
        """Take in one event; `state` is that of the run after it."""
        if self._began is None:
            self._begin(event, state)
        self.state = state
        if isinstance(event, Ended | Paused):
            self._compare(state.trials[event.trial])

    @property
    def over(self) -> int:
        """Trials that are complete, pruned or failed, in all sessions."""
        return sum(self.state.counts.values())

    @property
    def on_front(self) -> int:
        """Complete trials that none beats in every objective; counted where there are several objectives."""
        return len(self._front)

    @property
    def elapsed(self) -> float:
        """Seconds since the display was made."""
        return self._clock() - self._made

    @property
    def share(self) -> float | None:
        """How much of the budget is spent, 0 to 1; None without a budget."""
        shares = []
        if self.config.max_trials is not None:
            shares.append(self.over / self.config.max_trials)
        if self.config.max_seconds is not None:
            shares.append((self._seconds_before + self._active) / self.config.max_seconds)
        return min(1.0, max(shares)) if shares else None

    @property
    def left(self) -> float | None:
        """Seconds until the budget is spent, at the pace of this session; None while nobody can know."""
        left = []
        done = self.over - self._over_before
        if self.config.max_trials is not None and done:
            left.append((self.config.max_trials - self.over) * self._active / done)
        if self.config.max_seconds is not None:
            left.append(self.config.max_seconds - self._seconds_before - self._active)
        return max(0.0, min(left)) if left else None

    @property
    def _active(self) -> float:
        """Seconds since the first event: starting the workers is no part of the pace."""
        return 0.0 if self._began is None else self._clock() - self._began

    def _begin(self, event: Event, state: RunState) -> None:
        self._began = self._clock()
        self._over_before = sum(state.counts.values()) - isinstance(event, Ended)
        self._seconds_before = state.active_seconds
        for trial in state.trials.values():
            self._compare(trial)

    def _compare(self, trial: TrialRecord) -> None:
        place = rank(trial, self._objectives)
        if place is not None and (self._best_rank is None or place < self._best_rank):
            self.best, self._best_rank = trial, place
        scores = final_scores(trial, self._objectives) if trial.state == "complete" else None
        if len(self._objectives) > 1 and scores is not None:
            self._enter(trial.number, scores)

    def _enter(self, trial: int, scores: tuple[float, ...]) -> None:
        """Take a place on the front, unless it is behind it."""
        if not any(dominates(other, scores) for other in self._front.values()):
            beaten = [number for number, other in self._front.items() if dominates(scores, other)]
            for number in beaten:
                del self._front[number]
            self._front[trial] = scores
