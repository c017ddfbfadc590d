"""Jobs, and the two executors without processes, with a coordinator that is made up: who trains what, and when."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nas_tune.coordination.coordinator import Assignment
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.inline import InlineExecutor
from nas_tune.executors.job import Job, advance, trial_folder
from nas_tune.executors.simulated import SimulatedExecutor
from search_spaces import Architecture
from tests.toys import Climber, tiny_space

SPACE = tiny_space()


def test_a_trial_has_a_folder_by_its_number() -> None:
    assert trial_folder(Path("run"), 7) == Path("run/trials/000007")
    assert trial_folder(Path("run"), 1234567) == Path("run/trials/1234567")


class Sharing(Climber):
    """Shares what it has loaded."""

    def load_shared(self) -> str:
        return "shared"

    def take_shared(self, shared: object) -> None:
        self.taken = shared


def test_what_trials_share_is_loaded_once_and_taken(tmp_path: Path) -> None:
    job = Job(Sharing, {}, tmp_path, 2)
    assert job.load_shared() == "shared"
    made: Any = job.trainable("theirs")
    assert made.taken == "theirs"
    assert not hasattr(job.trainable(), "taken")
    plain = Job(Climber, {}, tmp_path, 2)
    assert plain.load_shared() is None
    assert isinstance(plain.trainable("theirs"), Climber)


def test_a_training_that_leaves_the_process_is_a_failure_of_its_trial() -> None:
    def leave() -> None:
        raise SystemExit(3)

    outcome = advance(SimpleNamespace(advance=leave))  # type: ignore[arg-type]
    assert (outcome.epoch, dict(outcome.metrics), outcome.finished) == (0, {}, True)
    assert outcome.failure is not None
    assert outcome.failure.kind == "error"
    assert outcome.failure.message == "the training left with sys.exit(3); raise an exception instead"
    assert "SystemExit: 3" in str(outcome.failure.traceback)


def costly(architecture: Architecture, seed: int, max_epochs: int) -> Iterator[dict[str, float]]:
    """An epoch costs as many seconds as the seed says."""
    for epoch in range(max_epochs):
        yield {"accuracy": 0.5 + epoch / 10, "cost_seconds": float(seed)}


class Coordinator:
    """Gives trials with these seeds, and keeps the reports; each trial goes on until it is finished."""

    def __init__(self, *seeds: int, clock: VirtualClock | None = None, seconds: float = float("inf")) -> None:
        self._left = [Assignment(number, SPACE.sample(number), seed) for number, seed in enumerate(seeds)]
        self.seconds_left, self._clock = seconds, clock
        self.reports: list[tuple[object, ...]] = []
        self.stopped: list[str] = []
        self.stop = self.stopped.append

    def ask(self) -> Assignment | None:
        return self._left.pop(0) if self._left else None

    def report(self, trial: int, outcome: Any, node: str) -> bool:
        now = None if self._clock is None else self._clock()
        self.reports.append((trial, outcome.epoch, node, now, outcome.seconds))
        return not outcome.finished


def test_the_inline_executor_trains_one_trial_after_another(tmp_path: Path) -> None:
    coordinator = Coordinator(3, 1)
    InlineExecutor(Job(costly, {}, tmp_path, 2)).run(coordinator)  # type: ignore[arg-type]
    assert [(trial, epoch) for trial, epoch, *_ in coordinator.reports] == [(0, 1), (0, 2), (1, 1), (1, 2)]
    assert {node for _, _, node, _, _ in coordinator.reports} == {socket.gethostname()}


@pytest.mark.parametrize(
    ("workers", "order"),
    [
        (1, [(0, 1, 3.0), (0, 2, 6.0), (1, 1, 7.0), (1, 2, 8.0), (2, 1, 9.0), (2, 2, 10.0)]),
        (2, [(1, 1, 1.0), (1, 2, 2.0), (0, 1, 3.0), (2, 1, 3.0), (2, 2, 4.0), (0, 2, 6.0)]),
    ],
)
def test_simulated_workers_report_in_the_order_of_their_time(
    workers: int, order: list[tuple[int, int, float]], tmp_path: Path
) -> None:
    clock = VirtualClock()
    coordinator = Coordinator(3, 1, 1, clock=clock)
    SimulatedExecutor(Job(costly, {}, tmp_path, 2), workers, clock).run(coordinator)  # type: ignore[arg-type]
    assert [(trial, epoch, now) for trial, epoch, _, now, _ in coordinator.reports] == order
    assert {node for _, _, node, _, _ in coordinator.reports} == {"simulated"}
    assert [seconds for trial, _, _, _, seconds in coordinator.reports if trial == 0] == [3.0, 3.0]
    assert coordinator.stopped == []


@pytest.mark.parametrize(("seconds", "reports", "stopped"), [(2.0, 2, False), (1.99, 1, True), (0.5, 0, True)])
def test_virtual_time_ends_with_its_budget(seconds: float, reports: int, stopped: bool, tmp_path: Path) -> None:
    clock = VirtualClock(100.0)
    coordinator = Coordinator(1, clock=clock, seconds=seconds)
    SimulatedExecutor(Job(costly, {}, tmp_path, 2), 1, clock).run(coordinator)  # type: ignore[arg-type]
    assert len(coordinator.reports) == reports
    assert coordinator.stopped == (["time"] if stopped else [])
    assert clock() == 100.0 + (seconds if stopped else 2.0)


def test_epochs_that_are_known_are_not_paid_again(tmp_path: Path) -> None:
    clock = VirtualClock()
    coordinator = Coordinator(5, clock=clock)
    coordinator._left = [Assignment(0, SPACE.sample(0), 5, epochs=2)]
    SimulatedExecutor(Job(costly, {}, tmp_path, 4), 1, clock).run(coordinator)  # type: ignore[arg-type]
    assert [(epoch, now) for _, epoch, _, now, _ in coordinator.reports] == [(3, 5.0), (4, 10.0)]
