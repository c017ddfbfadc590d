"""Searches whose images are changed by transforms of torchvision: configuration, ledger, retraining, card, trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torch import Tensor
from torchvision.transforms import v2

import nas_tune
from nas_tune.config import SearchConfig
from nas_tune.config.files import load_config
from nas_tune.session.trust import named_code
from trainables.errors import TrainableError

NAMES = ["RandomHorizontalFlip", {"name": "ColorJitter", "brightness": [0.8, 1.2]}]
SMALL = {"name": "learner", "channels": 2, "cells": 1, "device": "cpu", "batch_size": 128}


def inverted(image: Tensor) -> Tensor:
    return 16 - image


def config(transforms: Any) -> SearchConfig:
    task = {"name": "classification", "data": "digits", "transforms": transforms}
    return SearchConfig(space="nb201", trainable=SMALL, max_trials=1, task=task)


def test_a_module_stands_in_the_configuration_by_its_names(tmp_path: Path) -> None:
    module = v2.Compose([v2.RandomHorizontalFlip(), v2.ColorJitter(0.2)])
    assert config(module).trainable.settings["transforms"] == NAMES
    beside = {"task": "classification", "data": "digits", "transforms": module}
    assert SearchConfig(space="nb201", trainable=SMALL, max_trials=1, **beside) == config(NAMES)
    assert config(inverted).trainable.settings["transforms"] == f"{__name__}:inverted"
    file = tmp_path / "a.toml"
    file.write_text(
        'space = "nb201"\nmax_trials = 1\n[task]\nname = "classification"\ndata = "digits"\n'
        'transforms = ["RandomHorizontalFlip", {name = "ColorJitter", brightness = 0.2}]\n'
        '[trainable]\nchannels = 2\ncells = 1\ndevice = "cpu"\nbatch_size = 128\n'
    )
    assert load_config(file) == config(module)


def test_what_no_worker_could_build_is_refused_before_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainableError, match="did you mean 'RandomRotation'"):
        config(["RandomRotaton"])
    with pytest.raises(TrainableError, match="no other process could import"):
        config(lambda image: image)


@pytest.mark.slow
def test_a_search_with_transforms_is_resumed_retrained_and_told(tmp_path: Path) -> None:
    task = {"name": "classification", "data": "digits", "transforms": v2.RandomRotation(10)}
    usual = {"task": task, "trainable": SMALL, "max_epochs": 1, "executor": "inline", "run_dir": tmp_path / "run"}
    nas_tune.search("nb201", **{**usual, "max_trials": 1, "strategy": "random"})
    run = nas_tune.resume(tmp_path / "run", max_trials=2)
    assert run.trials()["state"].tolist() == ["complete", "complete"]
    nas_tune.retrain(run, top=1, seeds=1, baselines=0, epochs=1, executor="inline")
    nas_tune.export(run, formats=["safetensors"], folder=tmp_path / "out")
    card = (tmp_path / "out" / "README.md").read_text()
    assert "RandomRotation" in card
    assert "RandomRotation" not in (tmp_path / "out" / "task.json").read_text(), "no prediction needs it"


def test_a_function_of_ones_own_is_code_that_a_foreign_run_names() -> None:
    settings = {"transforms": "aug:views", "task": "classification"}
    assert [str(one) for one in named_code({"trainable": {"settings": settings}})] == ["transforms aug:views"]
