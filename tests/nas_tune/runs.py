"""Runs without configuration, Ray or files of their own but the ledger: a coordinator, and what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.observers import Audience, Observer
from nas_tune.coordination.proposer import Proposer
from nas_tune.executors.inline import InlineExecutor
from nas_tune.executors.job import Job
from nas_tune.ledger import Event, Ledger, RunState, ledger_path
from nas_tune.schedulers import make as make_scheduler
from nas_tune.strategies import make as make_strategy
from search_spaces import Space
from tests.toys import Climber, tiny_space
from trainables.trial.session import Failure, Outcome

__all__ = ["Killed", "Setup", "epoch", "failure", "kill", "table"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing may catch it."""


class Setup:
    """A run in `folder` that can be opened again and again."""

    def __init__(
        self,
        folder: Path,
        *,
        space: Space | None = None,
        strategy: str = "random",
        settings: Mapping[str, Any] | None = None,
        scheduler: str = "none",
        mode: Literal["max", "min"] = "max",
        max_trials: int | None = 4,
        max_seconds: float | None = None,
        max_epochs: int = 3,
        max_retries: int = 3,
        seed: int = 0,
    ) -> None:
        self.folder = folder
        self.space = space or tiny_space()
        self.strategy, self.settings, self.scheduler, self.mode = strategy, settings, scheduler, mode
        self.budget = Budget(max_trials, max_seconds, max_epochs, max_retries)
        self.seed = seed

    def open(self, *, observers: Iterable[Observer] = (), **more: Any) -> Coordinator:
        """A coordinator over the run's ledger as it stands."""
        folder = self.folder
        folder.mkdir(exist_ok=True)
        ledger = Ledger.open(folder) if ledger_path(folder).exists() else Ledger.create(folder, {})
        more.setdefault("proposer", self.proposer())
        return Coordinator(
            ledger,
            space=self.space,
            scheduler=make_scheduler(self.scheduler, self.budget.max_epochs),
            objective=Objective("accuracy", self.mode),
            budget=self.budget,
            seed=self.seed,
            audience=Audience(observers),
            **more,
        )

    def proposer(self) -> Proposer:
        """A study that knows of nothing yet."""
        return Proposer(
            self.space,
            lambda seed: make_strategy(self.strategy, self.space, seed, self.settings),
            seed=self.seed,
            mode=self.mode,
            metric="accuracy",
        )

    def run(self, target: Callable[..., Any] = Climber, coordinator: Coordinator | None = None) -> Coordinator:
        """Run what is left, in this process; the ledger is closed afterwards, as a kill would."""
        coordinator = coordinator or self.open()
        job = Job(target, {}, self.folder, self.budget.max_epochs)
        try:
            InlineExecutor(job).run(coordinator)
        finally:
            coordinator._ledger.close()
        return coordinator


def epoch(number: int, value: float | None = 0.5, *, finished: bool = False, **more: Any) -> Outcome:
    """What a session says after an epoch."""
    metrics = {} if value is None else {"accuracy": value}
    return Outcome(number, metrics, 0.1, finished, **more)


def failure(kind: str = "error", message: str = "ValueError: no") -> Outcome:
    """What a session says when there is nothing to be done."""
    return Outcome(0, {}, finished=True, failure=Failure(kind, message, "Traceback: no"))


def kill(coordinator: Coordinator, transaction: int, *, before: bool) -> None:
    """Let the run die at its n-th transaction from now (from 1): before it was written, or right after."""
    append, count = coordinator._ledger.append, [0]

    def mortal(*events: Event) -> float:
        count[0] += 1
        if before and count[0] == transaction:
            raise Killed
        when = append(*events)
        if count[0] == transaction:
            raise Killed
        return when

    coordinator._ledger.append = mortal  # type: ignore[method-assign]


def table(state: RunState) -> list[tuple[Any, ...]]:
    """Everything of the trials but when and how often they were cut."""
    return [
        (
            trial.number,
            trial.tree,
            trial.seed,
            trial.state,
            trial.value,
            trial.failure,
            trial.message,
            [(report.epoch, report.metrics) for report in trial.reports],
        )
        for trial in state.trials.values()
    ]
