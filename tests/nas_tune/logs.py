"""Runs in memory and virtual time, which can be cut after any transaction and gone on with."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import search_spaces
from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.proposer import Proposer
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.job import Job
from nas_tune.executors.simulated import SimulatedExecutor
from nas_tune.ledger import Event, MemoryLedger
from nas_tune.schedulers import make as make_scheduler
from nas_tune.strategies import make as make_strategy
from search_spaces import Architecture
from tests import toys

__all__ = ["EPOCHS", "Log", "opened", "run"]

EPOCHS = 9
TRIALS = 21
SETTINGS = {"evolution": {"population": 6, "sample": 2}, "tpe": {"startup": 6}}


def training(architecture: Architecture) -> Iterator[dict[str, float]]:
    """Its epochs cost what has nothing to do with its quality."""
    rng = random.Random(architecture.id)
    for number in range(1, EPOCHS + 1):
        value = toys.quality(architecture) * (1 - 0.7**number) + 0.05 * rng.random()
        yield {"accuracy": value, "cost_seconds": 1 + 9 * rng.random()}


class Log(MemoryLedger):
    """Remembers where its transactions ended."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0)
        self.ends: list[int] = []

    def append(self, *events: Event) -> float:
        when = super().append(*events)
        self.ends.append(len(self._events))
        return when

    def cut(self, at: int) -> Log:
        log = Log()
        log.append(*(event for event, _ in self._events[:at]))
        return log


def opened(log: Log, strategy: str = "random", scheduler: str = "asha", **more: Any) -> Coordinator:
    space, seed = search_spaces.get("nb201"), more.pop("seed", 5)
    return Coordinator(
        log,
        space=space,
        proposer=Proposer(
            space,
            lambda asked: make_strategy(strategy, space, asked, SETTINGS.get(strategy)),
            seed=seed,
            mode="max",
            metric="accuracy",
        ),
        scheduler=make_scheduler(scheduler, EPOCHS),
        objective=Objective("accuracy", "max"),
        budget=Budget(more.pop("trials", TRIALS), None, EPOCHS),
        seed=seed,
        **{"batch": 8, **more},
    )


def run(coordinator: Coordinator, workers: int, trained: Any = training) -> Coordinator:
    SimulatedExecutor(Job(trained, {}, Path(), EPOCHS), workers, VirtualClock()).run(coordinator)
    coordinator.close()
    return coordinator
