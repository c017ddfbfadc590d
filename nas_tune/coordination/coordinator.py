"""The coordinator of a run: it asks the strategy, takes reports, stops and promotes trials, and writes the ledger.

An executor drives it through four calls: `ask` for the next trial, `report` for the outcome of an epoch, `lost` for a
dead worker, and `failed` for a trial that cannot continue. Each call writes its events in one transaction and only then
changes the state, so a kill between any two lines leaves a ledger from which another `Coordinator` continues.
With batches, the coordinator asks the strategy for a whole batch of trials at once, and for the next batch when all of
them are over or paused. It is not thread-safe: one thread calls it.
"""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nas_tune.coordination.gate import Gate
from nas_tune.coordination.interrupts import Interrupts
from nas_tune.coordination.observers import Audience
from nas_tune.coordination.outcomes import Outcomes
from nas_tune.coordination.proposer import Proposal, Proposer, derive_seed
from nas_tune.coordination.refusals import not_tried
from nas_tune.ledger import (
    Answered,
    Asked,
    Ended,
    Event,
    EventLog,
    Lost,
    Noted,
    Paused,
    Promoted,
    Refused,
    Reported,
    Retried,
    RunState,
    SessionEnded,
    TrialRecord,
)
from nas_tune.objectives.limits import Limit, scores_within, violation
from nas_tune.objectives.objective import Objective, scores_of
from nas_tune.schedulers import Batched, Scheduler, Verdict, verdict_of
from nas_tune.strategies.architecture_sampler import Exhausted
from nas_tune.strategies.unseen import Unseen
from search_spaces import Architecture, Space
from trainables.metrics import Metric
from trainables.trial.bounds import LONGEST_MESSAGE, LONGEST_NOTE, LONGEST_TRACE, cut, writable
from trainables.trial.session import Outcome

__all__ = ["Assignment", "Budget", "Coordinator", "Objective"]

_ASKS_BEFORE_CHOOSING = 20
_REFUSED_IN_A_ROW = 500
_FAILURES_AT_START = 5
_SPENT = frozenset({"done", "exhausted", "time"})
_STOPS_ALL = frozenset({"time", "failed", "interrupted"})
_OF_THE_ARCHITECTURE = frozenset({"diverged", "constraint"})
"""Failures that another architecture may not have."""


@dataclass(frozen=True, slots=True)
class Budget:
    """When the whole run ends. All numbers are totals over the sessions of the run.

    Attributes:
        max_trials: the most trials; None sets no limit.
        max_seconds: the most seconds of all sessions together; None sets no limit.
        max_epochs: the length of a full training, in epochs.
        max_retries: how often the worker of one trial may die.
    """

    max_trials: int | None
    max_seconds: float | None
    max_epochs: int
    max_retries: int = 3


@dataclass(frozen=True, slots=True)
class Assignment:
    """A trial for an executor to run.

    Attributes:
        trial: the number of the trial.
        architecture: what to train.
        seed: of the training.
        epochs: how many of its first epochs the ledger has already.
    """

    trial: int
    architecture: Architecture
    seed: int
    epochs: int = 0


