"""The bounds of numeric settings are what they were; test_bounds.py and test_checks.py show that bounds are held."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import pkgutil
import sys
from collections import defaultdict

import pytest
import torch

import search_spaces
import trainables
from tests.golden import agrees
from tests.trainables.export.networks import SETTINGS, TASK, TEXTS
from trainables import settings
from trainables.compression import CompressionSettings
from trainables.supernet import METHODS
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.learner import Learner

ALSO = {
    "chain3d": {"image_size": (8, 8, 8)},
    "dints": {"image_size": (8, 8, 8)},
    "unet3d": {"image_size": (8, 8, 8)},
    "mobilenetv3": {"dropout": 0.1},
    "mlp": {"embedding": 4},
    "spectrogram": {"mask_bands": 0.1},
}
OPEN = {"proxylessnas": {"latency_batch": 2}}

MADE = {
    "compression": lambda: CompressionSettings(prune=0.5, epochs=1),
    "image_classifier": lambda: trainables.ImageClassifier(space="nb201"),
    "learner": lambda: Learner(task="classification"),
    "supernet": lambda: DartsTrainable(space="darts", warmup_epochs=1, architecture_lr=0.1),
}


@pytest.fixture
def asked(monkeypatch):
    """What is checked from now on: the bounds by the name of the setting."""
    found, check = defaultdict(set), settings.check_number

    def recorded(name, value, low, high=float("inf"), *, whole=False, open_low=False):
        found[name].add(f"{'above' if open_low else 'at least'} {low}, at most {high}{', whole' * whole}")
        check(name, value, low, high, whole=whole, open_low=open_low)

    for one in pkgutil.walk_packages(trainables.__path__, "trainables."):
        if "ray" not in one.name and not one.name.endswith("__main__"):
            importlib.import_module(one.name)
    for name, module in list(sys.modules.items()):
        if name.startswith("trainables") and vars(module).get("check_number") is check:
            monkeypatch.setattr(module, "check_number", recorded)
    return found


def told(found):
    bounds = {name: sorted(each) for name, each in found.items()}
    found.clear()
    return bounds


@pytest.mark.slow
def test_bounds_of_networks_are_what_they_were(asked):
    bounds = {}
    for family in search_spaces.names():
        given = {**SETTINGS, "recurrent": TEXTS, "enas_recurrent": TEXTS}.get(family, {})
        with torch.device("meta"):
            trainables.build(family, search_spaces.get(family).sample(0), **{**TASK, **given, **ALSO.get(family, {})})
        bounds[family] = told(asked)
    agrees("bounds-networks", bounds, growing=True)


def settings_classes():
    """The dataclasses of settings, which check themselves."""
    modules = [module for name, module in sys.modules.items() if name.startswith("trainables.")]
    found = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    own = [one for one in found if one.__module__.startswith("trainables.") and "__post_init__" in vars(one)]
    return sorted((one for one in own if dataclasses.is_dataclass(one)), key=lambda one: one.__qualname__)


def test_bounds_of_settings_are_what_they_were(asked):
    bounds = {}
    for one in settings_classes():
        open_fields = {field.name: 1 for field in dataclasses.fields(one) if field.init and field.default is None}
        for given in ({}, open_fields, *({name: value} for name, value in open_fields.items())):
            try:
                one(**given)
            except (TypeError, ValueError, AttributeError, trainables.TrainableError):
                continue
        own = {"data_seed", *(field.name for field in dataclasses.fields(one))}
        if kept := {setting: found for setting, found in told(asked).items() if setting in own}:
            bounds[one.__qualname__] = kept
    for name, make in MADE.items():
        make()
        bounds[name] = told(asked)
    for name, method in METHODS.items():
        method(**OPEN.get(name, {}))
        own = inspect.signature(method).parameters
        bounds[f"method {name}"] = {setting: found for setting, found in told(asked).items() if setting in own}
    agrees("bounds-settings", bounds, growing=True)
