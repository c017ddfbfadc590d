"""The executor in this process: one trial after another, a millisecond each where the training takes none."""

from __future__ import annotations

import socket

from nas_tune.coordination.coordinator import Coordinator
from nas_tune.executors.base import InThisProcess
from nas_tune.executors.job import Job, advanced

__all__ = ["InlineExecutor"]


class InlineExecutor(InThisProcess):
    """Runs trials in the calling thread; one trainable serves them all."""

    clock = None

    def __init__(self, job: Job) -> None:
        self._job = job

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more."""
        job = self._job
        trainable = job.trainable()
        node = socket.gethostname()
        while (assignment := coordinator.ask()) is not None:
            left = coordinator.seconds_left
            session = job.session(
                trainable, assignment.trial, assignment.architecture, assignment.seed, seconds_left=left
            )
            while coordinator.report(assignment.trial, advanced(session), node):
                pass
