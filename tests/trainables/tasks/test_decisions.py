"""Decisions of a space that are settings of the training reach the learner, and the network is built without them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import search_spaces
import search_spaces.nn as nn
from search_spaces import Space, choice, const, integer, real
from tests.nas_tune.own_module import Net
from tests.registries import kept
from tests.trainables.tasks import own_task
from trainables import networks
from trainables.data import loading
from trainables.errors import CheckpointError, TrainableError
from trainables.networks import NETWORKS
from trainables.tasks.decisions import OF_SPLIT, DecidedSettings
from trainables.tasks.image_classifier import ImageClassifier
from trainables.tasks.learner import Learner
from trainables.tasks.registry import TASKS, task_settings

pytestmark = pytest.mark.usefixtures("few_digits")

SMALL: dict[str, Any] = {"space": "nb201", "data": "digits", "channels": 2, "cells": 1}
SPACE = search_spaces.get("nb201").beside(
    lr=real(1e-3, 0.1, log=True), batch_size=choice(64, 128), label_smoothing=real(0.0, 0.2)
)


class Shared(own_task.Growth):
    """A task with a split of its own that declares no setting as fixed."""

    def __init__(self, *, validation_share: float = 0.2, delta: float = 1.0) -> None:
        super().__init__(delta=delta)


def learner(**more: Any) -> Learner:
    return Learner(task="classification", **SMALL, **more)


def trained(made: Learner, tree: Any, seed: int = 0) -> dict[str, float]:
    made.setup(tree, seed=seed, max_epochs=1)
    return made.step()


@pytest.mark.slow
def test_a_decided_setting_trains_as_a_given_one() -> None:
    tree = {**SPACE.sample(0).tree, "lr": 0.01, "batch_size": 128, "label_smoothing": 0.0}
    cell = {key: tree[key] for key in search_spaces.get("nb201").sample(0).tree}
    given = {"lr": 0.01, "batch_size": 128, "label_smoothing": 0.0}
    assert trained(learner(), tree) == trained(learner(**given), cell)
    assert trained(ImageClassifier(**SMALL), tree) == trained(ImageClassifier(**SMALL, **given), cell)


@pytest.mark.slow
def test_the_next_architecture_has_its_own_and_data_are_loaded_once() -> None:
    made = learner()
    trained(made, {**SPACE.sample(0).tree, "batch_size": 128})
    before = loading._IMAGES.kept.cache_info().misses
    trained(made, {**SPACE.sample(1).tree, "batch_size": 64, "label_smoothing": 0.1})
    assert loading._IMAGES.kept.cache_info().misses == before
    assert made.tuning().task.label_smoothing == 0.1
    assert made.deployed().architecture.keys() == search_spaces.get("nb201").sample(0).tree.keys()


@pytest.mark.slow
def test_a_checkpoint_of_another_setting_is_refused(tmp_path: Path) -> None:
    made, tree = learner(), SPACE.sample(0).tree
    trained(made, tree)
    made.save(tmp_path)
    made.setup({**tree, "lr": 0.02}, seed=0, max_epochs=1)
    with pytest.raises(CheckpointError, match="lr"):
        made.load(tmp_path)


def test_cost_and_proxies_build_the_network_without_the_settings() -> None:
    tree = SPACE.sample(0).tree
    cell = {key: tree[key] for key in search_spaces.get("nb201").sample(0).tree}
    assert learner().cost(tree) == learner().cost(cell)
    assert learner().zero_cost(tree, "parameters", seed=0) == learner().zero_cost(cell, "parameters", seed=0)


@pytest.mark.parametrize(
    ("decision", "told"),
    [
        ({"lr": real(0.0, 0.1)}, r"lr is decided by the space, which has 0.0 for it, and: lr is 0.0; it must be"),
        ({"lr": choice(0.1, -1.0)}, r"which has -1.0 for it"),
        ({"batch_size": integer(1, 8)}, r"batch_size is decided by the space, which has 1 for it"),
        ({"optimizer": choice("sgd", "adm")}, r"did you mean 'adamw'"),
        ({"label_smoothing": const(2.0)}, r"which has 2.0 for it"),
        ({"ema": choice({"a": real(0.0, 0.5), "b": real(0.5, 0.9)})}, r"ema is decided by the space, which has \{"),
        ({"lrr": real(0.1, 1.0)}, r"lrr is not a decision of nb201 and no setting of the training; did you mean 'lr'"),
    ],
)
def test_what_cannot_be_is_refused_before_a_trial(decision: dict[str, Any], told: str) -> None:
    with pytest.raises(TrainableError, match=told):
        learner().check_decisions(search_spaces.get("nb201").beside(**decision))


def test_a_setting_that_is_given_and_decided_is_refused() -> None:
    with pytest.raises(TrainableError, match=r"lr is decided by the space and given to the trainable \(lr = 0.1\)"):
        learner(lr=0.1).check_decisions(SPACE)


def test_what_decides_the_examples_and_the_network_is_no_setting_of_a_space() -> None:
    space = Space({"test_share": real(0.1, 0.2), "layers": integer(1, 3), "data": choice("a", "b"), "lr": real(0.1, 1)})
    assert learner().decided_by(space) == ["lr"]


def test_a_task_of_ones_own_and_a_module_keep_what_is_theirs() -> None:
    module = nn.Sequential(nn.Conv2d(1, nn.ValueChoice([2, 4], label="momentum"), 3))
    with kept(NETWORKS):
        networks.register("own", module)
        space = nn.space_of(module).beside(delta=real(0.5, 2.0), lr=real(0.1, 1.0))
        assert Learner(task=own_task.Growth, space="own").decided_by(space) == ["delta", "lr"]


def test_a_module_is_built_without_the_settings() -> None:
    with kept(NETWORKS):
        networks.register("own", Net)
        made = Learner(task="classification", space="own", data="digits", batch_size=256)
        assert trained(made, {"width": 2, "act": "relu", "lr": 0.01})["accuracy"] > 0
        assert made.network.stem.out_channels == 2


@pytest.mark.parametrize("task", TASKS.built_in())
def test_settings_of_the_examples_and_their_parts_are_no_decisions(task: str) -> None:
    """Whatever chooses the data or the split, of every task: two architectures would be measured on other examples."""
    kind = TASKS.get(task)
    decided = DecidedSettings("nb201", kind, dict)
    names = task_settings(kind)
    chosen = [name for name in names if name in OF_SPLIT or name in ("data", "target", "data_root", "kind", "window")]
    assert {"data_root", "whole"} < set(chosen)
    assert set(chosen).isdisjoint(decided.settings)
    for name in chosen:
        space = search_spaces.get("nb201").beside(**{name: choice(0.1, 0.3)})
        told = rf"{name} is decided by the space, which has 0.1 or 0.3 for it, .*; take it out .*, in \[task\]"
        with pytest.raises(TrainableError, match=told):
            decided.check(space, {}, dict)


def test_how_often_an_architecture_is_trained_is_no_decision() -> None:
    with pytest.raises(TrainableError, match=r"repeats is decided by the space, which has 1 or 3 .*, in \[trainable\]"):
        learner().check_decisions(search_spaces.get("nb201").beside(repeats=integer(1, 3)))


def test_a_builder_of_ones_own_may_have_decisions_of_these_names_but_none_of_the_split() -> None:
    with kept(NETWORKS):
        networks.register("mine", lambda architecture, **_: None)
        decided = DecidedSettings("mine", TASKS.get("signal"), dict)
        decided.check(Space({"kind": choice("a", "b"), "step": integer(1, 2)}, name="mine"), {}, dict)
        assert decided.names({"kind": "a", "step": 1, "lr": 0.1}) == ["lr"]
        with pytest.raises(TrainableError, match=r"test_share is decided by the space, which has 0.1 or 0.3"):
            decided.check(Space({"test_share": real(0.1, 0.3)}, name="mine"), {}, dict)


def test_a_task_of_ones_own_has_no_decided_split_either() -> None:
    assert "validation_share" not in DecidedSettings("own", Shared, dict).settings
