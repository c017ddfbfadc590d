"""A race: one strategy, one seed, a budget of virtual seconds.

A race is an ordinary search: the same coordinator, proposer and scheduler, with a ledger in memory and simulated
workers. Strategies see the validation values of the table. The test column is looked up afterwards, for each
architecture that was the best at its time.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from threadpoolctl import threadpool_limits

from nas_tune.benchmarks.tables import Table
from nas_tune.config import Component
from nas_tune.coordination.coordinator import Budget, Coordinator, Objective
from nas_tune.coordination.observers import Audience
from nas_tune.coordination.proposer import Proposer
from nas_tune.errors import ConfigError
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.job import Job
from nas_tune.executors.simulated import SimulatedExecutor
from nas_tune.ledger import Ended, Event, MemoryLedger, Paused, RunState
from nas_tune.objectives.objective import Mode
from nas_tune.schedulers import SCHEDULERS
from nas_tune.schedulers import make as make_scheduler
from nas_tune.session.spaces import make_space
from nas_tune.strategies import STRATEGIES
from nas_tune.strategies import make as make_strategy
from search_spaces import Architecture, Space, UnknownNameError
from trainables.metrics import ACCURACY

__all__ = ["Contest", "Contestant", "Race", "best_score", "check", "contestant_of", "run_race"]


@dataclass(frozen=True)
class Contestant:
    """A strategy with a scheduler, under the name by which it is compared.

    Attributes:
        name: as in the results.
        strategy: its name and settings.
        scheduler: its name and settings; by default "none", which stops no trial.
    """

    name: str
    strategy: Component
    scheduler: Component = field(default_factory=lambda: Component("none"))


@dataclass(frozen=True)
class Contest:
    """The settings that all races share.

    Attributes:
        space: of the table's architectures.
        table: the settings of `nas_tune.benchmarks.tables.Table`, without the space.
        budget: virtual seconds of a race.
        workers: simulated workers.
        mode: whether more of the metric is better; None for the metric's own mode, as "max" for accuracy, which is
            the name of a table's values unless its settings have another `metric`.
        max_trials: the most trials of a race; None leaves it to the budget.
    """

    space: Component
    table: Mapping[str, Any]
    budget: float
    workers: int = 1
    mode: Mode | None = None
    max_trials: int | None = None

    @property
    def objective(self) -> Objective:
        """The objective that the races optimize.

        Raises:
            ConfigError: there is no mode, and the metric has none of its own.
        """
        metric = str(self.table.get("metric", ACCURACY.name))
        mode = self.mode or next((one.mode for one in Table.metrics_of(self.table)), None)
        if mode is None:
            raise ConfigError(f"mode: not set; say whether more of {metric!r} is better: 'max' or 'min' (--mode)")
        return Objective(metric, mode)

    @property
    def unit(self) -> str:
        """The unit of the metric; empty for none."""
        declared = Table.metrics_of({**self.table, "mode": self.objective.mode})
        return declared[0].unit


@dataclass(frozen=True)
class Race:
    """The result of one race.

    Attributes:
        contestant, seed: the contestant's name, and the seed of its strategy.
        seconds, values, tests: for each better architecture the virtual time, its validation score and its test
            score (NaN where the table has none).
        trials: the number of trials that ended.
        ended: why the search had no more architectures before its budget was spent; empty where it was spent.
    """

    contestant: str
    seed: int
    seconds: tuple[float, ...]
    values: tuple[float, ...]
    tests: tuple[float, ...]
    trials: int
    ended: str = ""


def contestant_of(text: str, settings: Mapping[str, Mapping[str, object]] | None = None) -> Contestant:
    """Parse `"evolution"`, `"evolution+asha"`, or a scheduler alone, which stops random search: `"asha"`.

    Args:
        text: the names.
        settings: by the name of the strategy or scheduler that takes them.

    Returns:
        The contestant, named by the text.

    Raises:
        UnknownNameError: no strategy or scheduler has that name.
    """
    first, plus, second = (part.strip() for part in text.partition("+"))
    strategy, scheduler = (first, second or "none") if first in STRATEGIES or plus else ("random", first)
    if strategy not in STRATEGIES:
        raise UnknownNameError("strategy", strategy, STRATEGIES)
    if scheduler not in SCHEDULERS:
        raise UnknownNameError("strategy or scheduler", scheduler, [*STRATEGIES, *SCHEDULERS])
    given = settings or {}
    return Contestant(
        text.strip(),
        Component(strategy, dict(given.get(strategy, {}))),
        Component(scheduler, dict(given.get(scheduler, {}))),
    )


def best_score(contest: Contest, judged_by: Literal["test", "validation"]) -> float | None:
    """Look up the best score in the contest's table, which strategies never see.

    Args:
        contest: names the table.
        judged_by: which score counts.

    Returns:
        The score; None where the table does not have it.
    """
    space = _space_once(contest.space.name, json.dumps(contest.space.settings, sort_keys=True))
    return Table(space=space, **contest.table).benchmark.best(contest.objective.mode, judged_by)


def check(contest: Contest, contestants: Sequence[Contestant]) -> None:
    """Build every part once, so that a wrong setting raises before the first race.

    Args:
        contest: the settings of the races.
        contestants: the strategies that take part, with their schedulers.

    Raises:
        ConfigError: the budget, the number of workers, the mode, or the table is wrong.
        NasTuneError: there is no such strategy, scheduler or setting.
    """
    if contest.budget <= 0 or contest.workers < 1:
        raise ConfigError(f"budget {contest.budget:g} s with {contest.workers} workers: both must be above 0")
    _ = contest.objective  # Raises where there is no mode.
    space = _space_once(contest.space.name, json.dumps(contest.space.settings, sort_keys=True))
    epochs = Table(space=space, **contest.table).benchmark.epochs
    for contestant in contestants:
        make_strategy(contestant.strategy.name, space, 0, contestant.strategy.settings)
        make_scheduler(contestant.scheduler.name, epochs[-1], contestant.scheduler.settings)


def run_race(contest: Contest, contestant: Contestant, seed: int) -> Race:
    """Run one race in this process.

    Args:
        contest: the settings of the races.
        contestant: the strategy that runs, with its scheduler.
        seed: of the strategy.

    Returns:
        The result.
    """
    # Races share the cores: more threads in one race would slow the others.
    with threadpool_limits(1):
        return _run(contest, contestant, seed)


def _run(contest: Contest, contestant: Contestant, seed: int) -> Race:
    space = _space_once(contest.space.name, json.dumps(contest.space.settings, sort_keys=True))
    settings = {"space": space, **contest.table}
    table = Table(**settings)
    clock, objective = VirtualClock(), contest.objective
    strategy = contestant.strategy
    last = table.benchmark.epochs[-1]
    winners = _Winners(clock, objective)
    coordinator = Coordinator(
        MemoryLedger(clock),
        space=space,
        proposer=Proposer(
            space,
            lambda asked: make_strategy(strategy.name, space, asked, strategy.settings),
            seed=seed,
            mode=objective.mode,
            metric=objective.metric,
        ),
        scheduler=make_scheduler(contestant.scheduler.name, last, contestant.scheduler.settings),
        objective=objective,
        budget=Budget(contest.max_trials, contest.budget, last),
        seed=seed,
        audience=Audience((), own=[winners]),
        clock=clock,
    )
    SimulatedExecutor(Job(Table, settings, Path(), last), contest.workers, clock).run(coordinator)
    tests = [table.benchmark.test(space.validate(tree)) for tree in winners.trees]
    return Race(
        contestant.name,
        seed,
        tuple(winners.seconds),
        tuple(winners.values),
        tuple(float("nan") if test is None else test for test in tests),
        sum(coordinator.state.counts.values()),
        _why_ended(coordinator),
    )


def _why_ended(coordinator: Coordinator) -> str:
    said = [text for trial, text in coordinator.state.notes if trial < 0]
    return said[-1] if said and coordinator.stopping == "exhausted" else ""


@functools.lru_cache(maxsize=4)
def _space_once(name: str, settings: str) -> Space:
    """The same object for every race in a process, so that the cached table of the race before is found."""
    return make_space(Component(name, json.loads(settings)))


@dataclass
class _Winners:
    """Records each better architecture: a trial trained longer than the best, or as long with a better value."""

    clock: VirtualClock
    objective: Objective
    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    trees: list[Architecture | Any] = field(default_factory=list)
    best: tuple[int, float] = (0, 0.0)

    def on_event(self, event: Event, state: RunState) -> None:
        """Compare a trial that has ended or is paused with the best so far."""
        if not isinstance(event, Ended | Paused) or event.value is None:
            return
        record = state.trials[event.trial]
        rank = (record.epochs, self.objective.score(event.value))
        if not self.seconds or rank > self.best:
            self.best = rank
            self.seconds.append(self.clock.now)
            self.values.append(event.value)
            self.trees.append(record.tree)
