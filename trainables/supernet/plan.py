"""The settings of a search, checked before anything is loaded, and how a search begins from them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import search_spaces
from search_spaces.nn import freeze
from trainables.data import DataSettings, ImageData, Views, load
from trainables.errors import CheckpointError, TrainableError
from trainables.networks import build, builder_of, sized_network, space_name
from trainables.settings import check_flag, check_mapping, check_name, check_number, check_text
from trainables.supernet.methods import METHODS, method_of
from trainables.supernet.methods.base import Draws, Stage
from trainables.supernet.path_search import best_path
from trainables.supernet.perturbation import discretize_by_perturbation
from trainables.supernet.search import Architect, Search, SearchRecipe
from trainables.supernet.searchable import check_layers, check_searchable
from trainables.supernet.selection import discretize
from trainables.supernet.stages import Kept, StagedSearch
from trainables.supernet.supernet import relax
from trainables.supernet.transfer import take_over
from trainables.training.devices import check_device, device_of, layout_of, placed
from trainables.training.optimization import Optimization
from trainables.training.randomness import Randomness
from trainables.trial.checkpoint import named, read_tensors
from trainables.trial.older_identities import as_text
from trainables.trial.snapshots import newest

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["Plan"]

SELECTIONS = ("magnitude", "perturbation")
DARTS: Mapping[str, Any] = {
    "batch_size": 64,
    "lr": 0.025,
    "weight_decay": 3e-4,
    "architecture_lr": 3e-4,
    "architecture_weight_decay": 1e-3,
}
"""What holds where neither the user nor the method's paper says anything."""
DEPTHS = ("layers", "cells")
"""What builders call the number of cells, of a network or of one of its parts."""
_GLANCE = 4
"""Paths that are scored after an epoch that is not the last."""
SHARED = ("nodes", "operations")
"""Settings that networks and their spaces have in common."""


