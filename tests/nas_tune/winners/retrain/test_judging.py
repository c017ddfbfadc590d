"""By which metric the retrained are judged: its mode is said by the run, by the trainable or by the call."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.errors import ConfigError
from nas_tune.winners.retrain import retrain
from nas_tune.winners.retrain.plan import folders, plan
from search_spaces import Architecture
from tests.nas_tune.winners.retrain.examples import small
from trainables.errors import TrainableError
from trainables.metrics import modes_of
from trainables.tasks.image_classifier import ImageClassifier

GRID = {"name": "grid", "order": "lexicographic"}
KEYS: dict[str, Any] = {"strategy": GRID, "scheduler": "none", "executor": "inline", "max_epochs": 1, "max_trials": 6}


def scored(architecture: Architecture, *, seed: int = 0) -> Iterator[dict[str, float]]:
    """The greater the score the smaller the error, and both bear names that say nothing."""
    worth = {"a": 0.1, "b": 0.2, "c": 0.4}[architecture["op"]] + 0.05 * architecture["wide"]
    yield {"score": worth, "mae": 1 - worth, "logloss": worth}


def declared(architecture: Architecture) -> Iterator[dict[str, float]]:
    yield from scored(architecture)


declared.modes = {"score": "max", "mae": "min", "logloss": "max"}  # type: ignore[attr-defined]


def searched(folder: Path, trainable: Any = scored, **more: Any) -> nas_tune.Run:
    return nas_tune.search(
        small(), trainable, run_dir=folder / "run", **{**KEYS, "metric": "score", "mode": "max", **more}
    )


def test_a_mode_that_nobody_says_is_asked_for_before_anything_is_trained(tmp_path: Path) -> None:
    run = searched(tmp_path)
    for metric in ("mae", "logloss"):  # the ending of the second would have been taken for a word
        with pytest.raises(
            ConfigError, match=rf"metric '{metric}': it is unknown whether .* mode='max' or mode='min' \(--mode"
        ):
            retrain(run, metric=metric, seeds=1, epochs=1, trainable=scored)
    with pytest.raises(ConfigError, match="mode is 'less'; it is 'max' or 'min'"):
        retrain(run, metric="mae", mode="less", trainable=scored)
    assert folders(run.path) == []


@pytest.mark.slow
def test_the_worse_network_is_regretted_whatever_the_metric_is_called(tmp_path: Path) -> None:
    run = searched(tmp_path, mode="min")  # so that the search puts the worst first
    found = retrain(run, top=6, baselines=0, metric="mae", mode="min", seeds=1, epochs=1, trainable=scored)
    assert (found.run.config.metric, found.run.config.mode) == ("mae", "min")
    assert found.honesty.regret is not None
    assert found.honesty.regret.value == pytest.approx(0.45 - 0.1)
    assert "is better" in found.honesty.text()


def test_the_trainable_or_the_run_says_it_once(tmp_path: Path) -> None:
    run = searched(tmp_path, declared)
    assert plan(run, metric="mae", trainable=declared).config.mode == "min"
    assert plan(run, metric="logloss", trainable=partial(declared)).config.mode == "max"
    assert plan(run, metric="score", mode="max", trainable=declared).config.mode == "max"
    with pytest.raises(ConfigError, match=r"mode is 'max', but .*:declared.modes declares 'min' for 'mae'"):
        plan(run, metric="mae", mode="max", trainable=declared)
    with pytest.raises(ConfigError, match="mode is 'min', but the run declares 'max' for 'score'"):
        plan(run, mode="min", trainable=declared)
    # The run's own word comes first: it decided what the search looked for.
    assert plan(searched(tmp_path / "2", declared, mode="min"), trainable=declared).config.mode == "min"


def test_a_search_takes_the_mode_from_what_it_is_given(tmp_path: Path) -> None:
    run = searched(tmp_path, declared, metric=["mae", "logloss"], mode=None, strategy="random")
    assert [(one.metric, one.mode) for one in run.objectives] == [("mae", "min"), ("logloss", "max")]
    with pytest.raises(ConfigError, match="mode"):
        searched(tmp_path / "2", declared, metric=["mae", "unheard"], mode=None)
    with pytest.raises(ConfigError, match="mode"):
        searched(tmp_path / "3", scored, metric="mae", mode=None)


def test_modes_that_are_none_are_refused() -> None:
    def wrong(architecture: Architecture) -> Iterator[dict[str, float]]:
        yield {}

    wrong.modes = {"mae": "less"}  # type: ignore[attr-defined]
    with pytest.raises(TrainableError, match=r"wrong.modes is \{'mae': 'less'\}; it maps names"):
        modes_of(wrong)
    assert modes_of(ImageClassifier, {})["loss"] == "min"


def test_a_metric_that_a_function_does_not_report_is_told_before_the_training(tmp_path: Path) -> None:
    run = searched(tmp_path)
    with pytest.raises(ConfigError, match=r"metric is 'mea', which .* does not report; did you mean 'mae'.* score"):
        retrain(run, metric="mea", mode="min")
    with pytest.raises(ConfigError, match=r"which .*scored does not report"):
        retrain(run, metric="mea", mode="min", trainable=scored)
    assert plan(run, metric="mea", mode="min", trainable=declared).config.metric == "mea", "it may report that"
    assert folders(run.path) == []
    done = CliRunner().invoke(app, ["retrain", str(run.path), "--metric", "f1", "--mode", "max"])
    assert (done.exit_code, "it reported" in done.stderr) == (2, True)
    done = CliRunner().invoke(app, ["retrain", str(run.path), "--metric", "mae"])
    assert (done.exit_code, "--mode" in done.stderr) == (2, True)


@pytest.mark.slow
def test_a_classifier_with_a_test_of_its_own_may_be_judged_by_it(tmp_path: Path) -> None:
    small = {"channels": 1, "cells": 1, "batch_size": 512, "augment": False}
    run = nas_tune.search("nb201", FScored, settings=small, run_dir=tmp_path / "r", **{**KEYS, "max_trials": 1})
    assert plan(run, metric="f1", mode="max", trainable=FScored).config.metric == "test_f1"
    with pytest.raises(ConfigError, match="of the test split image_classifier has accuracy and loss"):
        plan(run, metric="f1", mode="max", trainable="image_classifier")
    assert plan(run, metric="loss", trainable="image_classifier").config.mode == "min"


class FScored(ImageClassifier):
    """Another test; trains nothing."""

    def step(self) -> dict[str, float | int]:
        return {"accuracy": 0.5}

    def evaluate(self, split: str) -> dict[str, float]:
        return {"f1": 0.5}


def test_a_misspelt_metric_is_told_before_the_trainable_that_only_its_script_has(tmp_path: Path) -> None:
    def local(architecture: Architecture) -> Iterator[dict[str, float]]:
        yield {"score": 0.5, "mae": 1.0}

    run = searched(tmp_path, local, max_trials=1)
    with pytest.raises(ConfigError, match=r"metric is 'scor', which no trial of .* reported; did you mean 'score'\?"):
        retrain(run, metric="scor")
    with pytest.raises(ConfigError, match="mode is 'less'"):
        retrain(run, mode="less")
    for known in ({}, {"metric": "mae", "mode": "min"}):
        with pytest.raises(ConfigError, match=r"was defined in a script .* retrain from there"):
            retrain(run, **known)
