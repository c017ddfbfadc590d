"""The port of an executor: it is entered before anything is written, and then runs a coordinator's trials."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from nas_tune.coordination.coordinator import Coordinator
from nas_tune.executors.clock import VirtualClock

__all__ = ["Executor", "LocalExecutor"]


class Executor(AbstractContextManager["Executor"], Protocol):
    """A place to run the trials of one job.

    Entering it takes the resources. It raises `InfeasibleError` where they are not there.
    """

    def __enter__(self) -> Self:
        """Take the resources."""

    @property
    def clock(self) -> VirtualClock | None:
        """The clock of an executor in virtual time; None where time is real."""

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more.

        Args:
            coordinator: assigns the trials and takes their reports.
        """


class LocalExecutor:
    """The context manager of executors that take no resources outside this process."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
