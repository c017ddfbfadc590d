"""The executor in this process: it runs one trial after another, at a cost of about a millisecond a trial."""

from __future__ import annotations

import socket

from nas_tune.coordination.coordinator import Coordinator
from nas_tune.executors.base import LocalExecutor
from nas_tune.executors.job import Job, advance

__all__ = ["InlineExecutor"]


class InlineExecutor(LocalExecutor):
    """Runs trials in the calling thread, all on one trainable.

    Args:
        job: what the trials run.
    """

    clock = None

    def __init__(self, job: Job) -> None:
        self._job = job

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more.

        Args:
            coordinator: assigns the trials and takes their reports.
        """
        job = self._job
        trainable = job.trainable()
        node = socket.gethostname()
        while (assignment := coordinator.ask()) is not None:
            left = coordinator.seconds_left
            session = job.session(
                trainable, assignment.trial, assignment.architecture, assignment.seed, seconds_left=left
            )
            while coordinator.report(assignment.trial, advance(session), node):
                pass
