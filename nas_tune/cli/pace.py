"""The numbers of a progress display, from the events of a run: trials done, the best so far, the time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from nas_tune.config import SearchConfig
from nas_tune.ledger import Ended, Event, Paused, RunState, TrialRecord
from nas_tune.objectives.limits import limits_of
from nas_tune.objectives.standings import Result, in_order
from nas_tune.results.ranking import pareto, result_of

__all__ = ["Pace"]


class Pace:
    """The progress of one session, from its events; each event costs a few comparisons.

    Args:
        config: the configuration in force in this session.
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, config: SearchConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self.config, self._objectives, self._limits = config, config.objectives, limits_of(config.limits or {})
        self.state = RunState()
        self.best: TrialRecord | None = None
        self._leaders: dict[str, tuple[TrialRecord, Result]] = {}
        self._clock = clock
        self._made = clock()
        self._began: float | None = None
        self._over_before = 0
        self._seconds_before = 0.0

    def take(self, event: Event, state: RunState) -> None:
        """Update the numbers after an event.

        Args:
            event: the event.
            state: the state of the run after the event.
        """
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
    def refused(self) -> int:
        """Architectures that limits refused before a trial, in all sessions."""
        return sum(tuple(self.state.refusals.values()))  # copied, since another thread adds to it

    @property
    def on_front(self) -> int:
        """The number of trials on the Pareto front, as `Run.pareto` computes it."""
        return len(pareto(self.state.trials.values(), self._objectives, self._limits))

    @property
    def elapsed(self) -> float:
        """Seconds since the display was made."""
        return self._clock() - self._made

    @property
    def share(self) -> float | None:
        """The share of the budget that is spent, 0 to 1; None without a budget."""
        shares = []
        if self.config.max_trials is not None:
            shares.append(self.over / self.config.max_trials)
        if self.config.max_seconds is not None:
            shares.append((self._seconds_before + self._active) / self.config.max_seconds)
        return min(1.0, max(shares)) if shares else None

    @property
    def left(self) -> float | None:
        """Seconds until the budget is spent, at the pace of this session; None before the first trial has ended."""
        left = []
        done = self.over - self._over_before
        if self.config.max_trials is not None and done:
            left.append((self.config.max_trials - self.over) * self._active / done)
        if self.config.max_seconds is not None:
            left.append(self.config.max_seconds - self._seconds_before - self._active)
        return max(0.0, min(left)) if left else None

    @property
    def _active(self) -> float:
        """Seconds since the first event; the start of the workers does not count."""
        return 0.0 if self._began is None else self._clock() - self._began

    def _begin(self, event: Event, state: RunState) -> None:
        self._began = self._clock()
        self._over_before = sum(state.counts.values()) - isinstance(event, Ended)
        self._seconds_before = state.active_seconds
        for trial in state.trials.values():
            self._compare(trial)

    def _compare(self, trial: TrialRecord) -> None:
        """Update the best trial: it is one of the best complete, the longest complete and the best stopped trial."""
        result = result_of(trial, self._objectives, self._limits)
        if result is None:
            return
        longest = self._leaders.get("longest")
        if result.complete and (longest is None or result.epochs > longest[1].epochs):
            self._leaders["longest"] = trial, result
        kind = "complete" if result.complete else "stopped"
        self._leaders[kind] = _first([(trial, result), self._leaders.get(kind, (trial, result))])
        self.best = _first(list(self._leaders.values()))[0]


def _first(leaders: list[tuple[TrialRecord, Result]]) -> tuple[TrialRecord, Result]:
    """The best trial; among equals the older one."""
    oldest_first = sorted(leaders, key=lambda leader: leader[0].number)
    return oldest_first[in_order([result for _, result in oldest_first], 1)[0]]
