"""Everything that a search is made of, resolved from its configuration and checked before anything starts.

A recipe is what a run must not change: `meta` is what the ledger keeps of it, `reopened` finds the same objects
again and refuses others.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import json
import platform
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Any

import search_spaces
import trainables
from nas_tune.config import SearchConfig
from nas_tune.config.references import (
    is_ours,
    reference_of,
    source_fingerprint,
    why_not,
    with_local_modules,
)
from nas_tune.config.self_search import check_keys, kind_of, searches, self_search
from nas_tune.config.stored import without_remote
from nas_tune.coordination.coordinator import Limits
from nas_tune.coordination.proposer import Proposer
from nas_tune.coordination.registrations import Registered, check_travelling, for_training, restore, used
from nas_tune.errors import ConfigError, NasTuneError, ResumeRefusedError
from nas_tune.executors.base import Executor
from nas_tune.executors.clock import VirtualClock
from nas_tune.executors.inline import InlineExecutor
from nas_tune.executors.job import Job
from nas_tune.executors.simulated import SimulatedExecutor
from nas_tune.objectives.objective import Objective, check_several
from nas_tune.schedulers import SCHEDULERS, Scheduler
from nas_tune.schedulers import make as make_scheduler
from nas_tune.session.held_values import held_fingerprint
from nas_tune.session.initial_design import Design, Progress
from nas_tune.session.initial_design import make as make_initial
from nas_tune.session.spaces import make_space
from nas_tune.session.trust import check_code, load_target, signed, target_called
from nas_tune.strategies import STRATEGIES, Sampler
from nas_tune.strategies import make as make_strategy
from nas_tune.strategies.search_numbers import SEARCHES, SearchNumbers
from search_spaces import Space, SpaceError
from trainables.protocol import Checking, Describing, Searching, Trainable, is_parallel
from trainables.registry import Target, adapt
from trainables.trial.session import is_reserved

__all__ = ["CHANGEABLE", "Recipe", "check_versions", "reopened", "version_changes", "versions"]

CHANGEABLE = SearchConfig.keys_that_decide("length", "trials", "care")
"""Keys of the configuration that a resume may change."""

_DECISIVE = ("python", "optuna", "torch", "ray")
_PACKAGES = ("nas-tune", "ray", "optuna", "torch", "torchvision", "numpy", "pandas")


@dataclass(frozen=True)
class Recipe:
    """A checked configuration with the space that it names, and the trainable that its trials run.

    Attributes:
        config: the configuration.
        space: the space of the architectures.
        target: the class or generator function of the trainable.
    """

    config: SearchConfig
    space: Space
    target: Target

    @classmethod
    def of(cls, config: SearchConfig, space: Space | None = None, target: Target | None = None) -> Recipe:
        """Resolve what a configuration names, and try every part once.

        Args:
            config: the configuration.
            space: stands in for the space that `config` names.
            target: stands in for the trainable that `config` names.

        Returns:
            The recipe, checked.

        Raises:
            NasTuneError: something is not registered, takes other settings, or cannot be used with the executor.
        """
        space = space or make_space(config.space)
        recipe = cls(config, space, _target_of(config, target))
        recipe.check()
        return recipe

    def check(self) -> None:
        """Make every part once, so that a wrong setting is refused before a trial starts.

        Raises:
            NasTuneError: a part cannot be made, or cannot be combined with another one.
        """
        self.space.sample(0)
        self._sampler(0)
        self.scheduler()
        if self.searches and self.config.strategy.name in STRATEGIES:
            raise ConfigError(
                f"strategy: {self.config.strategy.name!r} is the name of a strategy and of "
                f"{kind_of(self.config.strategy.name)}; give that one another name"
            )
        if not self.searches:
            check_several("strategy", STRATEGIES, self.config.strategy.name, self.objectives)
        check_several("scheduler", SCHEDULERS, self.config.scheduler.name, self.objectives)
        trainable = adapt(self.target, self.trainable_settings)
        # The nodes of a cluster may have what this machine has not.
        if isinstance(trainable, Checking) and self.config.address is None:
            trainable.check()
        if self.searches and not isinstance(trainable, Searching):
            raise ConfigError(
                f"strategy: {self.config.strategy.name} searches by {type(trainable).__name__}, which has no attribute "
                "`architecture`; give its class that property (trainables.protocol.Searching)"
            )
        self._check_together(trainable)
        if self.config.initial is not None:
            make_initial(self.config.initial).check(trainable)
        for metric in (one.metric for one in self.objectives):
            if is_reserved(metric):
                raise ConfigError(f"metric: {metric!r} is a column of the result tables; report another name")
        if self.config.executor != "ray" and self.config.epoch_timeout is not None:
            raise ConfigError(
                f"epoch_timeout: the {self.config.executor} executor cannot end a hung epoch; use executor = 'ray'"
            )
        self._check_importable()
        if self.config.executor == "ray":
            check_travelling(self.registered)

    def _check_together(self, trainable: Trainable) -> None:
        """Several devices train one architecture only where the trainable says that it can be trained so."""
        devices = self.config.resources.devices
        if devices == 1:
            return
        if not is_parallel(trainable):
            raise ConfigError(
                f"resources.devices: got {devices}, but {self.config.trainable.name} cannot be trained by several "
                "processes together (image_classifier can, and a class with parallel and join(group), see "
                "trainables.protocol.Parallel); set devices = 1"
            )
        from trainables.training.parallel import Group

        trainable.join(Group(0, devices))

    def _check_importable(self) -> None:
        """Ray could ship any function, but a resume could not find a lambda or a local one again."""
        why = why_not(self.target)
        # What a script or notebook defines at its top level is given to the resume by that script.
        local = any(part in getattr(self.target, "__qualname__", "") for part in ("<locals>", "<lambda>"))
        if self.config.executor == "ray" and why and local:
            raise ConfigError(f"trainable: {why}, or use executor = 'inline'")

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

    @property
    def trainable_settings(self) -> dict[str, Any]:
        """The settings of the trainable, with the space's name where it takes one and was given none."""
        if self.searches:
            return self_search(self.config.strategy.name).settings(self.config, self.space)
        settings = dict(self.config.trainable.settings)
        if "space" in inspect.signature(self.target).parameters and "space" not in settings and self.space.name:
            settings["space"] = self.space.name
        return settings

    @property
    def registered(self) -> Registered:
        """What this process has registered and the run uses, by reference."""
        return used(
            [self.space, self.config.space.name],
            self.trainable_settings,
            strategy=self.config.strategy.name,
            scheduler=self.config.scheduler.name,
        )

    def _is_registered(self) -> bool:
        """Whether the name leads to the target: a function of a notebook may be called as a registered one is."""
        name = self.config.trainable.name
        return self.searches or (name in trainables.names() and trainables.get(name) is self.target)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What is optimized, the leading one first."""
        return self.config.objectives

    @property
    def limits(self) -> Limits:
        """When the run ends."""
        config = self.config
        return Limits(config.max_trials, config.max_seconds, config.max_epochs, config.max_retries)

    def scheduler(self) -> Scheduler:
        """Make a fresh scheduler.

        Returns:
            The scheduler, which knows of no trial yet.
        """
        return make_scheduler(self.config.scheduler.name, self.config.max_epochs, self.config.scheduler.settings)

    def proposer(self) -> Proposer:
        """Make a proposer with a fresh study.

        Returns:
            The proposer, which knows of no trial yet.
        """
        return Proposer(
            self.asked,
            self._sampler,
            seed=self.config.seed,
            mode=self.config.mode,
            metric=self.config.metric,
        )

    def _sampler(self, seed: int) -> Sampler:
        if self.searches:
            return SearchNumbers(self.asked, seed)
        return make_strategy(self.config.strategy.name, self.asked, seed, self.config.strategy.settings)

    def design(self, progress: Progress | None = None) -> Design | None:
        """Make the initial design that the configuration asks for.

        Args:
            progress: called with the number of candidates that are scored, and of all.

        Returns:
            The architectures to try first; None where the configuration has no key `initial`.
        """
        if self.config.initial is None:
            return None
        trainable = adapt(self.target, self.trainable_settings)
        return make_initial(self.config.initial).design(self.space, trainable, self.config.seed, progress)

    def about(self) -> list[str]:
        """Ask the trainable what all its trainings have in common.

        Returns:
            Lines for a person. There are none where the data are on the nodes of a cluster only.
        """
        trainable = adapt(self.target, self.trainable_settings)
        if not isinstance(trainable, Describing):
            return []
        try:
            return [str(line) for line in trainable.about()]
        except NasTuneError:
            # On the nodes of a cluster all may be well; here `check` has told it.
            return []

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
        from nas_tune.executors.ray_cluster import Resources

        resources = Resources(**self.config.resources.model_dump())
        if resources.devices > 1:
            from nas_tune.executors.ray_train import RayTrainExecutor

            return RayTrainExecutor(job, self.asked, resources, self.config.address)
        from nas_tune.executors.ray_tune import RayExecutor

        return RayExecutor(job, self.asked, self.config.workers, resources, self.config.address)

    def meta(self) -> dict[str, Any]:
        """Describe the run for its ledger, which keeps this from its start to its end.

        Returns:
            Plain data, signed by this user.
        """
        return signed(self._described())

    def _described(self) -> dict[str, Any]:
        return {
            "config": self.config.to_dict(),
            "space": self.space.to_spec(),
            "space_fingerprint": self.space.fingerprint,
            "parameters": [[parameter.name, _kind(parameter)] for parameter in self.space.parameters],
            "metric": self.objectives[0].metric,
            "mode": self.objectives[0].mode,
            **({"objectives": [[one.metric, one.mode] for one in self.objectives]} if len(self.objectives) > 1 else {}),
            "trainable": {
                "registered": self._is_registered(),
                "reference": reference_of(self.target),
                "fingerprint": source_fingerprint(self.target),
                "held": held_fingerprint(self.target),
                "settings": self.trainable_settings,
            },
            **({"registered": found} if (found := self.registered) else {}),
            "versions": dict(versions()),
            "created": time.time(),
        }


def reopened(
    meta: Mapping[str, Any],
    changes: Iterable[Mapping[str, Any]],
    *,
    space: Space | None = None,
    target: Target | None = None,
    accept_code_change: bool = False,
    folder: Path = Path(),
    allow_code: bool = False,
    said: Collection[str] | None = None,
) -> Recipe:
    """Make the recipe of a run again from its ledger, with the changes that were made since.

    Args:
        meta: as the ledger has it.
        changes: keys of the configuration that resumes changed, in order.
        space: the space, where the caller gives it.
        target: the trainable, where the caller gives it.
        accept_code_change: take the trainable although its source has changed.
        folder: of the run.
        allow_code: import what the run names although it did not begin here.
        said: of the keys that lead out of this machine those that the caller gave; None where nothing is reached.

    Returns:
        The recipe, checked.

    Raises:
        ForeignCodeError: the run comes from elsewhere and names code; nothing was imported.
        ResumeRefusedError: the space or the trainable is another one than at the start of the run.
    """
    values = without_remote(folder, meta["config"])
    for change in changes:
        values.update(change)
    config = SearchConfig(**values)
    brought = [name for name, one in (("space", space), ("trainable", target)) if one is not None]
    reaches = (
        {} if said is None else {key: getattr(config, key) for key in config.keys_that_lead_out() if key not in said}
    )
    check_code(meta, folder, allow_code=allow_code, given=brought, reaches=reaches)
    restore(meta.get("registered", {}), accept_code_change=accept_code_change)
    space = space or _space_again(meta, config)
    _same_space(meta, space)
    target = target or _target_again(meta, config)
    if not accept_code_change:
        _same_trainable(meta, target)
    return Recipe.of(config, space, target)


@functools.cache
def versions() -> Mapping[str, str]:
    """Read the versions of Python and of the packages that decide what a search finds.

    Returns:
        Version by name, without packages that are not installed.
    """
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return MappingProxyType(found)


def version_changes(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    """Compare the versions that decide a search.

    Args:
        before: of the last session.
        now: of this one.

    Returns:
        Lines such as `optuna 4.8.0 is now 5.0.0`.
    """
    return [
        f"{name} {before[name]} is now {now[name]}"
        for name in _DECISIVE
        if name in before and name in now and before[name] != now[name]
    ]


def check_versions(before: Mapping[str, str]) -> None:
    """Compare Optuna with that of the last session of a run.

    Args:
        before: the versions of that session.

    Raises:
        ResumeRefusedError: Optuna has another major version, whose samplers may propose other architectures.
    """
    was, now = before.get("optuna"), versions().get("optuna")
    if was is not None and now is not None and was.partition(".")[0] != now.partition(".")[0]:
        raise ResumeRefusedError(
            f"the run was searched with Optuna {was}, this is {now}: another major version may propose otherwise; "
            f"install optuna=={was}, or say accept_code_change (--accept-code-change) to go on with this one"
        )


def _target_of(config: SearchConfig, given: Target | None) -> Target:
    """What trials run: `given` or what the configuration names, unless the strategy searches by itself."""
    if not searches(config.strategy.name):
        return given or target_called(config.trainable.name)
    search = self_search(config.strategy.name)
    search.check(config, given)
    check_keys(search, config)
    return search.trainable


def _space_again(meta: Mapping[str, Any], config: SearchConfig) -> Space:
    try:
        with_local_modules()
        return Space.from_spec(meta["space"])
    except SpaceError as error:
        raise ResumeRefusedError(
            f"the space {config.space.name!r} cannot be rebuilt from the run ({error}); "
            "resume from Python: nas_tune.resume(path, space=...)"
        ) from error


def _target_again(meta: Mapping[str, Any], config: SearchConfig) -> Target:
    name, reference = config.trainable.name, meta["trainable"]["reference"]
    is_known = name in trainables.names() or reference is None
    if searches(config.strategy.name) or (meta["trainable"]["registered"] and ":" not in name and is_known):
        return _target_of(config, None)
    if reference is None:
        raise ResumeRefusedError(
            f"the trainable {config.trainable.name!r} was defined in a script or notebook and cannot be imported; "
            "resume from there: nas_tune.resume(path, trainable=...)"
        )
    return load_target(reference)


def _same_space(meta: Mapping[str, Any], space: Space) -> None:
    if space.fingerprint == meta["space_fingerprint"]:
        return
    before, now = (json.dumps(spec, indent=1).splitlines() for spec in (meta["space"], space.to_spec()))
    diff = "\n".join(difflib.unified_diff(before, now, "the run's space", "the space now", n=1, lineterm=""))
    raise ResumeRefusedError(f"the space changed since the run began; start a new run for it:\n{diff}")


def _same_trainable(meta: Mapping[str, Any], target: Target) -> None:
    before, now = meta["trainable"]["fingerprint"], source_fingerprint(target)
    if before is not None and now is not None and now != before:
        raise ResumeRefusedError(
            f"the code of the trainable changed since the run began (source {before}, now {now}): its results would "
            "mix with the old ones; take the old code, start a new run, or say accept_code_change "
            "(--accept-code-change) if the change does not matter"
        )
    # A run of an earlier version has no such fingerprint, and one with a version attribute is known by that alone.
    held = meta["trainable"].get("held")
    if held is not None and not is_ours(target) and held != held_fingerprint(target):
        raise ResumeRefusedError(
            "the trainable holds other values than when the run began (arguments of a partial, defaults, a closure, or "
            "the state of its instance): its results would mix with the old ones; give the old values, start a new "
            "run, or say accept_code_change (--accept-code-change) if the change does not matter"
        )


def _kind(parameter: search_spaces.Parameter) -> str:
    if parameter.choices is None:
        return "int" if parameter.kind == "integer" else "float"
    kinds = {type(choice).__name__ for choice in parameter.choices}
    return f"categorical:{kinds.pop() if len(kinds) == 1 else 'str'}"
