"""What every task does: those of the package, and one that a user wrote, on data of twenty to forty examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import search_spaces
from search_spaces import Space
from tests.registries import kept
from tests.trainables.tasks.numbers import turned
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.costs.zero_cost import PROXIES
from trainables.errors import DataError, TrainableError
from trainables.export.deployed import check_deployed
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks.learner import Learner
from trainables.tasks.registry import TASKS, make_task
from trainables.training.batches import Batch, called, length


@dataclass(frozen=True)
class Case:
    """A task, with data that it learns from and data that it refuses."""

    task: Any
    settings: dict[str, Any]
    bad: dict[str, Any]
    space: Space
    network: Any = None

    def learner(self, folder: Path, **more: Any) -> Learner:
        values = {**_written(folder, self.settings), "batch_size": 8, "device": "cpu", **(self.network or {}), **more}
        return Learner(task=self.task, space=self.space, **values)


IMAGES, NUMBERS = turned(40)
CELLS = search_spaces.get("nb201")
TEXT = "Now is the winter of our discontent\nmade glorious summer by this sun of York.\n" * 5
SMALL = {"channels": 2, "cells": 1}
CASES = {
    "classification": Case(
        "classification",
        {"data": {"x": IMAGES, "y": np.arange(40) % 2}, "extra_metrics": ["f1", "auc"], "class_weights": "balanced"},
        {"data": {"x": IMAGES, "y": np.arange(40) * 2}},
        CELLS,
        SMALL,
    ),
    "regression": Case(
        "regression",
        {"data": {"x": IMAGES, "y": NUMBERS}},
        {"data": {"x": IMAGES, "y": np.full(40, np.nan)}},
        CELLS,
        SMALL,
    ),
    "language": Case(
        "language",
        {"data": TEXT, "context": 8, "epoch_tokens": 200},
        {"data": "Far too short\n"},
        search_spaces.get("transformer_lm", embeddings=(16, 32), depths=(1, 2)),
    ),
    "language, carried state": Case(
        "language",
        {"data": np.arange(400) % 7, "context": 8},
        {"data": np.arange(400) % 7 - 1},
        search_spaces.get("recurrent", nodes=2),
        {"network": {"embedding": 8, "hidden": 8}},
    ),
    "own": Case(Growth, {}, {"broken": True}, SPACE),
}


def _written(folder: Path, settings: dict[str, Any]) -> dict[str, Any]:
    """The settings with arrays written to a file."""
    if not isinstance(settings.get("data"), dict):
        return settings
    path = folder / "data.npz"
    np.savez(path, **settings["data"])
    return {**settings, "data": str(path)}


@pytest.fixture(autouse=True)
def _network() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        NETWORKS.register(SPACE.name, Family(build))
        yield


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def begun(case: Case, folder: Path, epochs: int = 2) -> Learner:
    learner = case.learner(folder)
    learner.setup(case.space.sample(0), seed=0, max_epochs=epochs)
    return learner


def test_a_step_reports_what_the_task_declares(case: Case, tmp_path: Path) -> None:
    learner = begun(case, tmp_path)
    task = learner.task
    declared = {metric.name: metric for metric in task.metrics}
    assert task.primary in declared
    assert len(declared) == len(task.metrics)
    report = learner.step()
    assert list(report)[: len(declared)] == list(declared)
    assert {"train_loss", f"train_{task.primary}", "lr", "parameters", "macs", "model_bytes"} <= set(report)
    for split in ("train", "validation", "test"):
        found = learner.evaluate(split)
        assert list(found) == list(declared)
        for name, value in found.items():
            assert declared[name].low <= value <= declared[name].high
            assert declared[name].mode in ("max", "min")
    with pytest.raises(DataError, match="the splits are train, validation and test"):
        learner.evaluate("tset")


def test_a_training_continues_to_the_last_bit(case: Case, tmp_path: Path) -> None:
    whole, first, second = (begun(case, tmp_path) for _ in range(3))
    expected = [whole.step(), whole.step()]
    assert first.step() == expected[0]
    first.save(tmp_path)
    second.load(tmp_path)
    assert second.step() == expected[1]
    for mine, theirs in zip(whole.network.parameters(), second.network.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_costs_and_proxies_need_no_set_up(case: Case, tmp_path: Path) -> None:
    learner = case.learner(tmp_path)
    member = case.space.sample(0)
    cost = learner.cost(member)
    assert cost.parameters > 0
    assert cost.macs > 0
    assert learner.zero_cost(member, "parameters", seed=0) == cost.parameters
    assert learner.zero_cost(member, "macs", seed=0) == cost.macs
    example = learner.task.load(torch.device("cpu")).example()
    if isinstance(example, torch.Tensor) and not example.is_floating_point():
        with pytest.raises(TrainableError, match="so use 'parameters' or 'macs'"):
            learner.zero_cost(member, "zico", seed=0)
    elif isinstance(example, torch.Tensor):
        assert all(learner.zero_cost(member, proxy, seed=0) < float("inf") for proxy in PROXIES)
    else:
        with pytest.raises(TrainableError, match="zico needs a network with one input"):
            learner.zero_cost(member, "zico", seed=0)


def test_data_are_the_same_wherever_they_are_asked_for(case: Case, tmp_path: Path) -> None:
    task = case.learner(tmp_path).task
    data = task.load(torch.device("cpu"))
    inputs, targets = data.train.rows(torch.tensor([3, 0]))
    again, _ = data.train.rows(torch.tensor([0]))
    assert length(inputs) == length(targets) == 2
    assert torch.equal(_first(inputs)[1:], _first(again))
    assert length(data.example()) == 1
    moved, _ = task.augment(inputs, targets, data, torch.Generator().manual_seed(0))
    repeated, _ = task.augment(inputs, targets, data, torch.Generator().manual_seed(0))
    assert torch.equal(_first(moved), _first(repeated))
    order = task.order(data, torch.Generator().manual_seed(0))
    assert order.dim() == 1
    assert 0 <= order.min() <= order.max() < len(data.train)
    assert task.identity() == case.learner(tmp_path).task.identity()
    assert task.checksum() == case.learner(tmp_path).task.checksum()


def _first(batch: Batch) -> torch.Tensor:
    while not isinstance(batch, torch.Tensor):
        batch = next(iter(batch.values() if isinstance(batch, dict) else batch))
    return batch


def test_what_is_deployed_answers_as_the_network_does(case: Case, tmp_path: Path) -> None:
    learner = begun(case, tmp_path)
    learner.step()
    deployed = learner.deployed()
    assert deployed.splits["train"] > deployed.splits["test"] > 0
    data = learner.task.load(torch.device("cpu"))
    assert check_deployed(deployed, learner) is deployed
    if deployed.prepare is not None:
        torch.testing.assert_close(deployed.prepare(deployed.raw), deployed.inputs, equal_nan=True)
    with torch.no_grad():
        answers = learner.task.decode(called(deployed.network, deployed.inputs), data)
    assert len(answers) == length(deployed.inputs)


def test_bad_data_are_refused_before_the_first_trial(case: Case, tmp_path: Path) -> None:
    learner = Learner(task=case.task, space=case.space, **_written(tmp_path, case.bad))
    with pytest.raises(DataError) as refused:
        learner.check()
    assert ";" in str(refused.value), "the message has a remedy"


def test_a_setting_that_the_task_does_not_take_is_refused(case: Case) -> None:
    with pytest.raises(TrainableError, match="takes no setting 'nonsense'"):
        make_task(case.task, {"nonsense": 1})