class Plan:
    """The settings of `DartsTrainable`, whose docstring explains them; `TrainableError` for one that cannot be."""

    def __init__(self, **given: Any) -> None:
        self._given = given
        self._space, self._method = given["space"], given["method"]
        for name in ("method_settings", "network"):
            check_mapping(name, given[name])
        self._method_settings = dict(given["method_settings"] or {})
        method = method_of(self._method, self._method_settings)
        check_searchable(self._space)
        self.stages = method.stages
        self.space_name = space_name(self._space)
        self._network = sized_network(
            self._space, self._needed(given), channels=given["channels"], cells=given["cells"], layers=given["layers"]
        )
        check_layers(self._space, self._network)
        self._check_depth()
        files = (given["image_column"], given["label_column"], given["resize"])
        shares = (given["validation_share"], given["test_share"], given["data_seed"])
        self.data_settings = DataSettings(given["data"], given["data_root"], given["download"], *files, *shares)
        self._views = Views(given["augment"], given["shift"], given["flip"], given["cutout"])
        self._read_training({**DARTS, **method.recipe, **{k: v for k, v in given.items() if v is not None}}, given)
        self._read_ends(given, is_hard=method.is_hard)
        check_text("start_from", given["start_from"], optional=True)
        self._start_from = given["start_from"]
        check_device(given["device"])
        self._device = given["device"]

    def _needed(self, given: Mapping[str, Any]) -> dict[str, object]:
        """The settings of the network with those that the method needs, unless the user sets them."""
        needs = METHODS[self._method].needs
        takes = inspect.signature(builder_of(self._space)).parameters
        lacking = [name for name in needs if name not in takes]
        if lacking:
            raise TrainableError(
                f"{self._method} needs a network with the setting {lacking[0]!r}, which that of {self.space_name} does "
                "not take; take another method, or the space darts"
            )
        return {**needs, **(given["network"] or {})}

    def _check_depth(self) -> None:
        if any(stage.layers for stage in self.stages) and self._depth() is None:
            raise TrainableError(
                f"{self._method} makes its network deeper, and that of {self.space_name} takes none of "
                f"{', '.join(DEPTHS)}; give method_settings={{'added': [0, 0, 0]}}"
            )

    def _depth(self) -> str | None:
        """The setting by which the network grows."""
        takes = inspect.signature(builder_of(self._space)).parameters
        return next((name for name in DEPTHS if name in takes), None)

    def _read_training(self, said: Mapping[str, Any], given: Mapping[str, Any]) -> None:
        check_number("batch_size", said["batch_size"], 2, whole=True)
        if given["warmup_epochs"] is not None:
            check_number("warmup_epochs", given["warmup_epochs"], 0, whole=True)
        self._batch_size, self._warmup_epochs = said["batch_size"], given["warmup_epochs"]
        self._warmup = METHODS[self._method].warmup
        self._weights = Optimization(
            lr=said["lr"],
            weight_decay=said["weight_decay"],
            momentum=said["momentum"],
            warmup=0.0,
            grad_clip=said["grad_clip"],
            amp=said["amp"],
            lr_min=said["lr_min"],
            nesterov=False,
        )
        self._architect = Architect(
            lr=said["architecture_lr"],
            weight_decay=said["architecture_weight_decay"],
            order=said["order"],
            regularizer=said["regularizer"],
            regularization=said["regularization"],
        )

    def _read_ends(self, given: Mapping[str, Any], *, is_hard: bool) -> None:
        check_name("selection", given["selection"], SELECTIONS)
        check_number("tune_steps", given["tune_steps"], 0, whole=True)
        check_number("collapse_share", given["collapse_share"], 0, 1, open_low=True)
        check_flag("eigenvalue", given["eigenvalue"])
        check_flag("stop_on_collapse", given["stop_on_collapse"])
        asked = [
            name
            for name, on in (
                ("selection=perturbation", given["selection"] == "perturbation"),
                ("eigenvalue=true", given["eigenvalue"]),
            )
            if on
        ]
        if given["order"] != "first" and METHODS[self._method].finds_by_score:
            raise TrainableError(
                f"order is {given['order']!r}, and {self._method} has no gradients to carry further; leave it out"
            )
        if asked and is_hard:
            raise TrainableError(
                f"{asked[0]} needs a method that computes all options at once, and {self._method} computes one; leave "
                "it out, or take another method"
            )
        self._selection, self._tune_steps = given["selection"], given["tune_steps"]
        self.eigenvalue, self.collapse_share = given["eigenvalue"], given["collapse_share"]
        self.stop_on_collapse = given["stop_on_collapse"]

    def identity(self) -> dict[str, object]:
        """What two searches must share for one to go on from the other's checkpoint, as plain values by name."""
        settings = named(data=self.data_settings, views=self._views, weights=self._weights, architect=self._architect)
        return {"version": 1, "space": self.space_name, **self._decisive, **settings}

    def older_identity(self) -> dict[str, object]:
        """The same, as checkpoints have it that were written before identities had a version."""
        printed = {
            **self._decisive,
            "architect": self._architect,
            "data_settings": self.data_settings,
            "space_name": self.space_name,
            "stages": self.stages,
            "views": self._views,
            "weights": self._weights,
        }
        return {"space": self.space_name, **{name: as_text(value) for name, value in printed.items()}}

    @property
    def _decisive(self) -> dict[str, object]:
        """What decides a search, besides its space and what has settings of its own; the stages follow from it."""
        return {
            "method": self._method,
            "method_settings": self._method_settings,
            "network": self._network,
            "batch_size": self._batch_size,
            "warmup": self._warmup,
            "warmup_epochs": self._warmup_epochs,
            "selection": self._selection,
            "start_from": self._start_from,
            "tune_steps": self._tune_steps,
            "eigenvalue": self.eigenvalue,
            "collapse_share": self.collapse_share,
            "stop_on_collapse": self.stop_on_collapse,
        }

    @property
    def settings(self) -> dict[str, object]:
        """From which an equal plan can be made, as JSON; the space by its name."""
        return {**self._given, "space": self.space_name}

    def begin(self, seed: int, epochs: int) -> StagedSearch:
        """The search before its first epoch; loads the data."""
        device = device_of(self._device)
        data = load(self.data_settings, device)
        randomness = Randomness(seed, device)

        def make(stage: Stage, kept: Kept, length: int) -> Search:
            return self._search(stage, kept, length, data, randomness)

        return StagedSearch(make, self.stages, epochs)

    def _search(self, stage: Stage, kept: Kept, epochs: int, data: ImageData, randomness: Randomness) -> Search:
        device = data.train.images.device
        network = self._deepened(stage)
        with randomness:
            module = build(
                self._space,
                None,
                num_classes=len(data.classes),
                in_channels=data.in_channels,
                image_size=data.image_size,
                **network,
            )
            # On its device before it is relaxed: there the method may measure its options.
            module = placed(module, device)
            method = method_of(self._method, self._method_settings)
            example = data.normalize(data.train.images[:2], layout_of(module, device))
            supernet = relax(module, method, space=self._bound(), example=example)
        method.begin_stage(stage, kept)
        if self._start_from is not None:
            take_over(supernet, self._weights_before(Path(self._start_from)), self._start_from)
        supernet = supernet.to(device)
        warmup = int(self._warmup * epochs) if self._warmup_epochs is None else self._warmup_epochs
        recipe = SearchRecipe(self._batch_size, self._views.augmentation(data), self._weights, self._architect, warmup)
        return Search(supernet, data, recipe, randomness, epochs)

    def _deepened(self, stage: Stage) -> dict[str, Any]:
        """The settings of the network in a stage."""
        depth = self._depth()
        network: dict[str, Any] = dict(self._network)
        if stage.layers and depth is not None:
            usual = inspect.signature(builder_of(self._space)).parameters[depth].default
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

    def _bound(self) -> Space | None:
        """The space whose members are found: that of the catalogue where it has the name."""
        if not isinstance(self._space, str):
            return self._space  # type: ignore[no-any-return]
        if self._space not in search_spaces.names():
            return None
        choices: Any = self._network.get("choices") or {}
        shared = {name: self._network[name] for name in SHARED if name in self._network}
        return search_spaces.get(self._space, **{**choices, **shared})

    def select(self, search: Search, *, is_last: bool) -> Architecture:
        """The architecture that a search stands at; by perturbation or at length only when it is the last."""
        if METHODS[self._method].finds_by_score:
            return self._best_path(search, is_last=is_last)
        if self._selection == "magnitude" or not is_last:
            return discretize(search.supernet)
        generator = torch.Generator().manual_seed(search.epoch)

        def score() -> float:
            return search.evaluate(search.data.validation).accuracy

        tune = (lambda: search.tune(self._tune_steps)) if self._tune_steps else None
        return discretize_by_perturbation(search.supernet, score, generator, tune)

    def _best_path(self, search: Search, *, is_last: bool) -> Architecture:
        method: Any = search.supernet.method
        sizes = (method.population, method.generations) if is_last else (_GLANCE, 0)

        def score(architecture: Architecture) -> float:
            return search.evaluate_member(architecture, search.data.validation).accuracy

        draws = Draws.seeded(search.epoch, search.data.train.images.device)
        return best_path(search.supernet, score, draws, population=sizes[0], generations=sizes[1])

    def parameters_of(self, architecture: Architecture, stage: Stage, data: ImageData) -> int:
        """How many weights the network of an architecture has by itself, as deep and wide as the supernet.

        What only the method needs of a supernet, such as partial channels, it has not.
        """
        needs = METHODS[self._method].needs
        network = {name: value for name, value in self._deepened(stage).items() if name not in needs}
        with torch.device("meta"):
            undecided = build(
                self._space,
                None,
                num_classes=len(data.classes),
                in_channels=data.in_channels,
                image_size=data.image_size,
                **network,
            )
            return sum(weight.numel() for weight in freeze(undecided, architecture).parameters())

    def said(self, space: Space, architecture: Architecture) -> str:
        """An architecture in the text form of its space, else as JSON."""
        for form in ("to_genotype", "to_string"):
            if hasattr(space, form):
                return str(getattr(space, form)(architecture))
        return architecture.to_json()