class Coordinator:
    """One session of a run, from its ledger.

    Args:
        ledger: open for writing; its events are replayed into the state, the strategy and the scheduler.
        space: of the architectures.
        proposer: the strategy with its study.
        scheduler: stops, pauses and promotes trials.
        objective: what is optimized. Of several the first leads: its value is the value of a trial.
        budget: when the whole run ends.
        declared: the declarations of the metrics. A trial whose objective leaves its interval fails, because it would
            win by a mistake; another metric that does is noted once.
        seed: of the run.
        at_end: whether only the last report of a training needs the metrics of the objectives.
        searches: whether each trial searches for its architecture itself, as in a supernet.
        limits: on costs and reported metrics; a trial that breaks one ranks behind all others.
        gate: judges proposals by their costs; None without limits and objectives that are costs.
        batch: trials to ask for at once, so that the result does not depend on the speed of workers; None asks whenever
            a worker is free.
        audience: the observers of the run; None for none.
        interrupts: holds signals back while an event is written and applied; executors shield their blocks with it.
        clock: the time in seconds, monotonic.
    """

    def __init__(
        self,
        ledger: EventLog,
        *,
        space: Space,
        proposer: Proposer,
        scheduler: Scheduler,
        objective: Objective | Sequence[Objective],
        budget: Budget,
        seed: int,
        declared: Sequence[Metric] = (),
        at_end: bool = False,
        searches: bool = False,
        limits: Sequence[Limit] = (),
        gate: Gate | None = None,
        batch: int | None = None,
        audience: Audience | None = None,
        interrupts: Interrupts | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = RunState()
        self.objectives = (objective,) if isinstance(objective, Objective) else tuple(objective)
        self.budget = budget
        self.stopping: str | None = None
        self._ledger, self._space, self._proposer = ledger, space, proposer
        self._batch, self._batched = batch, None if batch is None else Batched(scheduler)
        self._scheduler = self._batched or scheduler
        self._seed, self._searches = seed, searches
        self._audience = audience or Audience(())
        self.interrupts, self._clock = interrupts or Interrupts(), clock
        self._limits, self._gate = tuple(limits), gate
        self._unseen = Unseen(space if gate is None else gate.space(space))
        self._why = ""
        self._failed_now: list[TrialRecord] = []
        self._outcomes = Outcomes(self.objectives, at_end=at_end, declared=declared)
        self._cut: set[int] = set()
        self._replay()
        self._cost_earlier()
        self._exhausted = False
        self._started = clock()
        self._seconds_before = self.state.active_seconds
        self._go_on_after_time()
        self._waiting = deque(sorted(self.state.unfinished.keys() - self.state.paused.keys()))

    @property
    def seconds_left(self) -> float:
        """The seconds that are left of the run's `max_seconds`; infinite without a limit."""
        if self.budget.max_seconds is None:
            return math.inf
        return self.budget.max_seconds - (self._seconds_before + self._clock() - self._started)

    def ask(self) -> Assignment | None:
        """Choose the next trial: one that an earlier session left unfinished, else a promoted one, else a new one.

        Returns:
            The trial; None when there is none. If `stopping` is then set, there will be no more trials. If it is None,
            a
            running trial may promote a paused one: ask again after the next report.
        """
        self._check_time()
        if self.stopping is None and self._batched is not None:
            self._grow(self._batched)
        if self.stopping is not None:
            return None
        if self._waiting:
            return self._assignment(self.state.trials[self._waiting.popleft()])
        assignment = None if self._batched is not None else self._next()
        if assignment is None:
            self._no_more("done" if self._spent() else "exhausted")
        return assignment

    def report(self, trial: int, outcome: Outcome, node: str = "") -> bool:
        """Take in the outcome of an epoch.

        Args:
            trial: the number of the trial.
            outcome: of the epoch.
            node: the node on which the epoch ran.

        Returns:
            Whether the trial continues.
        """
        record = self.state.trials[trial]
        if not record.active:
            return False
        outcome = self._with_costs(record, outcome)
        events = self._outcomes.events(record, outcome, node, self._judge)
        if events:
            self._commit(*events)
        if self._batched is None:
            self._check_start()
        self._check_time()
        if outcome.out_of_time and self.stopping not in _STOPS_ALL:
            # The worker's clock is a moment ahead of the driver's.
            self.stopping = "time"
        return record.active and self.stopping not in _STOPS_ALL

    def lost(self, trial: int, reason: str) -> bool:
        """Take in that a worker died during a trial.

        Args:
            trial: the number of the trial.
            reason: why the worker died.

        Returns:
            Whether the trial gets another worker. False where it has ended, or fails now because it lost more than
            `max_retries`
            workers.
        """
        record = self.state.trials[trial]
        if not record.active:
            return False
        if record.worker_losses >= self.budget.max_retries:
            self.failed(trial, "error", f"its worker died {record.worker_losses + 1} times, at last: {reason}")
            return False
        self._commit(Lost(trial, cut(writable(reason), LONGEST_MESSAGE), worker=True))
        return True

    def failed(self, trial: int, kind: str, message: str, traceback: str = "") -> None:
        """Mark a trial as failed, for a reason that its executor gives.

        Args:
            trial: the number of the trial.
            kind: the kind of the failure, such as "error".
            message: the reason.
            traceback: of the exception; empty without one.
        """
        if self.state.trials[trial].active:
            said = cut(writable(message), LONGEST_MESSAGE)
            self._commit(Ended(trial, "failed", None, kind, said, cut(writable(traceback), LONGEST_TRACE) or None))
            if self._batched is None:
                self._check_start()

    def note(self, text: str, trial: int = -1) -> None:
        """Keep a note for the user in the ledger.

        Args:
            text: the note.
            trial: the number of the trial; -1 for a note on the whole run.
        """
        self._commit(Noted(trial, cut(writable(text), LONGEST_NOTE)))

    def stop(self, reason: str) -> None:
        """Ask for no more trials, and stop every trial at its next report.

        Args:
            reason: why the session ends, such as "time" or "interrupted".
        """
        self.stopping = reason

    def close(self, message: str = "") -> None:
        """End the session. Trials that still run are marked lost, and continue in the next session.

        Where the time is up, a trial that has a value is paused instead: the value of its last whole epoch counts.
        Trials that the scheduler paused wait for the next session. If the budget is spent, they end as pruned.

        Args:
            message: of the error that ended the session; empty without one.
        """
        reason = self.stopping or "interrupted"
        why = f"the session ended ({reason})"
        out_of_time = self._cut_by_time() if reason == "time" else []
        cut_now = {event.trial for event in out_of_time}
        lost = []
        for trial, record in self.state.unfinished.items():
            if record.state == "running" and trial not in cut_now:
                lost.append(Lost(trial, why))
        pruned = self._pruned() if reason in _SPENT else []
        self._commit(*lost, *pruned, *out_of_time, SessionEnded(reason, message))
        self._audience.close()
        for text in self._audience.left_out():
            self.note(text)

    def first_cause(self) -> TrialRecord | None:
        """Find the first failed trial of this session.

        Returns:
            Its record; None where no trial failed.
        """
        return self._failed_now[0] if self._failed_now else None

    def _replay(self) -> None:
        for event, when in self._ledger.events():
            self._apply(event, when)
            if isinstance(event, Reported):
                self._judge(event, known=True)
        self._failed_now.clear()

    def _cost_earlier(self) -> None:
        """Find the costs that earlier sessions did not need, as a limit may be new."""
        gate = self._gate
        if gate is None or self._searches:
            return
        for record in self.state.trials.values():
            architecture = self._space.validate(record.asked)
            measured = gate.missing(record.costs, architecture)
            is_missing = measured or any(name not in record.costs for name in gate.names)
            if is_missing and (costs := gate.costs_of_trial(record.number, architecture)):
                self._commit(*measured, *costs)

    def _with_costs(self, record: TrialRecord, outcome: Outcome) -> Outcome:
        """Add the objectives that are costs to a report that does not have them."""
        costs = {}
        for one in self.objectives:
            if one.metric in record.costs and one.metric not in outcome.metrics:
                costs[one.metric] = record.costs[one.metric]
        return replace(outcome, metrics={**outcome.metrics, **costs}) if costs and outcome.metrics else outcome

    def _next(self) -> Assignment | None:
        """A promoted trial, else a new one; None where there is neither."""
        promoted = self._scheduler.next_promotion()
        if promoted is not None:
            self._commit(Promoted(promoted))
            return self._assignment(self.state.trials[promoted])
        proposal = None if self._spent() or self._exhausted else self._propose_unseen()
        if proposal is None:
            self._exhausted = not self._spent()
            return None
        return self._begin(proposal)

    def _grow(self, batched: Batched) -> None:
        """Ask for the next batch if no trial of the last one runs; after a kill within a batch, for the rest of it."""
        at_work = len(self.state.unfinished) - len(self.state.paused) - len(self._waiting)
        if at_work or (self._waiting and not batched.growing):
            return
        self._check_start()
        batched.fold()
        while self.stopping is None and batched.growing < (self._batch or 0):
            begun = self._next()
            if begun is None:
                break
            self._waiting.append(begun.trial)

    def _no_more(self, reason: str) -> None:
        """Stop, since no trial is ready, unless a running trial may promote a paused one or belongs to a batch."""
        running = len(self.state.unfinished) - len(self.state.paused)
        if not (running and (self._scheduler.pauses or self._batched)):
            self.stopping = reason
            self._tell_why()

    def _tell_why(self) -> None:
        """Note why a search has no more architectures, and after how many trials."""
        trials, asked = len(self.state.trials), self.budget.max_trials
        said = f"ended after {trials}{f' of {asked}' if asked is not None else ''} trials: {self._why}"
        if self.stopping == "exhausted" and self._why and (-1, said) not in self.state.notes:
            self.note(said)

    def _cut_by_time(self) -> list[Paused]:
        """Pause each unfinished trial that has a value; it continues in a session with more time."""
        metric = self.objectives[0].metric
        found = []
        for trial, record in self.state.unfinished.items():
            value = record.reports[-1].metrics.get(metric) if record.active and record.reports else None
            if value is not None and math.isfinite(value):
                found.append(Paused(trial, value))
        return found

    def _go_on_after_time(self) -> None:
        """Continue the trials that the end of the time paused, not the scheduler."""
        if self._cut and self.seconds_left > 0:
            self._commit(*(Promoted(trial) for trial in sorted(self._cut)))

    def _pruned(self) -> list[Ended]:
        """The ends of the trials that the scheduler paused; those that the time paused wait for a session with more."""
        paused = self.state.paused.items()
        return [Ended(trial, "pruned", record.value) for trial, record in paused if trial not in self._cut]

    def _commit(self, *events: Event) -> None:
        with self.interrupts.shield():
            when = self._ledger.append(*events)
            for event in events:
                self._apply(event, when)
        self._audience.on_events(events, self.state, when)
        for text in self._audience.left_out():
            self.note(text)

    def _apply(self, event: Event, when: float) -> None:
        self.state.apply(event, when)
        record = self.state.trials.get(getattr(event, "trial", -1))
        if isinstance(event, Reported):
            self._outcomes.learn(event.metrics)
        self._proposer.apply(event, record)
        if self._gate is not None:
            self._gate.apply(event)
        if isinstance(event, Asked) and self._batched is not None:
            self._batched.began(event.trial)
        if isinstance(event, SessionEnded) and event.reason == "time":
            self._cut = set(self.state.paused)
        if isinstance(event, Promoted) and event.trial in self._cut:
            self._cut.discard(event.trial)
        elif isinstance(event, Promoted):
            self._scheduler.promoted(event.trial)
        if isinstance(event, Retried) and self._batched is not None:
            self._batched.again(event.trial)
        if isinstance(event, Ended) and record is not None:
            self._scheduler.forget(event.trial)
            if event.state == "failed":
                self._failed_now.append(record)

    def _judge(self, report: Reported, *, known: bool = False) -> Verdict:
        """The scheduler's verdict on a report; `known` where the ledger has the report already."""
        scores = scores_of(report.metrics, self.objectives)
        if scores is None:
            return Verdict.GO_ON
        if self._limits:
            values = {**self.state.trials[report.trial].costs, **report.metrics}
            # A limit on what is not known yet, such as a metric of the last epoch, stops no trial.
            judged = [one for one in self._limits if one.name in values]
            scores = scores_within(scores, violation(values, judged))
        score = scores if len(scores) > 1 else scores[0]
        if known and self._batched is not None:
            self._batched.learn(report.trial, report.epoch, score)
            return Verdict.GO_ON
        return verdict_of(self._scheduler, report.trial, report.epoch, score)

    def _begin(self, proposal: Proposal) -> Assignment:
        trial = len(self.state.trials)
        architecture = proposal.architecture
        seed = derive_seed(self._seed, 1, trial)
        asked = Asked(trial, proposal.ask, architecture.tree, architecture.id, seed, self._searches)
        events: list[Event] = [asked]
        if proposal.note:
            events.append(Noted(trial, proposal.note))
        if self._gate is not None and not self._searches:
            events += [*self._gate.drained(), *self._gate.costs_of_trial(trial, architecture)]
        self._commit(*events)
        return Assignment(trial, architecture if self._gate is None else self._space.validate(architecture), seed)

    def _assignment(self, record: TrialRecord) -> Assignment:
        return Assignment(record.number, self._space.validate(record.asked), record.seed, record.epochs)

    def _propose_unseen(self) -> Proposal | None:
        """An architecture that no trial has; None when the space or the strategy seems to have no more.

        Enqueued architectures come first. The ledger counts the repeats, so that a resume continues the count.
        """
        refused = 0
        if self._gate is not None and not self._searches and (begun := self._gate.begun()):
            self._commit(*begun)
        while refused < _REFUSED_IN_A_ROW:
            was_queued = bool(self.state.queue)
            proposal = self._queued() if was_queued else self._unrepeated()
            if proposal is None:
                return None
            judged = self._judged(proposal)
            if was_queued:
                judged = [*(Noted(-1, not_tried(one)) for one in judged if isinstance(one, Refused)), *judged]
            if judged:
                self._commit(*judged)
            if not judged or not isinstance(judged[-1], Refused):
                return proposal
            refused += 1
        nearest = self._gate.nearest() if self._gate is not None else ""
        self._why = f"the limits refused {refused} proposals in a row{nearest and f'; {nearest}'}"
        return None

    def _queued(self) -> Proposal:
        return self._proposer.propose_instead(self._space.validate(next(iter(self.state.queue.values()))))

    def _judged(self, proposal: Proposal) -> list[Event]:
        if self._gate is None or self._searches:
            return []
        return self._gate.judged(proposal.architecture, proposal.ask)

    def _unrepeated(self) -> Proposal | None:
        while len(self.state.repeats) < _ASKS_BEFORE_CHOOSING:
            try:
                proposal = self._proposer.propose()
            except Exhausted as reason:
                self._why = str(reason)
                return None
            original = self.state.by_architecture.get(proposal.architecture.id)
            if original is None:
                return proposal
            notes = [Noted(-1, proposal.note)] if proposal.note else []
            self._commit(Answered(original, proposal.ask, proposal.architecture.tree), *notes)
        unseen = self._choose_unseen()
        return None if unseen is None else self._proposer.propose_instead(unseen)

    def _choose_unseen(self) -> Architecture | None:
        rng = random.Random(derive_seed(self._seed, 2, self.state.asks))
        start = self._space.validate(self.state.trials[self.state.repeats[-1]].asked)
        known = (self._space.validate(trial.asked) for trial in self.state.trials.values())
        seen = self.state.by_architecture.keys() | self.state.turned_away
        found = self._unseen.find(start, seen, rng, known)
        self._why = self._unseen.reason
        return found

    def _spent(self) -> bool:
        return self.budget.max_trials is not None and len(self.state.trials) >= self.budget.max_trials

    def _check_time(self) -> None:
        if self.stopping not in _STOPS_ALL and self.seconds_left <= 0:
            self.stopping = "time"

    def _check_start(self) -> None:
        """Stop if all trials fail from the start: they have one cause, and more trials would fail too."""
        useful = self.state.counts["complete"] + self.state.counts["pruned"] + len(self.state.paused)
        hopeless = [record for record in self._failed_now if record.failure not in _OF_THE_ARCHITECTURE]
        if not useful and len(hopeless) >= _FAILURES_AT_START:
            self.stopping = "failed"
