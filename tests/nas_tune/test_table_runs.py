"""A search on a table: the winner, boosted trees beside it in `best` and in the report, and a resume."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.results import Run
from tests.trainables.data.tables.frames import small
from trainables.tasks.registry import guessed

HOW = {"max_trials": 2, "max_epochs": 1, "executor": "inline", "strategy": "random"}


def searched(folder: Path, *, target: str = "good", **task: object) -> Run:
    small(60).to_csv(folder / "rows.csv", index=False)
    space = {"name": "mlp", "max_layers": 2, "max_width": 32}
    data = {"data": str(folder / "rows.csv"), "target": target, **task}
    trainable = {"name": "learner", "batch_size": 8, "device": "cpu"}
    return nas_tune.search(space, trainable=trainable, **data, run_dir=folder / "run", **HOW)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return searched(tmp_path_factory.mktemp("table"), task="table")


def test_boosted_trees_stand_beside_the_best(run: Run) -> None:
    (control,) = run.controls()
    assert control.name == "HistGradientBoosting"
    assert set(control.scores) == {"validation", "test"}
    assert set(control.scores["test"]) == {"auc", "accuracy", "log_loss", "f1"}
    shown = CliRunner().invoke(app, ["best", str(run.path)])
    assert shown.exit_code == 0
    assert "beside, at defaults: HistGradientBoosting: validation auc" in shown.stdout
    page = nas_tune.report(run, run.path / "page.html").read_text(encoding="utf-8")
    assert "Beside the search" in page
    assert "HistGradientBoosting" in page


def test_the_winner_is_tested_and_a_resume_fits_no_trees_again(run: Run) -> None:
    assert set(run.evaluate()) == {"auc", "accuracy", "log_loss", "f1"}
    again = nas_tune.resume(run.path, max_trials=3)
    assert len(again.trials()) == 3
    assert len([text for _, text in again.state.notes if text.startswith("control ")]) == 1


def test_the_table_is_described_in_the_notes(run: Run) -> None:
    notes = [text for _, text in run.state.notes]
    assert any(note.startswith("target good: classification into 2 classes: no, yes") for note in notes)


@pytest.mark.slow
def test_of_a_regression_the_control_has_its_metrics(tmp_path: Path) -> None:
    run = searched(tmp_path, target="size", task={"name": "table", "numbers": "quantile"})
    assert (run.metric, run.mode) == ("rmse", "min")
    (control,) = run.controls()
    assert set(control.scores["test"]) == {"rmse", "mae", "r2"}
    assert control.scores["test"]["rmse"] < 30


def test_rows_without_images_are_taken_for_a_table(tmp_path: Path) -> None:
    small(60).to_csv(tmp_path / "rows.csv", index=False)
    small(60).to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.csv", "rows.parquet"):
        assert guessed({"data": str(tmp_path / name), "target": "good"})[0] == "table"
    assert guessed({"data": "digits"})[0] == "classification"
