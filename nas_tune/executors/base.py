"""The port of an executor: it is entered before anything is written, and then runs a coordinator's trials."""

from __future__ import annotations

from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from nas_tune.coordination.coordinator import Coordinator
from nas_tune.executors.clock import VirtualClock

__all__ = ["Executor", "InThisProcess"]


class Executor(AbstractContextManager["Executor"], Protocol):
    """Somewhere to run the trials of one job; entering it takes the resources, or raises `InfeasibleError`."""

    def __enter__(self) -> Self:
        """Take the resources."""

    @property
    def clock(self) -> VirtualClock | None:
        """By which time passes where it is virtual, else None."""

    def run(self, coordinator: Coordinator) -> None:
        """Run trials until the coordinator has no more."""


class InThisProcess:
    """What executors have in common that take no resources, and so have none to give back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
