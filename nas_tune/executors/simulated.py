"""The executor in virtual time: each epoch reports what it would have cost, on any number of simulated workers.

A trainable reports the seconds of an epoch as the metric `cost_seconds`. The next event is always the one that would
have happened first: schedulers and strategies see trials finish in the order of a real run, and `max_seconds` is a
budget of virtual seconds. An epoch that would have ended after the budget is not reported. A trial that continues
(promoted, or resumed) does not pay again for the epochs that are known.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterator
from dataclasses import replace

from nas_tune.coordination.coordinator import Assignment, Coordinator
from nas_tune.executors.base import LocalExecutor
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.job import Job
from trainables.protocol import Trainable
from trainables.trial.session import Outcome, TrialSession

__all__ = ["COST", "SimulatedExecutor"]

COST = "cost_seconds"
"""The metric with the seconds that an epoch would have taken."""
_NODE = "simulated"

_Upcoming = tuple[float, int, int, TrialSession, Trainable, Outcome]
"""The end of an epoch: its time in seconds, its place among equal times, trial, session, trainable, result."""


class SimulatedExecutor(LocalExecutor):
    """Runs trials on simulated workers, and advances the clock by the seconds that their epochs report.

    Args:
        job: what the trials run.
        workers: the number of simulated workers.
        clock: virtual time, in seconds.
    """

    def __init__(self, job: Job, workers: int, clock: VirtualClock) -> None:
        self._job, self._workers = job, workers
        self.clock = clock

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more, or virtual time is up.

        Args:
            coordinator: assigns the trials and takes their reports.
        """
        deadline = self.clock() + coordinator.seconds_left
        order = itertools.count()
        # Several trials are open at once, so each worker has its trainable.
        idle = [self._job.trainable() for _ in range(self._workers)]
        running: list[_Upcoming] = []
        while True:
            for assignment, session, trainable in self._begin(coordinator, idle):
                begun = self._next(assignment.trial, session, trainable, next(order), assignment.epochs)
                heapq.heappush(running, begun)
            if not running or running[0][0] > deadline:
                break
            self.clock.now, _, trial, session, trainable, outcome = heapq.heappop(running)
            if coordinator.report(trial, outcome, _NODE):
                heapq.heappush(running, self._next(trial, session, trainable, next(order)))
            else:
                idle.append(trainable)
        if running:
            self.clock.now = deadline
            coordinator.stop("time")

    def _begin(
        self, coordinator: Coordinator, idle: list[Trainable]
    ) -> Iterator[tuple[Assignment, TrialSession, Trainable]]:
        while idle and (assignment := coordinator.ask()) is not None:
            trainable = idle.pop()
            session = self._job.session(trainable, assignment.trial, assignment.architecture, assignment.seed)
            yield assignment, session, trainable

    def _next(self, trial: int, session: TrialSession, trainable: Trainable, order: int, known: int = 0) -> _Upcoming:
        outcome = session.advance()
        while outcome.metrics and outcome.epoch <= known and not outcome.finished:
            outcome = session.advance()
        cost = outcome.metrics.get(COST, 0.0)
        return self.clock() + cost, order, trial, session, trainable, replace(outcome, seconds=cost)
