"""A retraining on two processes by the command line; one of them is killed in the middle of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.winners.retrain import Retrained
from tests.faults.dying import Dying


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(300)
@pytest.mark.usefixtures("ray_here")
def test_two_devices_retrain_a_network_though_one_of_their_processes_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"channels": 2, "cells": 1, "batch_size": 256, "log": str(tmp_path), "fault": "kill"}
    keys = {"strategy": "random", "scheduler": "none", "executor": "inline", "max_trials": 1, "max_epochs": 1}
    nas_tune.search("nb201", Dying, settings=settings, run_dir=tmp_path / "runs" / "run", **keys)  # type: ignore[arg-type]
    monkeypatch.chdir(tmp_path)
    command = ["retrain", "run", "--devices", "2", "--seeds", "1", "--baselines", "0", "--epochs", "3", "--json"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.stderr
    assert (tmp_path / "killed").exists()
    told = json.loads(done.stdout)
    assert any("2 devices trained each network together" in note for note in told["notes"])

    run = nas_tune.open_run(tmp_path / "runs" / "run" / "retrain")
    trial = run.trials().iloc[0]
    assert (trial["state"], trial["epochs"], trial["lost"]) == ("complete", 3, 1)
    assert list(run.epochs()["epoch"]) == [1, 2, 3]
    # What two have trained is a network of one, and was tested as one.
    made = Retrained(tmp_path / "runs" / "run").trained()
    assert isinstance(made, Dying)
    assert made.evaluate("test")["accuracy"] == pytest.approx(trial["test_accuracy"], abs=1e-6)
    exported = nas_tune.export(tmp_path / "runs" / "run", formats=["safetensors"], folder=tmp_path / "exported")
    assert list((tmp_path / "exported").glob("*.safetensors")), exported
