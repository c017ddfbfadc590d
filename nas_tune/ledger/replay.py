"""The state of a run as a pure fold over its events: a live run and a replay use the same code.

`RunState.apply` accepts every event and is idempotent: the first terminal event of a trial counts, and an epoch that
was reported before is ignored. A result that arrives twice or late changes nothing.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from nas_tune.errors import LedgerDamagedError
from nas_tune.ledger.events import (
    Answered,
    Asked,
    BudgetChanged,
    Costed,
    Ended,
    Enqueued,
    Event,
    Found,
    Known,
    Lost,
    Measured,
    Noted,
    Paused,
    Promoted,
    Refused,
    Reported,
    Retried,
    SessionEnded,
    SessionStarted,
)

__all__ = ["Report", "RunState", "TrialRecord", "TrialState", "folding", "replay"]

TrialState = Literal["running", "lost", "paused", "complete", "pruned", "failed"]
_ACTIVE = frozenset({"running", "lost"})
_OVER = frozenset({"complete", "pruned", "failed"})


class Report(NamedTuple):
    """An epoch of a trial.

    Attributes:
        epoch: the epoch, from 1.
        metrics: the values by metric.
        seconds: how long the epoch took.
        time: when the driver received the report, in seconds since 1970.
        node: the machine that trained it.
    """

    epoch: int
    metrics: dict[str, float]
    seconds: float
    time: float
    node: str


@dataclass(slots=True)
class TrialRecord:
    """The state of one trial; after a retry, that of the last attempt.

    Attributes:
        number: of the trial.
        ask: the number of its proposal.
        asked: the proposed tree: the architecture, or the number of a search if the trial `searches`.
        asked_id: the canonical id of that tree.
        seed: of the training.
        started: when it was proposed, in seconds since 1970.
        searches: whether it searches for its architecture itself.
        found, found_id: the architecture that it found last, and its canonical id; None before.
        state: of the trial.
        value: of the leading metric: the final one, or that of the last report while it is paused.
        failure, message, traceback: of a failed trial; else None.
        ended: when it ended, in seconds since 1970; None before.
        lost: how often its worker or the driver died.
        worker_losses: how often its worker died.
        attempts: how often it began from scratch.
        reports: its epochs, in order.
        costs: what its architecture costs, by name; a measured value replaces a predicted one.
        predicted: those of them that were predicted, by name.
        devices: the fingerprint of the device of each measured cost, by name.
    """

    number: int
    ask: int
    asked: Any
    asked_id: str
    seed: int
    started: float
    searches: bool = False
    found: Any = None
    found_id: str | None = None
    state: TrialState = "running"
    value: float | None = None
    failure: str | None = None
    message: str | None = None
    traceback: str | None = None
    ended: float | None = None
    lost: int = 0
    worker_losses: int = 0
    attempts: int = 1
    reports: list[Report] = field(default_factory=list)
    costs: dict[str, float] = field(default_factory=dict)
    predicted: dict[str, float] = field(default_factory=dict)
    devices: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """The costs of the architecture and the metrics of the last report, by name."""
        return {**self.costs, **(self.reports[-1].metrics if self.reports else {})}

    @property
    def tree(self) -> Any:
        """The architecture as plain data; None while the trial still searches for it."""
        return self.found if self.searches else self.asked

    @property
    def architecture_id(self) -> str | None:
        """The canonical id of the architecture; None while the trial still searches for it."""
        return self.found_id if self.searches else self.asked_id

    @property
    def over(self) -> bool:
        """Whether the trial has its final state."""
        return self.state in _OVER

    @property
    def active(self) -> bool:
        """Whether it is neither over nor paused: it runs, or will run again."""
        return self.state in _ACTIVE

    @property
    def epochs(self) -> int:
        """The last epoch that was reported; 0 before the first."""
        return self.reports[-1].epoch if self.reports else 0


@dataclass(slots=True)
class RunState:
    """The state of a run.

    Attributes:
        trials: all trials by number.
        by_architecture: the number of the first trial of each proposed tree, by its canonical id.
        unfinished: the trials that are not over, by number.
        paused: those of them that wait for a promotion.
        counts: the number of trials in each final state.
        asks: the number of proposals so far, trials of warm starts included.
        answered: the number of proposals that were answered by an earlier trial.
        repeats: the trials that answered proposals since the last new trial.
        queue: the trees that wait to be tried, by canonical id, in order.
        known: the trials of warm starts.
        refused: the architectures that limits refused, as far as the ledger lists them, in order.
        audits: refusals by prediction whose architecture was measured nevertheless, each with the measured value.
        turned_away: the ids of the proposals that limits refused.
        refusals: the number of refused architectures by rung and quantity.
        sessions: how often a driver opened the run.
        active_seconds: the duration of all sessions together.
        notes: the notes for the user, each with its trial (-1 for the run).
        changes: the changed keys of the configuration.
        end_reason: the reason of the last session's end; None while one is open.
    """

    trials: dict[int, TrialRecord] = field(default_factory=dict)
    by_architecture: dict[str, int] = field(default_factory=dict)
    unfinished: dict[int, TrialRecord] = field(default_factory=dict)
    paused: dict[int, TrialRecord] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("complete", "pruned", "failed"), 0))
    asks: int = 0
    answered: int = 0
    repeats: list[int] = field(default_factory=list)
    queue: dict[str, Any] = field(default_factory=dict)
    known: list[Known] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    audits: list[tuple[Refused, float]] = field(default_factory=list)
    turned_away: set[str] = field(default_factory=set)
    refusals: Counter[tuple[str, str]] = field(default_factory=Counter)
    sessions: int = 0
    active_seconds: float = 0.0
    notes: list[tuple[int, str]] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    end_reason: str | None = None
    _last_time: float | None = None

    def apply(self, event: Event, time: float) -> None:
        """Take in an event.

        Args:
            event: the next event.
            time: when it happened, in seconds since 1970.
        """
        # Nearly all events are reports; a match would try every kind in turn.
        if type(event) is Reported:
            self._reported(event, time)
        else:
            self._other(event, time)
        if self._last_time is not None:
            self.active_seconds += max(0.0, time - self._last_time)
        self._last_time = time

    def _other(self, event: Event, time: float) -> None:
        match event:
            case Asked():
                self._asked(event, time)
            case Found():
                self._found(event)
            case Ended():
                self._ended(event, time)
            case Lost():
                self._lost(event)
            case Paused():
                self._paused(event)
            case Promoted():
                self._promoted(event)
            case Retried():
                self._retried(event)
            case Answered():
                self.asks = max(self.asks, event.ask + 1)
                self.answered += 1
                self.repeats.append(event.trial)
            case Enqueued() if event.id not in self.by_architecture:
                self.queue.setdefault(event.id, event.tree)
            case Known():
                self.asks += 1
                self.known.append(event)
            case Costed():
                self._costed(event)
            case Measured():
                self._audited(event)
            case Refused():
                self.refused.append(event)
                self.refusals[event.rung, event.quantity] += 1 + event.more
                if event.ask is not None:
                    self.asks = max(self.asks, event.ask + 1)
                    self.turned_away.add(event.id)
                    self.queue.pop(event.id, None)
            case Noted():
                self.notes.append((event.trial, event.text))
            case BudgetChanged():
                self.changes.update(event.changes)
                self._last_time = time
            case SessionStarted():
                self.sessions += 1
                self.end_reason = None
                self._last_time = time
            case SessionEnded():
                self.end_reason = event.reason

    def _asked(self, event: Asked, time: float) -> None:
        trial = TrialRecord(event.trial, event.ask, event.tree, event.id, event.seed, time, event.searches)
        self.trials[event.trial] = trial
        self.unfinished[event.trial] = trial
        self.by_architecture.setdefault(event.id, event.trial)
        self.queue.pop(event.id, None)
        self.repeats.clear()
        self.asks = max(self.asks, event.ask + 1)

    def _begun(self, number: int) -> TrialRecord:
        if number not in self.trials:
            raise LedgerDamagedError(
                f"events are missing from the ledger: trial {number} has an event, but none that begins it; the "
                "ledger was not changed; continue from its backup (--from-backup)"
            )
        return self.trials[number]

    def _reported(self, event: Reported, time: float) -> None:
        trial = self.trials.get(event.trial) or self._begun(event.trial)
        reports = trial.reports
        if trial.state not in _ACTIVE or (reports and event.epoch <= reports[-1].epoch):
            return
        trial.state = "running"
        reports.append(Report(event.epoch, event.metrics, event.seconds, time, event.node))

    def _audited(self, event: Measured) -> None:
        for refused in self.refused:
            if refused.id == event.id and refused.rung == "predicted" and refused.quantity in event.costs:
                self.audits.append((refused, event.costs[refused.quantity]))

    def _costed(self, event: Costed) -> None:
        trial = self._begun(event.trial)
        if event.rung == "predicted":
            trial.predicted.update(event.costs)
            trial.costs = {**event.costs, **trial.costs}
            return
        trial.costs.update(event.costs)
        if event.device:
            trial.devices.update(dict.fromkeys(event.costs, event.device))

    def _found(self, event: Found) -> None:
        trial = self._begun(event.trial)
        if trial.active:
            trial.found, trial.found_id = event.tree, event.id

    def _ended(self, event: Ended, time: float) -> None:
        trial = self._begun(event.trial)
        if trial.over:
            return
        trial.state = event.state  # type: ignore[assignment]
        trial.value, trial.failure = event.value, event.failure
        trial.message, trial.traceback = event.message, event.traceback
        trial.ended = time
        self.unfinished.pop(event.trial, None)
        self.paused.pop(event.trial, None)
        self.counts[event.state] += 1

    def _paused(self, event: Paused) -> None:
        trial = self._begun(event.trial)
        if not trial.active:
            return
        trial.state, trial.value = "paused", event.value
        self.paused[event.trial] = trial

    def _promoted(self, event: Promoted) -> None:
        if self.paused.pop(event.trial, None) is not None:
            trial = self.trials[event.trial]
            trial.state, trial.value = "running", None

    def _retried(self, event: Retried) -> None:
        trial = self._begun(event.trial)
        self.asks = max(self.asks, event.ask + 1)
        if trial.state != "failed":
            return
        self.counts["failed"] -= 1
        self.unfinished[event.trial] = trial
        trial.ask, trial.attempts = event.ask, trial.attempts + 1
        # It waits for a worker, as a trial whose worker died, and then begins from scratch.
        trial.state, trial.worker_losses = "lost", 0
        trial.failure = trial.message = trial.traceback = trial.ended = None
        trial.found = trial.found_id = None
        trial.reports.clear()

    def _lost(self, event: Lost) -> None:
        trial = self._begun(event.trial)
        if not trial.active:
            return
        trial.state = "lost"
        trial.lost += 1
        trial.worker_losses += event.worker


@contextmanager
def folding() -> Iterator[None]:
    """Turn Python's garbage collector off for a block that folds many events.

    A fold keeps all objects that it makes, and the collector would traverse them again and again.

    Yields:
        Nothing; afterwards the collector is on again if it was before.
    """
    waits = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if waits:
            gc.enable()


def replay(events: Iterable[tuple[Event, float]]) -> RunState:
    """Fold events into the state of the run.

    Args:
        events: (event, time in seconds since 1970) pairs, in the ledger's order.

    Returns:
        The state.
    """
    state = RunState()
    with folding():
        for event, time in events:
            state.apply(event, time)
    return state
