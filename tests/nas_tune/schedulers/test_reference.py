"""Rung traces of real searches in virtual time equal those of an independent simulation."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import search_spaces
from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.observers import Audience
from nas_tune.coordination.proposer import Proposer
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.job import Job
from nas_tune.executors.simulated import SimulatedExecutor
from nas_tune.ledger import Ended, Event, MemoryLedger, Paused, Reported, RunState
from nas_tune.schedulers import Hyperband, make
from nas_tune.strategies import make as make_strategy
from search_spaces import Architecture
from tests.nas_tune.schedulers.reference import Reference, Trace

EPOCHS = 27


def score(architecture: Architecture, epoch: int) -> float:
    rng = random.Random(f"{architecture.id} {epoch}")
    return len(architecture.to_json()) / 100 * (1 - 0.7**epoch) + 0.2 * rng.random()


def told(architecture: Architecture, epoch: int, objectives: tuple[Objective, ...]) -> float | tuple[float, float]:
    """What the scheduler is told of an epoch."""
    accuracy = score(architecture, epoch)
    return accuracy if len(objectives) == 1 else (accuracy, -float(len(architecture.to_json())))


def cost(architecture: Architecture, epoch: int) -> float:
    return 1.0 + random.Random(f"cost {architecture.id} {epoch}").random()


def training(architecture: Architecture) -> Iterator[dict[str, float]]:
    for epoch in range(1, EPOCHS + 1):
        size = float(len(architecture.to_json()))
        yield {"accuracy": score(architecture, epoch), "cost_seconds": cost(architecture, epoch), "size": size}


class Tracer:
    """Writes down what the ledger was told, and when."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.trace: Trace = []

    def on_event(self, event: Event, state: RunState) -> None:
        if isinstance(event, Reported):
            self.trace.append((self.clock.now, event.trial, event.epoch, "running"))
        if isinstance(event, Paused | Ended):
            last = self.trace.pop()
            assert last[1] == event.trial
            self.trace.append((*last[:3], event.state if isinstance(event, Ended) else "paused"))


ONE = (Objective("accuracy", "max"),)
TWO = (*ONE, Objective("size", "min"))


def searched(
    scheduler: str, workers: int, max_trials: int, seed: int, objectives: tuple[Objective, ...] = ONE
) -> tuple[Coordinator, Trace]:
    space, clock = search_spaces.get("nb201"), VirtualClock()
    tracer = Tracer(clock)
    coordinator = Coordinator(
        MemoryLedger(clock),
        space=space,
        proposer=Proposer(
            space,
            lambda s: make_strategy("random", space, s),
            seed=seed,
            mode=[one.mode for one in objectives],
            metric=[one.metric for one in objectives],
        ),
        scheduler=make(scheduler, EPOCHS),
        objective=objectives,
        budget=Budget(max_trials, None, EPOCHS),
        seed=seed,
        audience=Audience([tracer]),
        clock=clock,
    )
    SimulatedExecutor(Job(training, {}, Path(), EPOCHS), workers, clock).run(coordinator)
    return coordinator, tracer.trace


@pytest.mark.parametrize("objectives", [ONE, TWO], ids=["one", "two"])
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("scheduler", ["asha", "hyperband", "asha_promote"])
def test_the_trace_of_a_search_is_that_of_the_reference(
    scheduler: str, workers: int, objectives: tuple[Objective, ...]
) -> None:
    trials = 60 if objectives is ONE else 30
    coordinator, trace = searched(scheduler, workers, trials, 5, objectives)
    made = [search_spaces.get("nb201").validate(trial.tree) for trial in coordinator.state.trials.values()]
    bracket: Any = Hyperband(EPOCHS).bracket_of if scheduler == "hyperband" else lambda trial: 0
    reference = Reference(
        kind="promote" if scheduler == "asha_promote" else "stop",
        max_epochs=EPOCHS,
        max_trials=trials,
        workers=workers,
        reduction=3,
        first_rung=lambda trial: 3 ** bracket(trial),
        field_of=bracket,
        score=lambda trial, epoch: told(made[trial], epoch, objectives),
        cost=lambda trial, epoch: cost(made[trial], epoch),
    )
    expected = reference.run()
    assert [step[1:] for step in trace] == [step[1:] for step in expected]
    assert [step[0] for step in trace] == pytest.approx([step[0] for step in expected])
    assert coordinator.stopping == "done"
    fates = {step[3] for step in trace}
    assert fates == {"running", "complete", "paused" if scheduler == "asha_promote" else "pruned"}
