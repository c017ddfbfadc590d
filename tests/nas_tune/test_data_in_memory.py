"""Searches whose data are objects: the run keeps a copy, by which everything later works without the object."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import Dataset

import nas_tune
from nas_tune.config import SearchConfig
from nas_tune.config.files import load_config
from nas_tune.errors import NasTuneError, ResumeRefusedError
from nas_tune.results import Run
from trainables import kept_data
from trainables.tasks.learner import Learner

IMAGES = np.random.default_rng(0).random((30, 8, 8)).astype(np.float32)
LABELS = np.array(["left", "right", "up"])[np.arange(30) % 3]
ROWS = pd.DataFrame(
    {"size": [1.0, None, 3.0, 4.5] * 15, "kind": ["a", "b", None] * 20, "price": np.arange(60) * 1.5 + 0.25}
)
MLP = {"name": "mlp", "max_layers": 2, "max_width": 32}
SMALL = {"name": "learner", "channels": 2, "cells": 1, "device": "cpu"}


def searched(folder: Path, space: Any = "nb201", **how: Any) -> Run:
    trainable = {"name": "learner", **(SMALL if space == "nb201" else {})}
    how = {"trainable": trainable, "strategy": "random", "task": "auto", **how}
    usual = {"max_trials": 1, "max_epochs": 1, "executor": "inline", "run_dir": folder}
    return nas_tune.search(space, **{**usual, **how})


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """What another process knows: no folder with copies of data, and nothing in memory."""
    from trainables.data import loading, reading
    from trainables.data.tables import loading as tables

    monkeypatch.setattr(kept_data, "_places", [])
    monkeypatch.setattr(kept_data, "_own", [])
    for cached in (loading._IMAGES.kept, reading._load_raw, tables._read, tables._drawn, tables._load):
        cached.cache_clear()


@pytest.mark.slow
def test_a_moved_run_has_its_data(tmp_path: Path, elsewhere: None) -> None:
    run = searched(tmp_path / "run", data=(IMAGES, LABELS))
    (file,) = (run.path / "data").iterdir()
    assert run.config.trainable.settings["data"] == f"data/{file.name}"
    notes = [text for _, text in run.state.notes]
    assert any("the given data: 19 images to train on" in note and "left, right, up" in note for note in notes)
    assert any(f"the run keeps a copy of the data: data/{file.name}, " in note for note in notes)
    config = run.config
    shutil.move(run.path, tmp_path / "moved")
    kept_data._places.clear()
    assert load_config(tmp_path / "moved" / "config.toml") == config
    kept_data._places.clear()
    again = nas_tune.resume(tmp_path / "moved", max_trials=2)
    assert len(again.trials()) == 2
    assert set(nas_tune.evaluate(again)) == {"accuracy", "loss"}


@pytest.mark.slow
def test_a_retraining_has_the_data_of_its_run(tmp_path: Path, elsewhere: None) -> None:
    run = searched(tmp_path / "run", data=(IMAGES, LABELS))
    folder, data = nas_tune.retrain(run, seeds=1, epochs=1, baselines=0).path, run.config.trainable.settings["data"]
    kept_data._places.clear()
    kept_data.add_place(folder)  # as a worker does
    assert kept_data.kept_file(data) is not None


def test_equal_data_are_the_same_search_and_others_are_refused(tmp_path: Path) -> None:
    searched(tmp_path / "run", data=(IMAGES, LABELS))
    again = searched(tmp_path / "run", data=(list(IMAGES), LABELS.tolist()), resume=True)
    assert len(again.trials()) == 1
    with pytest.raises(ResumeRefusedError, match="trainable was"):
        searched(tmp_path / "run", data=(IMAGES, LABELS[::-1]), resume=True)


def test_a_frame_is_a_table() -> None:
    config = SearchConfig(space=MLP, data=ROWS, target="price", max_trials=1)
    assert (config.metric, config.trainable.settings["target"]) == ("rmse", "price")
    assert SearchConfig(space=MLP, data=ROWS.copy(), target="price", max_trials=1) == config
    assert SearchConfig(space=MLP, data=ROWS[::-1], target="price", max_trials=1) != config


@pytest.mark.parametrize(
    ("data", "task", "metric"),
    [
        ((IMAGES, LABELS), "classification", "accuracy"),
        ((IMAGES, np.arange(30) / 7), "regression", "rmse"),
        ((IMAGES[:, 0], LABELS), "table", "accuracy"),
        ((IMAGES[:, 0].tolist(), list(np.arange(30) / 7)), "table", "rmse"),
    ],
)
def test_the_task_is_guessed_from_the_object(data: Any, task: str, metric: str) -> None:
    config = SearchConfig(space="mlp", data=data, max_trials=1)
    assert config.metric == metric
    assert Learner.task_of(config.trainable.settings).name == task
    assert Learner.task_of({"task": task, "data": data}).name == task


@pytest.mark.parametrize("where", ["beside", "task", "trainable"])
def test_the_object_may_stand_in_each_place(where: str) -> None:
    data = (IMAGES, LABELS)
    given = {
        "beside": {"task": "classification", "data": data},
        "task": {"task": {"name": "classification", "data": data}},
        "trainable": {"trainable": {"name": "image_classifier", "data": data}},
    }
    settings = SearchConfig(space="chain", max_trials=1, **given[where]).trainable.settings
    assert kept_data.is_kept(settings["data"])


def test_a_refused_search_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NasTuneError, match="without gaps"):
        searched(tmp_path / "run", data=(IMAGES, np.arange(30) % 3 + 1))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_the_process_keeps_no_second_copy(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", data=(IMAGES + 1, LABELS))
    file = kept_data.kept_file(run.config.trainable.settings["data"])
    assert file is not None
    assert file.parent.parent == run.path


class Streamed(Dataset[Any]):
    """Images that are never in memory together."""

    def __len__(self) -> int:
        return len(LABELS)

    def __getitem__(self, row: int) -> Any:
        return torch.from_numpy(IMAGES[row][None]), LABELS[row]


@pytest.mark.slow
def test_a_data_set_that_is_streamed_is_searched_resumed_and_judged_as_one_in_memory(
    tmp_path: Path, elsewhere: None
) -> None:
    found = []
    for name, stream in (("inside", False), ("streamed", True)):
        task = {"name": "classification", "data": Streamed(), "stream": stream}
        run = searched(tmp_path / name, task=task, trainable={key: SMALL[key] for key in SMALL if key != "name"})
        notes = "; ".join(text for _, text in run.state.notes)
        assert ("2 threads read them while the network trains" in notes) == stream
        shutil.move(run.path, tmp_path / f"moved-{name}")
        kept_data._places.clear()
        again = nas_tune.resume(tmp_path / f"moved-{name}", max_trials=2)
        found.append((again.trials()[["loss", "accuracy"]].to_numpy().tolist(), nas_tune.evaluate(again)))
    assert found[0] == found[1]
