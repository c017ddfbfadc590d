"""Virtual time: trials finish in the order of their costs, and a budget of seconds is one of virtual seconds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import nas_tune
from nas_tune.errors import ConfigError
from tests.nas_tune.benchmarks.tables.made import convolutions, settings


def searched(table_of_cells: Path, folder: Path, **more: object) -> nas_tune.Run:
    table = {"name": "table", **settings(table_of_cells)}
    config = {"strategy": "random", "scheduler": "none", "executor": "simulated", "max_epochs": 3, **more}
    return nas_tune.search("nb201", table, run_dir=folder / "run", **config)  # type: ignore[arg-type]


@pytest.mark.slow
def test_a_budget_of_virtual_seconds_is_kept(table_of_cells: Path, tmp_path: Path) -> None:
    run = searched(table_of_cells, tmp_path, max_seconds=200)
    epochs, trials = run.epochs(), run.trials()
    assert epochs["cost_seconds"].sum() <= 200
    complete = trials[trials["state"] == "complete"]
    # A trial takes 30 to 36 seconds, so that 200 hold 5 or 6.
    assert len(complete) in (5, 6)
    assert epochs["cost_seconds"].sum() > 200 - 36


def test_workers_share_the_time_and_finish_in_order_of_cost(table_of_cells: Path, tmp_path: Path) -> None:
    run = searched(table_of_cells, tmp_path, max_trials=12, workers=3)
    trials = run.trials()
    assert set(trials["state"]) == {"complete"}
    # Three at a time: the last ends after a third of the sum, give or take one trial.
    total = run.epochs()["cost_seconds"].sum()
    end = (trials["ended"].max() - pd.Timestamp(0, tz="UTC")).total_seconds()
    assert total / 3 <= end <= total / 3 + 36
    assert trials["ended"].is_monotonic_increasing
    assert trials["seconds"].sum() == total


def test_a_stopped_run_goes_on_at_the_virtual_time_where_it_was(table_of_cells: Path, tmp_path: Path) -> None:
    first = searched(table_of_cells, tmp_path, max_trials=2)
    assert len(first.trials()) == 2
    more = nas_tune.resume(tmp_path / "run", max_trials=None, max_seconds=200)
    assert more.epochs()["cost_seconds"].sum() <= 200
    assert len(more.trials()) >= 5
    best = more.best(1)
    assert best["value"].iloc[0] == convolutions(json.loads(best["architecture"].iloc[0])) / 6


def test_a_promoted_trial_does_not_pay_again_for_the_epochs_that_are_known(
    table_of_cells: Path, tmp_path: Path
) -> None:
    run = searched(table_of_cells, tmp_path, max_trials=9, scheduler="asha_promote")
    trials = run.trials()
    assert trials["state"].value_counts().to_dict() == {"pruned": 6, "complete": 3}
    assert trials.groupby("state")["epochs"].first().to_dict() == {"complete": 3, "pruned": 1}
    # One worker: the time is the sum of every fidelity once.
    end = (trials["ended"].max() - pd.Timestamp(0, tz="UTC")).total_seconds()
    assert end == run.epochs()["cost_seconds"].sum() == trials["seconds"].sum()


def test_endless_workers_are_refused(table_of_cells: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing bounds simulated workers"):
        searched(table_of_cells, tmp_path, max_trials=2, workers=-1)
