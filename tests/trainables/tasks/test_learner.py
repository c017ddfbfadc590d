"""One learner trains any network on any task: here a user's own, with two inputs and its own loss."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import search_spaces
from search_spaces.errors import UnknownNameError
from tests.registries import kept
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.costs.cost import cost_of
from trainables.errors import CheckpointError, DataError, TrainableError
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.protocol import Evaluating, Parallel, Trainable
from trainables.tasks.image_classifier import ImageClassifier
from trainables.tasks.learner import Learner
from trainables.tasks.meters import Means
from trainables.tasks.registry import TASKS, make_task
from trainables.training.batches import called, laid_out, length, mapped
from trainables.trial.checkpoint import read_tensors

ARCHITECTURE = SPACE.sample(0)


@pytest.fixture(autouse=True)
def network() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        NETWORKS.register(SPACE.name, Family(build))
        yield


def begun(epochs: int = 3, seed: int = 0, **settings: Any) -> Learner:
    learner = Learner(task=Growth, space=SPACE, batch_size=10, lr=0.05, device="cpu", **settings)
    learner.setup(ARCHITECTURE, seed=seed, max_epochs=epochs)
    return learner


def test_a_network_with_two_inputs_learns_by_its_own_loss_and_metrics() -> None:
    learner = begun(epochs=8)
    assert isinstance(learner, Trainable)
    assert isinstance(learner, Evaluating)
    assert isinstance(learner, Parallel)
    reports = [learner.step() for _ in range(8)]
    assert list(reports[0]) == ["mae", "bias", "train_loss", "train_mae", "lr", "parameters", "macs", "model_bytes"]
    assert reports[-1]["mae"] < reports[0]["mae"] / 2
    data = learner.task.load(torch.device("cpu"))
    inputs, targets = data.validation.rows(torch.arange(10))
    with torch.no_grad():
        found = called(learner.network, data.normalize(inputs))[:, 0]
    assert reports[-1]["mae"] == pytest.approx(float((found - targets).abs().mean()))
    assert learner.evaluate("test")["bias"] != reports[-1]["bias"]


def test_what_decides_a_training_is_known_before_it_and_is_in_its_checkpoint(tmp_path: Path) -> None:
    learner = begun()
    learner.save(tmp_path)
    fresh = Learner(task=Growth, space=SPACE, batch_size=10, lr=0.05, device="cpu")
    assert fresh.identity(ARCHITECTURE, seed=0, max_epochs=3) == read_tensors(tmp_path, "learner")["of"]
    assert fresh.identity(ARCHITECTURE, seed=1, max_epochs=3) != fresh.identity(ARCHITECTURE, seed=0, max_epochs=3)


def test_it_continues_from_a_checkpoint_to_the_last_bit(tmp_path: Path) -> None:
    whole, first = begun(), begun()
    expected = [whole.step() for _ in range(3)]
    first.step()
    first.save(tmp_path)
    second = begun()
    second.load(tmp_path)
    assert [second.step(), second.step()] == expected[1:]
    with pytest.raises(CheckpointError, match=r"its delta is 1\.0, this one's 2\.0"):
        begun(delta=2.0).load(tmp_path)


def test_costs_count_both_inputs() -> None:
    learner = begun()
    width = ARCHITECTURE.tree["width"]
    macs = 16 * 9 * width + width + 1
    assert learner.cost(ARCHITECTURE).macs == macs == learner.step()["macs"]
    image, age = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1)
    assert cost_of(learner.network, (image, age)).macs == macs


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        (Growth, {"delta": -1}, "delta is -1; it must be above 0"),
        (Growth, {"deltas": 1}, "takes no setting 'deltas'; did you mean 'delta'"),
        (Growth(), {"delta": 1}, "'delta' is a setting, and the task is made already"),
        ({"delta": 1}, {}, "task classification takes no setting 'delta'"),
        (int, {}, "int is not a task: it lacks .*load"),
        ("classification", {"label_smooth": 0.1}, "takes no setting 'label_smooth'; did you mean 'label_smoothing'"),
    ],
)
def test_a_wrong_task_is_refused_at_once(task: object, settings: dict[str, object], message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        Learner(task=task, space=SPACE, **settings)


def test_a_misspelt_name_and_a_space_without_images_are_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'classification'"):
        make_task("clasification")
    with pytest.raises(TrainableError, match="the networks of mlp take rows of numbers and no images"):
        Learner(task="classification", space="mlp")
    with pytest.raises(DataError, match="row 3 has no age; fill it in"):
        Learner(task={"name": Growth, "broken": True}, space=SPACE).check()


def test_where_the_task_was_guessed_the_refusal_of_a_space_says_so(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("a,b\n" + "1.5,2.5\n3.5,0.5\n" * 20)
    with pytest.raises(TrainableError, match=r"no rows of a table; .*; the task is table, since .*set task = "):
        Learner(space="chain1d", data=str(tmp_path / "rows.csv"), target="b")
    with pytest.raises(TrainableError, match="no rows of a table") as refused:
        Learner(space="chain1d", task="table", data=str(tmp_path / "rows.csv"), target="b")
    assert "the task is" not in str(refused.value)


def test_a_registered_task_is_found_by_name() -> None:
    TASKS.register("growth", "tests.trainables.tasks.own_task:Growth")
    assert make_task({"name": "growth", "delta": 2.0}).identity() == {"delta": 2.0, "broken": False}


def test_the_learner_on_digits_is_the_image_classifier() -> None:
    settings: dict[str, Any] = {"space": "nb201", "channels": 2, "cells": 1, "batch_size": 512, "device": "cpu"}
    learner, classifier = Learner(task="classification", shift=2, **settings), ImageClassifier(shift=2, **settings)
    found = []
    for one in (learner, classifier):
        one.setup(search_spaces.get("nb201").sample(1), seed=1, max_epochs=1)
        found.append((one.step(), one.full_recipe(), one.data_checksum(), one.about()))
    assert found[0] == found[1]


def test_batches_are_tensors_tuples_or_dicts() -> None:
    image = torch.zeros(3, 2, 4, 4)
    for batch in (image, (image, image[:, 0]), {"a": image, "b": image[:, 0]}):
        assert length(batch) == 3
        assert length(mapped(lambda one: one[:2], batch)) == 2
    laid = laid_out({"a": image, "b": image[:, 0]}, torch.channels_last)
    assert laid["a"].is_contiguous(memory_format=torch.channels_last)
    assert laid["b"].shape == (3, 4, 4)


def test_a_meter_without_an_example_has_no_value() -> None:
    meter = Means({"one": lambda outputs, targets: targets.sum()}, ["one"])
    assert meter.result() == {}
    meter.add(torch.zeros(2), torch.tensor([1.0, 2.0]))
    meter.add(torch.zeros(1), torch.tensor([6.0]))
    assert meter.result() == {"one": 3.0}
