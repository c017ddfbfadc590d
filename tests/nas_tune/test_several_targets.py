"""A search on a table with several targets: by trials, from a file, and to what is exported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.cli.text import brief
from nas_tune.results import Run
from nas_tune.winners.predict import prediction_frame
from tests.trainables.data.tables.frames import small

PLACES = np.arange(240)
TAGS = {"low": (PLACES < 120).astype(int), "odd": PLACES % 2}
KEYS: dict[str, Any] = {"max_epochs": 1, "max_trials": 1, "executor": "inline", "strategy": "random"}
SPACE = {"name": "mlp", "max_layers": 2, "max_width": 32}
HOW = {"name": "learner", "batch_size": 64, "device": "cpu"}


def searched(folder: Path, frame: pd.DataFrame, target: list[str], **more: Any) -> Run:
    task = {"name": "table", "data": frame, "target": target}
    return nas_tune.search(SPACE, task=task, trainable=HOW, run_dir=folder, **{**KEYS, **more})


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return searched(tmp_path_factory.mktemp("table") / "run", small(240, **TAGS), [*TAGS])


def test_a_search_is_by_the_mean_average_precision_beside_boosted_trees(run: Run) -> None:
    assert (run.metric, run.mode) == ("map", "max")
    assert set(nas_tune.evaluate(run)) == {"map", "f1", "auc", "accuracy", "loss"}
    (control,) = run.controls()
    assert control.name == "HistGradientBoosting"
    assert control.scores["test"]["map"] > 0.8
    assert set(control.scores["test"]) == {"map", "f1", "auc", "accuracy", "loss"}


@pytest.mark.slow
def test_a_winner_names_the_classes_of_each_row(run: Run, tmp_path: Path) -> None:
    retrained = nas_tune.retrain(run, epochs=1, baselines=0)
    assert retrained is not None
    nas_tune.export(run, formats=["onnx"], folder=tmp_path / "out")
    for place in (run.path, tmp_path / "out"):
        predictor = nas_tune.load(place)
        found = predictor.predictions(small(5))
        assert all(set(one) <= set(TAGS) for one in found.values)
        frame = prediction_frame(found, predictor.classes)
        assert list(frame) == ["row", "prediction", "probability_low", "probability_odd"]


@pytest.mark.slow
def test_several_numbers_are_predicted_together(tmp_path: Path) -> None:
    frame = small(240, sum=PLACES * 2.0, square=PLACES**2 / 10)
    run = searched(tmp_path / "run", frame, ["sum", "square"])
    assert (run.metric, run.mode) == ("r2", "max")
    assert set(nas_tune.evaluate(run)) == {"rmse", "mae", "r2"}
    assert run.controls()[0].scores["test"]["r2"] > 0.5
    found = nas_tune.load(run.path).predictions(frame[:4])
    assert list(prediction_frame(found, ())) == ["row", "prediction_0", "prediction_1"]


@pytest.mark.slow
def test_a_file_and_the_commands_take_several_targets(tmp_path: Path) -> None:
    small(240, **TAGS).to_csv(tmp_path / "rows.csv", index=False)
    config = tmp_path / "nas.toml"
    made = CliRunner().invoke(
        app,
        ["init", "--data", str(tmp_path / "rows.csv"), "--target", "low", "--target", "odd", "--out", str(config)],
    )
    assert made.exit_code == 0, made.output
    assert 'target = ["low", "odd"]' in config.read_text(encoding="utf-8")
    assert "classification, any of 2 classes a row: low, odd" in made.stderr
    text = config.read_text(encoding="utf-8")
    for key, value in {
        "max_trials": "1",
        "max_epochs": "1",
        "workers": "1",
        "executor": '"inline"',
        "run_dir": f'"{tmp_path}/run"',
    }.items():
        lines = [line for line in text.splitlines() if not line.lstrip("# ").startswith(f"{key} =")]
        text = f"{key} = {value}\n" + "\n".join(lines)
    config.write_text(text, encoding="utf-8")
    searched = CliRunner().invoke(app, ["search", str(config)])
    assert searched.exit_code == 0, searched.output
    told = CliRunner().invoke(app, ["predict", str(tmp_path / "run"), str(tmp_path / "rows.csv")])
    assert told.exit_code == 0, told.output
    assert "probability_odd" in told.stdout
    shown = CliRunner().invoke(app, ["best", str(tmp_path / "run")])
    assert "HistGradientBoosting: validation map" in shown.stdout


def test_a_command_evaluates_the_winner(run: Run) -> None:
    found = nas_tune.evaluate(run)
    shown = CliRunner().invoke(app, ["evaluate", str(run.path)])
    assert shown.stdout.splitlines()[0] == f"map  {brief(found['map'])}"
    as_json = CliRunner().invoke(app, ["evaluate", str(run.path), "--split", "validation", "--json"])
    assert json.loads(as_json.stdout) == nas_tune.evaluate(run, split="validation")
    wrong = CliRunner().invoke(app, ["evaluate", str(run.path), "--split", "tset"])
    assert wrong.exit_code != 0
    assert "the splits are train, validation and test" in wrong.stderr
