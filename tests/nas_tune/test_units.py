"""Units and intervals of metrics, from the declaration through the ledger to everything that shows them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from rich.console import Console
from typer.testing import CliRunner

import nas_tune
from nas_tune.analysis import compare, explain
from nas_tune.cli.app import app
from nas_tune.cli.lines import LineProgress
from nas_tune.cli.progress import LiveProgress
from nas_tune.cli.units import RunUnits
from nas_tune.dashboards.storage import RunStorage
from nas_tune.dashboards.tensorboard import Board
from nas_tune.errors import NoUsableTrialError
from nas_tune.ledger import Ended, Ledger, Noted, RunState
from nas_tune.winners.retrain import retrain
from search_spaces import Architecture
from tests.nas_tune.winners.retrain.examples import small
from trainables.metrics import Metric

KEYS: dict[str, Any] = {"scheduler": "none", "executor": "inline", "max_epochs": 1, "strategy": "random"}


def heights(architecture: Architecture, *, seed: int = 0, beyond: float = 0.0) -> Iterator[dict[str, float]]:
    worth = {"a": 11.07, "b": 12.5, "c": 14.25}[architecture["op"]]
    yield {"mae": worth, "r2": 0.5 + beyond}


heights.metrics = [Metric("mae", "min", "mm", low=0), Metric("r2", "max", high=1)]  # type: ignore[attr-defined]


def searched(folder: Path, *, seed: int = 0, **more: Any) -> nas_tune.Run:
    keys = {"metric": "mae", "max_trials": 3, **KEYS, **more}
    return nas_tune.search(small(), heights, run_dir=folder, seed=seed, **keys)


def printed(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.output


@pytest.mark.slow
def test_everything_that_shows_a_metric_has_its_unit(tmp_path: Path) -> None:
    run, other = searched(tmp_path / "one"), searched(tmp_path / "two", seed=1)
    assert run.mode == "min"
    assert [run.unit(name) for name in ("mae", "train_mae", "r2", "unknown")] == ["mm", "mm", "", ""]
    assert "mae (mm)" in printed("best", str(run.path))
    shown = printed("compare", str(run.path), str(other.path))
    assert shown.startswith("mae (mm) of complete trials")
    assert compare([run, other]).to_dict()["unit"] == "mm"
    page = (nas_tune.report(run)).read_text(encoding="utf-8")
    assert '<span class="number">11.0700 mm</span>' in page
    assert '"unit":"mm"' in page
    done = retrain(run, trainable=heights, seeds=1, epochs=1, baselines=1)
    assert done.run.unit(done.run.metric) == "mm"
    text = done.honesty.text()
    assert "search mae (mm)" in text
    assert "retrained mae (mm)" in text


def test_a_run_from_before_shows_no_unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(heights, "metrics")
    run = searched(tmp_path / "run", mode="min")
    assert "metrics" not in run.meta
    assert (run.metrics, run.unit("mae")) == ((), "")
    assert "mae (mm)" not in printed("best", str(run.path))
    nas_tune.resume(run.path, trainable=heights, max_trials=4)
    assert len(run.trials()) == 4


def test_different_units_are_warned_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = searched(tmp_path / "one")
    monkeypatch.setattr(heights, "metrics", [Metric("mae", "min", "m")])
    found = compare([run, searched(tmp_path / "two", seed=1)])
    assert found.unit == ""
    assert "mae has different units: mm (one), m (two); its values do not compare" in found.warnings


def test_an_objective_outside_of_its_interval_ends_its_trial(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError, match=r"r2 is 1\.5, and it is declared as at most 1; correct"):
        searched(tmp_path / "run", metric="r2", settings={"beyond": 1.0})
    assert set(nas_tune.open_run(tmp_path / "run").trials()["failure"]) == {"bad_result"}


def test_another_metric_outside_of_its_interval_is_noted_once(tmp_path: Path) -> None:
    run = searched(tmp_path / "run", settings={"beyond": 1.0})
    assert run.state.counts["complete"] == 3
    assert [text for _, text in run.state.notes if text.startswith("r2 is 1.5, and it is declared")]
    assert len(run.state.notes) == 1


def test_displays_of_a_search_show_units(tmp_path: Path) -> None:
    run = searched(tmp_path / "one")
    control = "control HistGradientBoosting: validation mae=11.5 r2=0.25; 1.5 CPU seconds"
    stream, config = io.StringIO(), run.config
    events = [event for event, _ in Ledger.open(run.path, readonly=True).events()]
    for display in (
        LineProgress(Console(file=stream, soft_wrap=True), config, 0.0, unit=run.unit),
        LiveProgress(Console(file=stream, width=100, force_terminal=True), config, str, run.unit),
    ):
        state = RunState()
        with display:
            for event in [*events, Noted(-1, control)]:
                state.apply(event, 1000.0)
                display.on_event(event, state)
            if isinstance(display, LiveProgress):
                Console(file=stream, width=100).print(display.picture())
    shown = stream.getvalue()
    assert "complete  mae 11.0700 mm  1 epoch" in shown
    assert "best 11.0700 mm" in shown
    assert "note: beside, at defaults: HistGradientBoosting: validation mae 11.5000 mm  r2 0.2500; 1.5 CPU" in shown
    assert "best  mae 11.0700 mm  trial" in shown


def test_a_display_finds_the_units_of_a_run_that_begins(tmp_path: Path) -> None:
    places: list[Path | None] = [None]
    unit = RunUnits(lambda: places[0])
    assert unit("mae") == ""
    places[0] = tmp_path / "missing"
    assert unit("mae") == ""
    places[0] = searched(tmp_path / "one").path
    assert (unit("mae"), unit("train_mae"), unit("r2")) == ("mm", "mm", "")


def test_running_trials_have_the_unit_in_their_title(tmp_path: Path) -> None:
    run = searched(tmp_path / "one")
    display = LiveProgress(Console(width=100), run.config, str, run.unit)
    state = RunState()
    for event, when in Ledger.open(run.path, readonly=True).events():
        if isinstance(event, Ended):
            break
        state.apply(event, when)
        display.on_event(event, state)
    stream = io.StringIO()
    Console(file=stream, width=100).print(display.picture())
    assert "mae (mm)" in stream.getvalue()


def test_explanations_and_results_show_units(tmp_path: Path) -> None:
    run = searched(tmp_path / "one")
    assert explain(run).units == {"mae": "mm"}
    shown = printed("explain", str(run.path))
    assert shown.startswith("which decisions mattered to mae (mm)\n")
    assert "trial 0  11.0700 mm  the winner" in shown or "11.0700 mm  the winner" in shown
    assert json.loads(printed("explain", str(run.path), "--json"))["units"] == {"mae": "mm"}
    for table in ("trials", "epochs"):
        assert "mae (mm)" in printed("results", str(run.path), "--table", table)
    assert "mae (mm)" in printed("results", str(run.path), "--sql", "select trial, mae from trials")
    assert "mae (mm)" not in printed("results", str(run.path), "--format", "csv")


def test_pages_and_dashboards_show_units(tmp_path: Path) -> None:
    run = searched(tmp_path / "one")
    page = nas_tune.report(run).read_text(encoding="utf-8")
    assert '"units":{"mae":"mm","train_mae":"mm"}' in page
    study = optuna.load_study(study_name=None, storage=RunStorage(run))
    assert study.metric_names == ["mae (mm)"]
    with Board(run) as board:
        written = b"".join(file.read_bytes() for file in board.folder.glob("*/events*"))
    assert b"mae (mm)" in written
