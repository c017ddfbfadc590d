"""A search whose task has a loss and metrics of one's own: as objective, resumed, retrained, and on Ray."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.session.trust import named_code
from nas_tune.winners.retrain import retrain
from tests.registries import kept
from tests.trainables.tasks import own_functions
from tests.trainables.tasks.numbers import turned
from trainables.errors import TrainableError
from trainables.tasks.own_measures import MEASURES

IMAGES, NUMBERS = turned(40)
MODULE = own_functions.__name__
SMALL: dict[str, Any] = {"channels": 2, "cells": 1, "batch_size": 8, "device": "cpu"}
KEYS: dict[str, Any] = {"max_trials": 2, "max_epochs": 1, "scheduler": "none", "trainable": SMALL}
ERROR = {"metric": own_functions.error, "mode": "min", "unit": "rad", "low": 0}


def task(**more: Any) -> dict[str, Any]:
    return {"name": "regression", "data": (IMAGES, NUMBERS), "metrics": {"error": ERROR}, **more}


def searched(folder: Path, *, executor: str = "inline", **more: Any) -> nas_tune.Run:
    keys = {"metric": "error", "task": task(loss=own_functions.double_error), **KEYS, **more}
    return nas_tune.search("nb201", run_dir=folder, executor=executor, **keys)


def test_an_own_metric_is_an_objective_everywhere(tmp_path: Path) -> None:
    run = searched(tmp_path / "run")
    assert (run.metric, run.mode, run.unit("error")) == ("error", "min", "rad")
    settings = run.config.trainable.settings
    assert settings["loss"] == f"{MODULE}:double_error"
    assert settings["metrics"]["error"]["metric"] == f"{MODULE}:error"
    best = run.best().iloc[0]
    assert best["error"] == pytest.approx(best["mae"], rel=1e-5)
    assert nas_tune.evaluate(run)["error"] > 0
    nas_tune.resume(run.path, max_trials=3)
    assert len(run.trials()) == 3
    again = retrain(run, seeds=1, epochs=1, baselines=0)
    assert "retrained test_error (rad)" in again.honesty.text()
    assert "error (rad)" in CliRunner().invoke(app, ["best", str(run.path)]).output
    assert nas_tune.report(run).is_file()


def test_a_configuration_names_them(tmp_path: Path) -> None:
    text = f"""
        space = "nb201"
        max_trials = 1
        metric = "error"
        [task]
        name = "regression"
        loss = "torch.nn.functional:huber_loss"
        [task.metrics]
        error = {{ metric = "{MODULE}:error", mode = "min" }}
    """
    config = SearchConfig.from_toml(text)
    assert config.mode == "min"
    assert SearchConfig.from_toml(config.to_toml()) == SearchConfig.from_json(config.to_json()) == config
    given = {**KEYS, "space": "nb201", "task": "regression", "loss": torch.nn.functional.huber_loss, "metric": "error"}
    config = SearchConfig(**given, metrics={"error": ERROR})
    assert (config.mode, config.trainable.settings["loss"]) == ("min", "torch.nn.functional:huber_loss")
    with pytest.raises(TrainableError, match=r"metrics.error: it is unknown whether more of it is better"):
        SearchConfig(**given, metrics={"error": own_functions.error})


@pytest.mark.slow
def test_what_a_script_defines_is_used_here_and_asked_for_elsewhere(tmp_path: Path) -> None:
    with kept(MEASURES):
        doubled = {"metric": lambda outputs, targets: 2 * own_functions.error(outputs, targets), "mode": "min"}
        run = searched(tmp_path / "run", task=task(metrics={"doubled": doubled}), metric="doubled")
        best = run.best().iloc[0]
        assert best["doubled"] == pytest.approx(2 * best["mae"], rel=1e-5)
    with kept(MEASURES), pytest.raises(ConfigError, match="'doubled' was registered by a script or notebook"):
        nas_tune.resume(run.path, max_trials=3)


@pytest.mark.slow
def test_the_code_that_a_run_names_is_listed(tmp_path: Path) -> None:
    named = [str(one) for one in named_code(searched(tmp_path / "run", max_trials=1).meta)]
    assert [f"loss {MODULE}:double_error", f"metric {MODULE}:error"] == [one for one in named if MODULE in one]


@pytest.mark.slow
def test_a_supernet_learns_by_them(tmp_path: Path) -> None:
    method = {"name": "spos", "channels": 2, "cells": 1, "batch_size": 8, "population": 4, "generations": 1}
    run = searched(tmp_path / "run", strategy=method, metric=None, max_trials=1, trainable={"device": "cpu"})
    assert run.metric == "discrete_rmse"
    row = run.epochs().iloc[0]
    assert row["error"] == pytest.approx(row["mae"], rel=1e-5)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
def test_workers_of_ray_find_functions_by_reference_and_get_those_of_a_notebook(tmp_path: Path) -> None:
    with kept(MEASURES):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        exec("def halved(outputs, targets):\n    return (outputs - targets).abs().mean() / 2", namespace)
        metrics = {"error": ERROR, "halved": {"metric": namespace["halved"], "mode": "min"}}
        run = searched(tmp_path / "run", executor="ray", task=task(metrics=metrics), metric="halved")
    rows = run.epochs()
    np.testing.assert_allclose(rows["halved"], rows["error"] / 2, rtol=1e-5)
