"""A search in a supernet learns any task: regression of images, and one of a user with two inputs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import search_spaces
import search_spaces.nn as choices
from search_spaces import Architecture
from tests.registries import kept
from tests.trainables.tasks.numbers import turned
from tests.trainables.tasks.own_task import Growth
from trainables.errors import TrainableError
from trainables.metrics import modes_of
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.supernet.builder import SearchBuilder
from trainables.supernet.criterion import Criterion
from trainables.supernet.estimator import SharedWeights
from trainables.supernet.methods import METHODS
from trainables.supernet.methods.paths import PathMethod
from trainables.supernet.streams import Stream
from trainables.supernet.trainable import DartsTrainable
from trainables.tasks.classification import Classification
from trainables.tasks.registry import TASKS, make_task

IMAGES, NUMBERS = turned(64)
SMALL: dict[str, Any] = {"space": "nb201", "channels": 2, "cells": 1, "batch_size": 8, "device": "cpu"}


class Undecided(nn.Module):
    """A picture and an age to a height, with a choice of the operation."""

    def __init__(self) -> None:
        super().__init__()
        self.look = choices.LayerChoice(
            {"three": nn.Conv2d(1, 4, 3, padding=1), "one": nn.Conv2d(1, 4, 1)}, label="look"
        )
        self.join = nn.Linear(5, 1)

    def forward(self, image: Tensor, age: Tensor) -> Tensor:
        height: Tensor = self.join(torch.cat((self.look(image).mean((2, 3)), age), 1))
        return height


def undecided(architecture: Any, *, sizes: int = 0) -> nn.Module:
    return Undecided() if architecture is None else choices.freeze(Undecided(), architecture)


@pytest.fixture(autouse=True)
def _registered() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        NETWORKS.register("looks", Family(undecided, undecided=True))
        yield


@pytest.fixture
def angles(tmp_path: Path) -> str:
    np.savez(tmp_path / "angles.npz", x=IMAGES, angle=NUMBERS)
    return str(tmp_path / "angles.npz")


def begun(settings: dict[str, Any], epochs: int = 3) -> DartsTrainable:
    search = DartsTrainable(**settings)
    search.setup(Architecture({}), seed=0, max_epochs=epochs)
    return search


def of_numbers(data: str, method: str, **more: Any) -> dict[str, Any]:
    return {**SMALL, "task": "regression", "data": data, "target": "angle", "method": method, **more}


@pytest.mark.slow
@pytest.mark.parametrize(("method", "settings"), [("darts", {}), ("enas", {"population": 5})])
def test_numbers_are_learned_and_the_architecture_is_judged_by_their_error(
    angles: str, method: str, settings: dict[str, int]
) -> None:
    search = begun(of_numbers(angles, method, method_settings=settings))
    first, *_, last = (search.step() for _ in range(3))
    assert {"rmse", "mae", "loss", "train_rmse", "discrete_rmse"} <= last.keys()
    assert not [name for name in last if "accuracy" in name]
    assert last["train_loss"] < first["train_loss"]
    assert last["gap"] == pytest.approx(last["discrete_rmse"] - last["rmse"])
    tested = search.evaluate("test")
    assert tested["rmse"] > 0
    assert tested["discrete_rmse"] > 0
    modes = modes_of(DartsTrainable, of_numbers(angles, method))
    assert modes["discrete_rmse"] == modes["train_rmse"] == "min"
    assert DartsTrainable.metrics_of(of_numbers(angles, method))[0].name == "discrete_rmse"


@pytest.mark.slow
def test_paths_are_chosen_by_the_lower_error(angles: str) -> None:
    search = begun(of_numbers(angles, "spos", method_settings={"population": 4, "generations": 1}), 1)
    found = search.step()["discrete_rmse"]
    data = search.search.data
    others = [search.search.supernet.space.sample(seed) for seed in range(6)]
    errors = [search.search.evaluate_member(other, data.validation)["rmse"] for other in others]
    assert found <= sorted(errors)[3], "better than the middle of random ones, whose scores are of the same weights"


@pytest.mark.slow
def test_a_task_with_two_inputs_is_searched_saved_and_continued(tmp_path: Path) -> None:
    settings = {
        "space": "looks",
        "task": Growth,
        "method": "darts",
        "batch_size": 4,
        "device": "cpu",
        "warmup_epochs": 0,
    }
    whole, part = begun(settings), begun(settings)
    expected = [whole.step() for _ in range(3)]
    part.step()
    part.save(tmp_path)
    rest = begun(settings)
    rest.load(tmp_path)
    assert [rest.step() for _ in range(2)] == expected[1:]
    assert expected[-1].keys() >= {"mae", "bias", "discrete_mae", "train_mae"}
    assert whole.architecture is not None
    assert set(whole.architecture.tree) == {"look"}


@pytest.mark.slow
def test_shared_weights_score_by_the_task_of_their_supernet(angles: str, tmp_path: Path) -> None:
    search = begun(of_numbers(angles, "spos", method_settings={"population": 4, "generations": 1}), 1)
    search.step()
    search.save(tmp_path / "supernet")
    shared = SharedWeights(checkpoint=str(tmp_path / "supernet"), calibration=16)
    shared.setup(search.search.supernet.space.sample(0), seed=0, max_epochs=1)
    scored = shared.step()
    assert scored.keys() >= {"rmse", "mae", "loss"}
    assert shared.evaluate("validation") == scored
    assert SharedWeights.metrics_of({"checkpoint": str(tmp_path / "supernet")})[0].name == "rmse"


def test_a_checkpoint_names_its_task_except_for_classes_which_had_none_before(angles: str) -> None:
    assert SearchBuilder(of_numbers(angles, "darts")).identity()["task"] == "regression"
    plain = SearchBuilder({**SMALL}).identity()
    assert not plain.keys() & {"task", "label_smoothing", "class_weights", "balanced"}
    assert SearchBuilder({**SMALL, "balanced": True}).identity() == {**plain, "balanced": True}
    assert SearchBuilder({**SMALL, "label_smoothing": 0.1}).identity() == {**plain, "label_smoothing": 0.1}


def test_settings_of_the_task_and_of_the_search_are_told_apart(angles: str) -> None:
    with pytest.raises(TrainableError, match="takes no setting 'targt'; did you mean 'target'"):
        DartsTrainable(**{**of_numbers(angles, "darts"), "targt": 1})
    with pytest.raises(TrainableError, match="whole is True"):
        DartsTrainable(**of_numbers(angles, "darts", whole=True))
    names = DartsTrainable.setting_names({"task": "regression"})
    assert {"task", "target", "validation_share", "method"} <= set(names)
    assert "whole" not in names
    assert "label_smoothing" not in names


def test_the_reward_of_classes_is_accuracy_and_of_numbers_the_negative_loss() -> None:
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]), torch.tensor([0, 1, 1])
    classes = Criterion()
    assert float(classes.reward(logits, labels)) == pytest.approx(2 / 3)
    soft = -(torch.softmax(logits, 1) * torch.log_softmax(logits, 1)).sum(1).mean()
    assert float(classes.distillation(logits, logits)) == pytest.approx(float(soft))
    growth = Criterion(Growth())
    outputs, heights = torch.tensor([[1.0], [2.0]]), torch.tensor([1.5, 2.0])
    assert float(growth.reward(outputs, heights)) == -float(growth.loss(outputs, heights))
    assert float(growth.distillation({"a": outputs}, {"a": outputs + 2})) == pytest.approx(4)


def test_a_score_is_greater_where_the_metric_is_better_and_lowest_without_a_value() -> None:
    assert Criterion(Growth()).score({"mae": 2.0}) == -2
    assert Criterion(Classification()).score({"accuracy": 0.5}) == 0.5
    assert Criterion().score({}) == -torch.inf


def test_classes_are_drawn_as_often_as_the_task_wants(tmp_path: Path) -> None:
    labels = np.array([0] * 80 + [1] * 16)
    np.savez(tmp_path / "few.npz", x=np.zeros((96, 8, 8), np.uint8), y=labels)
    search = begun({**SMALL, "data": str(tmp_path / "few.npz"), "balanced": True, "method": "spos"}, 1)
    stream = search.search._train
    drawn = torch.cat([stream.next()[1] for _ in range(stream.batches)])
    assert 0.25 < float(drawn.float().mean()) < 0.75, "a sixth of the examples, and half of those that are drawn"


def test_an_epoch_of_a_text_is_as_long_as_the_task_says() -> None:
    settings = {"network": {"nodes": 2, "embedding": 4, "hidden": 4}, "batch_size": 8, "device": "cpu"}
    text = {"data": np.arange(600) % 5, "context": 8, "epoch_tokens": 160}
    task = make_task("language", text)
    data = task.load(torch.device("cpu"))
    stream = Stream(data.train, 8, torch.Generator(), lambda generator: task.order(data, generator))
    assert stream.batches == 2  # of 8 examples of 8 tokens
    stream.next()
    stream.load_state_dict(stream.state_dict())
    space = search_spaces.get("recurrent", nodes=2)
    search = begun({"space": space, "method": "enas", "task": "language", **settings, **text})
    assert {"loss", "bits_per_token"} <= search.step().keys()


@pytest.mark.slow
def test_a_method_derived_from_the_base_of_paths_alone_finds_an_architecture(angles: str) -> None:
    class Even(PathMethod):
        """Nothing of its own."""

    with kept(METHODS):
        METHODS.register("evenly", Even)
        found = begun(of_numbers(angles, "evenly"), 2)
        found.step()
        assert found.architecture is not None
        assert (Even().population, Even().generations) == (50, 20)
