"""Numbers for images: what is learned, measured and handed out, in the units of the targets."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
import torch
from pyarrow import parquet
from torch import nn

import search_spaces
from tests.trainables.tasks.numbers import turned, write_turned
from trainables.errors import DataError, TrainableError
from trainables.export.deployed import Deployed
from trainables.export.outputs import in_units
from trainables.export.standardized import described_outputs, metadata
from trainables.tasks.learner import Learner
from trainables.tasks.meters import Errors
from trainables.tasks.registry import make_task
from trainables.tasks.regression import Regression

CELL = search_spaces.get("nb201").sample(0)


def learner(path: Path, **settings: Any) -> Learner:
    return Learner(
        **{"data": str(path), "target": "angle", "task": "regression", "space": "nb201", "device": "cpu"}
        | {"channels": 4, "cells": 1, "batch_size": 16, "lr": 0.05}
        | settings
    )


def made_task(**settings: Any) -> Regression:
    made = make_task(Regression, settings)
    assert isinstance(made, Regression)
    return made


def begun(path: Path, epochs: int = 2, **settings: Any) -> Learner:
    made = learner(path, **settings)
    made.setup(CELL, seed=0, max_epochs=epochs)
    return made


@pytest.mark.slow
def test_it_learns_and_reports_in_units_of_the_targets(tmp_path: Path) -> None:
    made = begun(write_turned(tmp_path), epochs=6)
    reports = [made.step() for _ in range(6)]
    assert list(reports[0])[:6] == ["rmse", "mae", "r2", "loss", "train_loss", "train_rmse"]
    assert reports[-1]["rmse"] < 25 < 43, "the deviation of the targets is 43"
    data = made.task.load(torch.device("cpu"))
    images, targets = data.test.rows(torch.arange(len(data.test)))
    with torch.no_grad():
        outputs = made.network(data.normalize(images))
    found = torch.tensor(made.task.decode(outputs, data))
    error = found - targets[:, 0]
    tested = made.evaluate("test")
    assert tested["rmse"] == pytest.approx(float(error.square().mean().sqrt()), rel=1e-5)
    assert tested["mae"] == pytest.approx(float(error.abs().mean()), rel=1e-5)
    spread = (targets - targets.mean()).square().mean()
    assert tested["r2"] == pytest.approx(float(1 - error.square().mean() / spread), rel=1e-4)


@pytest.mark.slow
def test_it_continues_from_a_checkpoint_to_the_last_bit(tmp_path: Path) -> None:
    path = write_turned(tmp_path)
    whole, first, second = begun(path), begun(path), begun(path)
    expected = [whole.step(), whole.step()][1]
    first.step()
    first.save(tmp_path)
    second.load(tmp_path)
    assert second.step() == expected


def test_the_exported_network_gives_the_units_and_is_still_one_of_its_space(tmp_path: Path) -> None:
    made = begun(write_turned(tmp_path))
    made.step()
    given = made.deployed()
    scaled = in_units(given)
    assert scaled.settings == given.settings
    assert described_outputs(scaled) == "the targets in their own units"
    assert metadata(given, "", raw=True)["output"].startswith("standardized targets: output * output_std")
    data = made.task.load(torch.device("cpu"))
    inputs = data.normalize(data.test.rows(torch.arange(5))[0])
    with torch.no_grad():
        wanted = torch.tensor(made.task.decode(made.network(inputs), data))
        assert torch.allclose(scaled.network(inputs)[:, 0], wanted, rtol=1e-4)


def test_a_network_without_a_last_linear_layer_gets_a_layer_for_the_scale() -> None:
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()).eval()
    inputs = torch.rand(3, 1, 4, 4)
    given = Deployed(network, inputs, "own", {}, {}, output_mean=(10.0, 20.0), output_std=(2.0, 4.0))
    scaled = in_units(given)
    wanted = network(inputs) * torch.tensor([2.0, 4.0]) + torch.tensor([10.0, 20.0])
    assert torch.allclose(scaled.network(inputs), wanted)
    assert scaled.settings is None
    assert in_units(scaled) is scaled


def test_several_numbers_for_each_image(tmp_path: Path) -> None:
    images, angles = turned(60)
    both = np.stack([angles, -1000 * angles], 1)
    path = tmp_path / "two.npz"
    np.savez(path, x=images, y=both)
    made = begun(path, target=None)
    assert made.deployed().settings["num_classes"] == 2
    assert set(made.step()) >= {"rmse", "mae", "r2"}
    data = made.task.load(torch.device("cpu"))
    assert data.train.labels.shape[1] == 2
    assert len(made.task.decode(torch.zeros(3, 2), data)[0]) == 2


def test_errors_of_parts_are_those_of_the_whole() -> None:
    mean, std = torch.tensor([5.0]), torch.tensor([2.0])
    whole = Errors(mean, std, ["rmse", "mae", "r2", "loss"])
    outputs, targets = torch.tensor([[0.0], [1.0], [2.0]]), torch.tensor([[5.0], [7.0], [12.0]])
    whole.add(outputs, targets)
    assert whole.result() == pytest.approx({"rmse": 3**0.5, "mae": 1.0, "r2": 1 - 3 / (26 / 3), "loss": 0.75})
    constant = Errors(mean, std, ["r2", "mae"])
    constant.add(outputs[:1], targets[:1])
    assert constant.result() == {"mae": 0.0}, "the targets do not differ"


def test_targets_far_from_the_training_mean_are_measured_as_precisely() -> None:
    targets = 4000 + torch.linspace(-1, 1, 50)[:, None]
    far = Errors(torch.tensor([0.0]), torch.tensor([1.0]), ["r2", "rmse"])
    far.add(targets + 0.25 * torch.tensor([[1.0], [-1.0]]).repeat(25, 1), targets)
    variance = float(targets.double().var(correction=0))
    assert far.result() == pytest.approx({"r2": 1 - 0.25**2 / variance, "rmse": 0.25}, rel=1e-5)


def encoded(image: Any) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "png")
    return buffer.getvalue()


def test_numbers_from_parquet_from_folders_and_from_a_name(tmp_path: Path) -> None:
    images, angles = turned(30)
    table = pyarrow.table({"image": [encoded(one) for one in images], "kind": [0, 1] * 15, "angle": angles})
    parquet.write_table(table, tmp_path / "t.parquet")
    raw = made_task(data=str(tmp_path / "t.parquet"), target="angle").raw()
    assert raw.train.labels.shape == (30, 1)
    assert float(raw.train.labels[7, 0]) == pytest.approx(angles[7])
    for name in ("0.5", "2"):
        (tmp_path / "f" / name).mkdir(parents=True)
        for place in range(3):
            (tmp_path / "f" / name / f"{place}.png").write_bytes(encoded(images[place]))
    assert sorted(set(made_task(data=str(tmp_path / "f")).raw().train.labels.flatten().tolist())) == [0.5, 2.0]
    assert made_task().raw().train.labels[:3, 0].tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        ({"angle": np.full(120, 3.0)}, {}, ": every target is 3; a regression needs targets that differ"),
        ({"angle": np.r_[np.nan, np.ones(119)]}, {}, "row 0: the target is .*nan.*; it must be a finite number"),
        ({}, {"target": "height"}, r"holds the arrays .*; it needs x \(images\) and height \(labels\)"),
        ({"angle": np.array(["a"] * 120)}, {}, "targets are numbers of shape"),
    ],
)
def test_bad_targets_are_refused(tmp_path: Path, arrays: Any, settings: Any, message: str) -> None:
    path = write_turned(tmp_path, **arrays)
    with pytest.raises(DataError, match=message):
        learner(path, **settings).check()


def test_a_class_that_is_no_number_and_two_targets_are_refused(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(encoded(turned(1)[0][0]))
    with pytest.raises(DataError, match=r"the class 'cat' is not a number, .* give the task classification"):
        learner(tmp_path, target=None).check()
    with pytest.raises(TrainableError, match="target is 'a' and label_column 'b'; they mean the same"):
        learner(tmp_path, target="a", label_column="b")


def test_the_data_suggest_the_task(tmp_path: Path) -> None:
    path = write_turned(tmp_path, y=np.arange(120) % 3)
    guessed = learner(path, task="auto")
    assert guessed.task.name == "regression"
    assert guessed.about()[0].startswith("the task is regression, since the array angle is float64; set task = ")
    classes = learner(path, task="auto", target=None)
    assert classes.task.name == "classification"
    assert "since the targets are classes" in classes.about()[0]
    assert "a number for each image, from 10" in learner(path).about()[0]
