"""A search with a task: what the configuration takes, and that the rest of the program follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import nas_tune
from nas_tune.config import SearchConfig
from nas_tune.config.problems import ConfigProblems
from nas_tune.errors import ConfigError, ForeignCodeError
from nas_tune.session.trust import check_code, named_code
from nas_tune.winners.retrain.judging import objectives
from nas_tune.winners.retrain.origin import Origin
from search_spaces import get
from tests.registries import kept
from tests.trainables.tasks.numbers import write_turned
from tests.trainables.tasks.own_task import SPACE, Growth, build
from trainables.errors import DataError
from trainables.networks import NETWORKS
from trainables.networks.family import Family
from trainables.tasks.learner import Learner
from trainables.tasks.registry import TASKS

SMALL = {"channels": 2, "cells": 1, "batch_size": 32, "device": "cpu"}


def config(**values: Any) -> SearchConfig:
    return SearchConfig(space="nb201", max_trials=2, **values)


def test_a_task_is_a_setting_of_the_learner_and_gives_metric_and_mode(tmp_path: Path) -> None:
    path = str(write_turned(tmp_path))
    task = {"name": "regression", "data": path, "target": "angle"}
    table = config(task=task, trainable={"lr": 0.01})
    assert table.trainable.plain() == {
        "name": "learner",
        "task": "regression",
        "data": path,
        "target": "angle",
        "lr": 0.01,
    }
    assert (table.metric, table.mode) == ("rmse", "min")
    assert config(task="regression", data=path, target="angle", trainable={"name": "learner", "lr": 0.01}) == table
    assert SearchConfig.from_toml(table.to_toml()) == table
    assert SearchConfig.from_json(table.to_json()) == table
    assert config(task=task, metric="r2").mode == "max"
    assert config(task=task, metric=["mae", "r2"]).mode == ("min", "max")
    assert config(task=task, metric="train_rmse").mode == "min"
    assert config(task=task, metric="parameters", mode="min").mode == "min"
    with pytest.raises(ConfigError, match="mode"):
        config(task=task, metric="kappa")


def test_without_a_name_the_data_decide(tmp_path: Path) -> None:
    path = str(write_turned(tmp_path, y=np.arange(120) % 3))
    assert config(data=path, target="angle").metric == "rmse"
    classes = config(data=path)
    assert (classes.metric, classes.mode, classes.trainable.settings["task"]) == ("accuracy", "max", "auto")
    assert (
        SearchConfig.from_toml(f'space = "nb201"\nmax_trials = 1\n[task]\ndata = "{path}"\ntarget = "angle"').metric
        == "rmse"
    )


@pytest.mark.parametrize("trainable", [{"channels": 2}, {"name": "learner", "channels": 2}])
def test_data_beside_the_settings_of_a_training_make_a_task(trainable: dict[str, Any]) -> None:
    found = config(data="digits", trainable=trainable)
    assert found.trainable.plain() == {"name": "learner", "task": "auto", "data": "digits", "channels": 2}
    classifier = config(data="digits", trainable="image_classifier")
    assert classifier.trainable.plain() == {"name": "image_classifier", "data": "digits"}


def test_configurations_without_a_task_are_what_they_were() -> None:
    plain = config()
    assert plain.trainable.plain() == "image_classifier"
    before = config(trainable={"name": "image_classifier", "data": "digits"})
    assert before.trainable.plain() == {"name": "image_classifier", "data": "digits"}
    supernet = config(task={"name": "classification", "data": "digits"}, strategy="darts")
    assert supernet.trainable.plain() == {"name": "learner", "task": "classification", "data": "digits"}
    assert supernet.metric == "discrete_accuracy"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        (
            {"task": {"name": "regression", "data": "a"}, "trainable": {"data": "b"}},
            ConfigError,
            "trainable.data: .*'b'.*",
        ),
        ({"task": "regression", "data": "a", "trainable": {"data": "b"}}, ConfigError, "give it once"),
        ({"task": "regression", "trainable": "image_classifier"}, ConfigError, "learns classes and no other task"),
        ({"task": "regresion"}, nas_tune.NasTuneError, "did you mean 'regression'"),
        ({"task": 3}, ConfigError, "task: got a int; give its class, with settings beside it"),
        (
            {"task": {"name": "regression", "dat": "a"}},
            ConfigProblems,
            "task.dat: unknown setting; did you mean 'data'",
        ),
        ({"task": "regression", "max_trails": 3}, ConfigError, "max_trails"),
        ({"data": "nowhere.npz"}, DataError, r"nowhere\.npz does not exist"),
        (
            {"task": {"name": "regression", "data": "nowhere.npz"}, "strategy": "darts"},
            DataError,
            r"nowhere\.npz does not exist",
        ),
        (
            {"task": "regression", "batch_size": 8},
            ConfigProblems,
            r"batch_size: unknown key; it says how to train: write it in \[trainable\], in Python trainable=\{'batch",
        ),
        ({"task": "regression", "targt": "y"}, ConfigProblems, "targt: unknown key; did you mean 'target'"),
        ({"task": "regression", "max_trails": 3}, ConfigProblems, "max_trails: unknown key; did you mean 'max_trials'"),
    ],
)
def test_a_wrong_task_is_refused_before_anything_is_written(values: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        nas_tune.search("nb201", max_trials=2, executor="inline", **values)


@pytest.mark.slow
def test_a_regression_is_searched_resumed_and_evaluated(tmp_path: Path) -> None:
    path = write_turned(tmp_path)
    keys: dict[str, Any] = {"data": str(path), "target": "angle", "run_dir": tmp_path / "run", "executor": "inline"}
    run = nas_tune.search("nb201", {"name": "learner", **SMALL}, task="regression", max_trials=2, max_epochs=1, **keys)
    again = nas_tune.resume(run, max_trials=3)
    trials = again.trials()
    assert trials["state"].tolist() == ["complete"] * 3
    assert again.best()["trial"].iloc[0] == trials.loc[trials["rmse"].idxmin(), "trial"]
    assert set(nas_tune.evaluate(again)) == {"rmse", "mae", "r2", "loss"}


def test_a_retraining_is_judged_by_the_metrics_of_the_task(tmp_path: Path) -> None:
    path = str(write_turned(tmp_path))
    settings = {"task": "regression", "data": path, "target": "angle", **SMALL}
    origin = Origin("learner", Learner, settings, get("nb201"))

    class Ran:
        metric, path = "train_rmse", tmp_path
        objectives = SearchConfig(space="nb201", max_trials=1, trainable={"name": "learner", **settings}).objectives
        meta: ClassVar[dict[str, Any]] = {
            "trainable": {"reference": "trainables.tasks.learner:Learner", "registered": True}
        }

    ran: Any = Ran()
    assert objectives(ran, origin, None, None)[0].metric == "test_rmse"
    assert objectives(ran, origin, "r2", None)[0].mode == "max"
    with pytest.raises(ConfigError, match="of the test split learner has rmse and mae and r2 and loss"):
        objectives(ran, origin, "accuracy", None)


def test_a_task_of_ones_own_is_searched_by_its_class(tmp_path: Path) -> None:
    with kept(NETWORKS, TASKS):
        NETWORKS.register(SPACE.name, Family(build))
        keys: dict[str, Any] = {"max_trials": 2, "max_epochs": 2, "executor": "inline", "run_dir": tmp_path / "run"}
        run = nas_tune.search(SPACE, {"name": "learner", "batch_size": 10}, task=Growth, delta=2.0, **keys)
        assert (run.config.metric, run.config.mode) == ("mae", "min")
        assert run.config.trainable.settings["task"] == "tests.trainables.tasks.own_task:Growth"
        assert set(nas_tune.evaluate(run)) == {"mae", "bias"}
        assert "task tests.trainables.tasks.own_task:Growth" in map(str, named_code(run.meta))


def test_a_strangers_task_is_not_imported(tmp_path: Path) -> None:
    meta = {
        "config": {"trainable": {"name": "learner", "task": "evil:Task"}},
        "trainable": {
            "registered": True,
            "reference": "trainables.tasks.learner:Learner",
            "settings": {"task": "evil:Task"},
        },
        "space": {},
    }
    with pytest.raises(ForeignCodeError, match="evil:Task"):
        check_code(meta, tmp_path)


def test_the_task_that_the_data_decided_is_kept_and_not_guessed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(write_turned(tmp_path))
    run = nas_tune.search(
        "nb201", data=path, target="angle", task="auto", trainable={**SMALL}, max_trials=1, max_epochs=1,
        executor="inline", run_dir=tmp_path / "run",
    )  # fmt: skip
    assert run.meta["trainable"]["settings"]["task"] == "regression"

    def guessed(settings: object) -> tuple[str, str]:
        raise AssertionError("the data are asked again")

    monkeypatch.setattr("trainables.tasks.learner.guessed", guessed)
    retrained = nas_tune.retrain(run, top=1, epochs=1, baselines=0, seeds=1, executor="inline")
    assert retrained.run.trials()["state"].tolist() == ["complete"]


@pytest.mark.parametrize("key", ["data", "target"])
def test_a_table_of_ones_own_is_a_task_and_no_trainable(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"trainable.{key}: the trainable table looks .* \[task\] name = \"table\""):
        config(trainable={"name": "table", key: "f.parquet"})
