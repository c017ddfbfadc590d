"""From the settings of a search to the search, and from the search to the architecture that it has found."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch

import search_spaces
from search_spaces.nn import freeze
from trainables.errors import CheckpointError, TrainableError
from trainables.hardware.device import Device
from trainables.networks import build, builder_of, decided_arguments, space_name
from trainables.settings import check_mapping
from trainables.settings.groups import flat_settings, from_flat, with_defaults
from trainables.supernet.head import refitting
from trainables.supernet.methods import METHODS, method_of
from trainables.supernet.methods.base import Draws, SearchStage
from trainables.supernet.path_limits import PathLimits
from trainables.supernet.path_search import ranked_paths
from trainables.supernet.perturbation import discretize_by_perturbation
from trainables.supernet.search import Search, SearchRecipe
from trainables.supernet.searchable import check_layers
from trainables.supernet.searched_task import SearchedTask
from trainables.supernet.selection import discretize
from trainables.supernet.settings import SHARED, SearchSettings
from trainables.supernet.stages import Kept, StagedSearch
from trainables.supernet.supernet import relax
from trainables.supernet.transfer import take_over
from trainables.tasks.learner import Learner
from trainables.tasks.task import Recommending, Task, TaskData
from trainables.training.batches import laid_out
from trainables.training.devices import device_of, layout_of, placed
from trainables.training.randomness import Randomness
from trainables.trial.checkpoint import named, read_tensors
from trainables.trial.older_identities import as_text
from trainables.trial.snapshots import newest

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["SearchBuilder"]

_BATCH = "batch_size"
DEPTHS = ("layers", "cells")
"""What builders call the number of cells, of a network or of one of its parts."""
_GLANCE = 4
"""Paths that are scored after an epoch that is not the last."""


class SearchBuilder:
    """Makes the search that settings describe, and reads the architecture that it has found.

    Args:
        given: settings of `SearchSettings` by their flat names, and of the task; the others have their defaults.

    Raises:
        TrainableError: a setting is unknown, or cannot be, alone or with the others.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._searched = SearchedTask.of(given)
        self._own = with_defaults(SearchSettings, self._searched.search)
        check_mapping("method_settings", self._own["method_settings"])
        method = method_of(self._own["method"], dict(self._own["method_settings"] or {}))
        self.settings = from_flat(SearchSettings, {**self._own, **self._left_open(method.recipe)})
        self.task.check_space(self.settings.space)
        if self.settings.refit_head:
            refitting(self.task)
        self.stages = method.stages
        self.space_name = space_name(self.settings.space)
        self._network = self.settings.network.of(self.settings.space, self._needed())
        check_layers(self.settings.space, self._network)
        self._check_depth()

    @property
    def task(self) -> Task:
        """What is learned."""
        return self._searched.task

    @property
    def given(self) -> dict[str, Any]:
        """The flat settings of the search and of its task, complete, as the user gives them."""
        return {**self._own, "task": self._searched.name, **self._searched.settings}

    def _left_open(self, of_paper: Mapping[str, object]) -> dict[str, object]:
        """The settings that the user leaves open: those of the method's paper, and the examples a step of the task.

        A supernet of images of 64 examples a step has few steps an epoch where the task has few and large examples.
        """
        known = flat_settings(SearchSettings)
        usual = dict(of_paper)
        if isinstance(self.task, Recommending):
            usual |= {name: value for name, value in self.task.recipe().items() if name == _BATCH}
        found: dict[str, object] = {}
        for name, value in usual.items():
            if name in known and known[name].is_optional and self._own[name] is None:
                found[name] = value
        return found

    def _needed(self) -> Mapping[str, object]:
        """The settings of the network that the method needs."""
        needs = METHODS[self.settings.method].needs
        takes = inspect.signature(builder_of(self.settings.space)).parameters
        lacking = [name for name in needs if name not in takes]
        if lacking:
            raise TrainableError(
                f"{self.settings.method} needs a network with the setting {lacking[0]!r}, which that of "
                f"{self.space_name} does not take; take another method, or the space darts"
            )
        return needs

    def _check_depth(self) -> None:
        if any(stage.layers for stage in self.stages) and self._depth() is None:
            raise TrainableError(
                f"{self.settings.method} makes its network deeper, and that of {self.space_name} takes none of "
                f"{', '.join(DEPTHS)}; give method_settings={{'added': [0, 0, 0]}}"
            )

    def _depth(self) -> str | None:
        """The setting by which the network grows."""
        takes = inspect.signature(builder_of(self.settings.space)).parameters
        return next((name for name in DEPTHS if name in takes), None)

    def identity(self) -> dict[str, object]:
        """What two searches must share for one to go on from the other's checkpoint, as plain values by name.

        Returns:
            Plain values by name, with the version of the form.
        """
        of = self.settings
        parts = named(weights=of.weights, architect=of.architect)
        return {"version": 1, "space": self.space_name, **self._decisive, **self._searched.identity(), **parts}

    def older_identity(self) -> dict[str, object]:
        """The same, as checkpoints have it that were written before identities had a version.

        Returns:
            Text by name.
        """
        printed = {
            **self._decisive,
            "architect": self.settings.architect,
            "data_settings": getattr(self.task, "data", None),
            "space_name": self.space_name,
            "stages": self.stages,
            "views": getattr(self.task, "views", None),
            "weights": self.settings.weights,
        }
        return {"space": self.space_name, **{name: as_text(value) for name, value in printed.items()}}

    @property
    def _decisive(self) -> dict[str, object]:
        """What decides a search, besides its space and the settings in groups; the stages follow from it."""
        of = self.settings
        return {
            "method": of.method,
            "method_settings": dict(of.method_settings or {}),
            "network": self._network,
            "batch_size": of.batch_size,
            "warmup": METHODS[of.method].warmup,
            "warmup_epochs": of.warmup_epochs,
            "selection": of.selection,
            "start_from": of.start_from,
            "tune_steps": of.tune_steps,
            "eigenvalue": of.eigenvalue,
            "collapse_share": of.collapse_share,
            "stop_on_collapse": of.stop_on_collapse,
            **({"refit_head": True} if of.refit_head else {}),
        }

    @property
    def kept(self) -> dict[str, object]:
        """The flat settings from which an equal search can be built, as JSON; the space by its name."""
        return {**self.given, "space": self.space_name}

    def begin(self, seed: int, epochs: int) -> StagedSearch:
        """Load the data and make the search before its first epoch.

        Args:
            seed: decides everything random.
            epochs: epochs of all stages together.

        Returns:
            The search, in its first stage.

        Raises:
            TrainableError: the data have no validation examples.
        """
        device = device_of(self.settings.device)
        data = self.task.load(device)
        if not len(data.validation):
            raise TrainableError(
                f"{data.name} has no validation examples, from which a search in a supernet learns the architecture; "
                "give a part of the data to validation"
            )
        randomness = Randomness(seed, device)

        def make(stage: SearchStage, kept: Kept, length: int) -> Search:
            return self._search(stage, kept, length, data, randomness)

        return StagedSearch(make, self.stages, epochs)

    def _search(self, stage: SearchStage, kept: Kept, epochs: int, data: TaskData, randomness: Randomness) -> Search:
        device = data.device
        with randomness:
            module = build(self.settings.space, None, **{**self._decided(data), **self._deepened(stage)})
            # On its device before it is relaxed: there the method may measure its options.
            module = placed(module, device)
            method = method_of(self.settings.method, dict(self.settings.method_settings or {}))
            inputs, _ = data.train.rows(torch.arange(min(2, len(data.train)), device=device))
            example = laid_out(data.normalize(inputs), layout_of(module, device))
            supernet = relax(module, method, space=self.space, example=example)
        method.begin_stage(stage, kept)
        start_from = self.settings.start_from
        if start_from is not None:
            take_over(supernet, self._weights_before(Path(start_from)), start_from)
        supernet = supernet.to(device)
        of = self.settings
        warmup = int(METHODS[of.method].warmup * epochs) if of.warmup_epochs is None else of.warmup_epochs
        recipe = SearchRecipe(of.batch_size, of.weights, of.architect, warmup, of.refit_head)
        return Search(supernet, self.task, data, recipe, randomness, epochs)

    @cached_property
    def limits(self) -> PathLimits | None:
        """The limits on what the architecture that is found costs; None without any."""
        given = self.settings.limits
        return PathLimits(given, self.costing, Device.of(self.settings.measured_on)) if given else None

    @cached_property
    def costing(self) -> Learner:
        """Builds and counts the networks of architectures that are trained by themselves."""
        of = self.settings
        if of.trained_network is not None:
            return Learner(task=self.task, space=of.space, **of.trained_network)
        usual = {name: getattr(of.network, name) for name in ("channels", "cells", "layers", "network")}
        return Learner(task=self.task, space=of.space, **usual)

    def learner(self, **settings: object) -> Learner:
        """Make what trains the networks of architectures by themselves, on the task and the data of the search.

        Args:
            settings: of `Learner`, those of the task among them, which replace those of the search.

        Returns:
            The trainable. Without settings of the network it has the sizes that `costing` has.

        Raises:
            TrainableError: there is no such setting, or a setting cannot be.
        """
        of = self.settings
        sizes = {name: getattr(of.network, name) for name in ("channels", "cells", "layers", "network")}
        sizes = dict(of.trained_network) if of.trained_network is not None else sizes
        task = {**self._searched.settings, "name": self._searched.name}
        return Learner(task=task, space=of.space, **{"device": of.device, **sizes, **settings})

    def _decided(self, data: TaskData) -> dict[str, Any]:
        """What the data decide and the network takes."""
        return decided_arguments(self.settings.space, data.arguments())

    def _deepened(self, stage: SearchStage) -> dict[str, Any]:
        """The settings of the network in a stage."""
        depth = self._depth()
        network: dict[str, Any] = dict(self._network)
        if stage.layers and depth is not None:
            usual = inspect.signature(builder_of(self.settings.space)).parameters[depth].default
            network[depth] = network.get(depth, usual) + stage.layers
        return network

    def _weights_before(self, folder: Path) -> dict[str, Any]:
        whole = newest(folder)
        if not (whole / "search.json").exists():
            raise CheckpointError(
                f"start_from is {str(folder)!r}; a search does not exist there; give the folder of one"
            )
        try:
            weights: dict[str, Any] = read_tensors(whole, "search")["search"]["search"]["supernet"]
        except (KeyError, TypeError):
            raise CheckpointError(f"{folder} holds no search; give the folder of one") from None
        return weights

    @cached_property
    def space(self) -> Space | None:
        """The space whose members are found: that of the catalogue where it has the name, else None."""
        space: Any = self.settings.space
        if not isinstance(space, str):
            return cast("Space", space)
        if space not in search_spaces.names():
            return None
        choices: Any = self._network.get("choices") or {}
        shared = {name: self._network[name] for name in SHARED if name in self._network}
        return search_spaces.get(space, **{**choices, **shared})

    def select(self, search: Search, *, is_last: bool) -> Architecture:
        """Find the architecture that a search prefers now.

        Selection by perturbation, and the full evolution over paths, come after the last epoch only.

        Args:
            search: the search in the stage that it is in.
            is_last: whether the last epoch is trained.

        Returns:
            A member of the supernet's space.
        """
        if METHODS[self.settings.method].finds_by_score:
            return self._best_path(search, is_last=is_last)
        if self.settings.selection == "magnitude" or not is_last:
            return discretize(search.supernet)
        generator = torch.Generator().manual_seed(search.epoch)

        def score() -> float:
            return search.criterion.score(search.evaluate(search.data.validation))

        tune = (lambda: search.tune(self.settings.tune_steps)) if self.settings.tune_steps else None
        return discretize_by_perturbation(search.supernet, score, generator, tune)

    def _best_path(self, search: Search, *, is_last: bool) -> Architecture:
        method: Any = search.supernet.method
        sizes = (method.population, method.generations) if is_last else (_GLANCE, 0)

        def score(architecture: Architecture) -> float:
            return search.criterion.score(search.evaluate_member(architecture, search.data.validation))

        draws, limits = Draws.seeded(search.epoch, search.data.device), self.limits
        excess = None if limits is None else limits.excess
        ranked = ranked_paths(search.supernet, score, draws, population=sizes[0], generations=sizes[1], excess=excess)
        return limits.chosen(ranked) if limits is not None and is_last else ranked[0]

    def parameters_of(self, architecture: Architecture, stage: SearchStage, data: TaskData) -> int:
        """Count the weights of the network of an architecture, as deep and wide as the supernet.

        What only the method needs in a supernet, such as partial channels, is left out.

        Args:
            architecture: a member of the space.
            stage: the stage whose depth counts.
            data: the data, which decide arguments of the network.

        Returns:
            The number of weights.
        """
        needs = METHODS[self.settings.method].needs
        network = {name: value for name, value in self._deepened(stage).items() if name not in needs}
        with torch.device("meta"):
            undecided = build(self.settings.space, None, **{**self._decided(data), **network})
            return sum(weight.numel() for weight in freeze(undecided, architecture).parameters())
