"""Everything that a search is made of, resolved from its configuration and checked before anything starts.

A setup is what a run must not change: the ledger keeps its description (`nas_tune.session.description`), and
`nas_tune.session.reopening` finds the same objects again and refuses others.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from nas_tune.config import SearchConfig
from nas_tune.config.self_search import check_keys, searches, self_search
from nas_tune.coordination.coordinator import Budget
from nas_tune.coordination.gate import Gate
from nas_tune.coordination.proposer import Proposer
from nas_tune.coordination.registrations import Registrations, entries_to_send, for_training, used
from nas_tune.errors import NasTuneError
from nas_tune.executors.base import Executor
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.inline import InlineExecutor
from nas_tune.executors.job import Job
from nas_tune.executors.simulated import SimulatedExecutor
from nas_tune.objectives.limits import Limit, limits_of
from nas_tune.objectives.objective import Objective
from nas_tune.schedulers import Scheduler
from nas_tune.schedulers import make as make_scheduler
from nas_tune.session.gates import gate_of, gate_of_paths
from nas_tune.session.initial_design import Design, Progress
from nas_tune.session.initial_design import make as make_initial
from nas_tune.session.own_networks import Given
from nas_tune.session.setup_checks import check_setup
from nas_tune.session.spaces import make_space
from nas_tune.session.trust import target_called
from nas_tune.strategies import Sampler
from nas_tune.strategies import make as make_strategy
from nas_tune.strategies.search_numbers import SEARCHES, SearchNumbers
from search_spaces import Space
from trainables.controls import Controlled
from trainables.costs.quantities import QUANTITIES
from trainables.kept_data import kept_file
from trainables.metrics import Metric, declared_metrics
from trainables.protocol import Describing
from trainables.registry import TrainableTarget, adapt, setting_names
from trainables.trial.repeated import one_of

__all__ = ["CHANGEABLE", "SearchSetup", "target_of"]

CHANGEABLE = SearchConfig.keys_that_decide("length", "limits", "trials", "care")
"""Keys of the configuration that a resume may change."""


@dataclass(frozen=True)
class SearchSetup:
    """A checked configuration with the space that it names, and the trainable that its trials run.

    Attributes:
        config: the configuration.
        space: the space of the architectures.
        target: the class or generator function of the trainable.
    """

    config: SearchConfig
    space: Space
    target: TrainableTarget

    @classmethod
    def of(cls, config: SearchConfig, space: Given | None = None, target: TrainableTarget | None = None) -> SearchSetup:
        """Resolve what a configuration names, and try every part once.

        Args:
            config: the configuration.
            space: replaces the space that `config` names: a `Space`, or networks of one's own
                (`nas_tune.session.own_networks`).
            target: replaces the trainable that `config` names.

        Returns:
            The setup, checked.

        Raises:
            NasTuneError: something is not registered, takes other settings, or cannot be used with the executor.
        """
        target = target_of(config, target)
        setup = cls(config, make_space(config.space, space, config.trainable), target)
        check_setup(setup)
        return setup

    @property
    def searches(self) -> bool:
        """Whether the strategy searches by itself: every trial is a search, which finds its architecture."""
        return searches(self.config.strategy.name)

    @property
    def at_end(self) -> bool:
        """Whether the trainable says by its attribute `metrics_at_end` that it is judged once, when it is trained.

        A scheduler that stops trials early must see every epoch, so there it changes nothing.
        """
        return bool(getattr(self.target, "metrics_at_end", False)) and self.config.scheduler.name == "none"

    @property
    def asked(self) -> Space:
        """The space of what the strategy is asked for: that of the architectures, or the numbers of searches."""
        return SEARCHES if self.searches else self.space

    @cached_property
    def proposed(self) -> Space:
        """The space of what the strategy proposes: the part of `asked` that keeps the limits."""
        return self.asked if self.gate is None else self.gate.space(self.asked)

    @property
    def trainable_settings(self) -> dict[str, Any]:
        """The settings of the trainable, with the space's name where it takes one and was given none."""
        if self.searches:
            return self_search(self.config.strategy.name).settings(self.config, self.space)
        settings = dict(self.config.trainable.settings)
        if "space" not in settings and self.space.name and "space" in setting_names(self.target, settings):
            settings["space"] = self.space.name
        return settings

    @property
    def registered(self) -> Registrations:
        """What this process has registered and the run uses, by reference."""
        return used(
            [self.space, self.config.space.name],
            self.trainable_settings,
            strategy=self.config.strategy.name,
            scheduler=self.config.scheduler.name,
        )

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimized, the leading one first."""
        return self.config.objectives

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What the trainable declares about its metrics; empty where only the nodes of a cluster can tell."""
        try:
            declared = declared_metrics(self.target, self.trainable_settings)
        except NasTuneError:
            return ()  # as for `about`
        known = {one.name for one in declared}
        gate = self.gate
        found = [*gate.names, *(gate.meter.names if gate.meter else ())] if gate else []
        costs = [name for name in found if name in QUANTITIES and name not in known]
        return (*declared, *(QUANTITIES[name].metric for name in costs))

    @property
    def budget(self) -> Budget:
        """When the run ends."""
        config = self.config
        return Budget(config.max_trials, config.max_seconds, config.max_epochs, config.max_retries)

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The limits on costs and on reported metrics."""
        return limits_of(self.config.limits or {})

    @cached_property
    def gate(self) -> Gate | None:
        """What judges architectures before a trial; None where neither a limit nor an objective is a cost."""
        return gate_of(self)

    @cached_property
    def path_gate(self) -> Gate | None:
        """What tells before the first trial what limits leave to a supernet that is searched by paths; else None."""
        return gate_of_paths(self)

    def scheduler(self) -> Scheduler:
        """Make a fresh scheduler.

        Returns:
            The scheduler, which has seen no trial yet.
        """
        return make_scheduler(self.config.scheduler.name, self.config.max_epochs, self.config.scheduler.settings)

    def proposer(self) -> Proposer:
        """Make a proposer with a fresh study.

        Returns:
            The proposer, which has seen no trial yet.
        """
        return Proposer(
            self.proposed,
            self.sampler,
            seed=self.config.seed,
            mode=self.config.mode,
            metric=self.config.metric,
            limits=self.limits,
        )

    def sampler(self, seed: int) -> Sampler:
        """Make the sampler of one proposal.

        Args:
            seed: of its random numbers.

        Returns:
            The sampler of the strategy; for a strategy that searches by itself, one that counts searches.
        """
        if self.searches:
            return SearchNumbers(self.asked, seed)
        return make_strategy(self.config.strategy.name, self.proposed, seed, self.config.strategy.settings)

    def design(self, progress: Progress | None = None) -> Design | None:
        """Make the initial design that the configuration asks for.

        Args:
            progress: called with the number of candidates that are scored, and of all.

        Returns:
            The architectures to try first; None where the configuration has no key `initial`.
        """
        if self.config.initial is None:
            return None
        trainable = one_of(adapt(self.target, self.trainable_settings))
        return make_initial(self.config.initial).design(self.proposed, trainable, self.config.seed, progress)

    def about(self) -> list[str]:
        """Ask the trainable what all its trainings have in common.

        Returns:
            Lines for a person. There are none where the data are on the nodes of a cluster only.
        """
        trainable = adapt(self.target, self.trainable_settings)
        if not isinstance(trainable, Describing):
            return []
        try:
            return [str(line) for line in trainable.about()] + self._about_kept_data()
        except NasTuneError:
            # On the nodes of a cluster all may be well; here `check` has told it.
            return []

    def _about_kept_data(self) -> list[str]:
        """The size of the copy of data that were an object."""
        data = self.trainable_settings.get("data")
        file = kept_file(data)
        return [] if file is None else [f"the run keeps a copy of the data: {data}, {_size(file.stat().st_size)}"]

    def controls(self) -> list[str]:
        """Compute the controls of the task: simple models beside the search.

        Returns:
            A note for each. There are none where the data are on the nodes of a cluster only.
        """
        trainable = one_of(adapt(self.target, self.trainable_settings))
        task = getattr(trainable, "task", trainable)
        if not isinstance(task, Controlled):
            return []
        try:
            return [control.line() for control in task.controls()]
        except NasTuneError:
            return []  # as for `about`

    def job(self, folder: Path) -> Job:
        """Describe the work of the executor.

        Args:
            folder: of the run, below which checkpoints are kept.

        Returns:
            The job.
        """
        return Job(
            self.target,
            self.trainable_settings,
            folder,
            self.config.max_epochs,
            self.config.epoch_timeout,
            for_training(self.registered),
            entries_to_send(self.registered) if self.config.executor == "ray" else {},
        )

    def executor(self, folder: Path) -> Executor:
        """Make the executor of the run; Ray is imported only here, and only if it is used.

        Args:
            folder: of the run.

        Returns:
            The executor, not entered yet.

        Raises:
            InfeasibleError: the machine or cluster lacks the resources.
        """
        job = self.job(folder)
        if self.config.executor == "inline":
            return InlineExecutor(job)
        if self.config.executor == "simulated":
            return SimulatedExecutor(job, self.config.workers, VirtualClock())
        from nas_tune.executors.ray_cluster import TrialResources

        resources = TrialResources(**self.config.resources.model_dump())
        if resources.devices > 1:
            from nas_tune.executors.ray_train import RayTrainExecutor

            return RayTrainExecutor(job, self.asked, resources, self.config.address)
        from nas_tune.executors.ray_tune import RayExecutor

        return RayExecutor(job, self.asked, self.config.workers, resources, self.config.address)


def target_of(config: SearchConfig, given: TrainableTarget | None) -> TrainableTarget:
    """Find what trials run.

    Args:
        config: the configuration.
        given: replaces the trainable that `config` names; refused where the strategy searches by itself.

    Returns:
        The class or generator function.

    Raises:
        NasTuneError: nothing has the name, or the strategy cannot be used with the configuration.
    """
    if not searches(config.strategy.name):
        return given or target_called(config.trainable.name)
    search = self_search(config.strategy.name)
    search.check(config, given)
    check_keys(search, config)
    return search.trainable


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.1f} kB"
