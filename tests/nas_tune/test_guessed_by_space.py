"""Where a configuration names no task, and the data could be several, the space decides by what its networks take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nas_tune
from nas_tune.config import SearchConfig
from search_spaces.catalogue import SPACES
from trainables.errors import TrainableError
from trainables.networks import NETWORKS
from trainables.tasks.registry import TASKS, guessed, task_of_space

LABELS = np.arange(60) % 3
WAVES = np.random.default_rng(0).normal(size=(60, 32)).astype("float32") + LABELS[:, None]
CHAIN1D: dict[str, Any] = {"name": "chain1d", "depths": [1, 2], "widths": [8, 16]}
KEYS: dict[str, Any] = {"max_trials": 1, "max_epochs": 1, "executor": "inline"}


@pytest.mark.slow
@pytest.mark.parametrize("data", [(WAVES, LABELS), (WAVES.reshape(60, 2, 16), LABELS)])
def test_arrays_are_signals_for_a_space_of_signals(tmp_path: Path, data: Any) -> None:
    run = nas_tune.search(CHAIN1D, data=data, run_dir=tmp_path / "run", **KEYS)
    assert run.meta["trainable"]["settings"]["task"] == "signal"
    said = "the task is signal, since the networks of chain1d take signals; set task = .. for another one"
    assert said in [text for _, text in run.state.notes]
    assert run.metric == "accuracy"
    assert len(nas_tune.resume(run.path, max_trials=2).trials()) == 2


@pytest.mark.slow
def test_the_same_arrays_are_rows_for_a_space_of_tables() -> None:
    config = SearchConfig(space={"name": "mlp", "max_layers": 2}, data=(WAVES, LABELS), **KEYS)
    assert config.metric == "accuracy"
    assert str(config.trainable.settings["data"]).endswith(".parquet")


def test_what_a_space_cannot_take_is_told_with_the_guess() -> None:
    with pytest.raises(TrainableError, match="the networks of nb201 take no rows of a table"):
        nas_tune.search("nb201", data=(WAVES, LABELS), **KEYS)


def test_every_space_of_the_catalogue_has_its_task() -> None:
    tasks = {name: task_of_space(name) for name in NETWORKS.built_in()}
    assert {name for name, task in tasks.items() if task == "signal"} == {"chain1d", "spectrogram"}
    assert {name for name, task in tasks.items() if task == "segmentation"} == {"dints", "unet2d", "unet3d"}
    assert {name for name, task in tasks.items() if task == "table"} == {"mlp", "resnet_mlp", "ft_transformer"}
    assert {name for name, task in tasks.items() if task == "language"} == {
        "transformer_lm",
        "recurrent",
        "enas_recurrent",
    }
    for name, task in tasks.items():
        if task is not None and name in SPACES:
            TASKS.get(task).check_space(TASKS.get(task), name)  # type: ignore[arg-type]
    assert task_of_space("mine") is None
    assert task_of_space(None) is None


def test_a_file_of_images_stays_one_of_images_for_other_spaces(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=WAVES.reshape(60, 4, 8), y=LABELS)
    path = str(tmp_path / "data.npz")
    assert guessed({"data": path, "space": "nb201"})[0] == guessed({"data": path})[0] == "classification"
    assert guessed({"data": path, "space": "chain1d"})[0] == "signal"
