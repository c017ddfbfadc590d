"""Searches on Ray's workers: they find what a search in one process finds, and workers may die."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.errors import ConfigError, InfeasibleError, NoUsableTrialError
from search_spaces import Architecture
from tests.faults.processes import start
from tests.faults.tables import assert_same
from tests.faults.walker import Walker, epochs_trained

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_here")]


HIT = {f"edge_{a}_{b}": "nor_conv_3x3" for a, b in ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))}
"""The architecture that the walker's faults befall."""


def search(folder: Path, *, settings: dict[str, Any] | None = None, **keys: Any) -> nas_tune.Run:
    values: dict[str, Any] = {
        "strategy": {"name": "evolution", "population": 6, "sample": 2},
        "scheduler": "asha",
        "max_trials": 12,
        "max_epochs": 4,
        "workers": 2,
        "seed": 3,
        **keys,
    }
    return nas_tune.search("nb201", Walker, settings=settings, run_dir=folder, **values)


def test_one_worker_finds_what_one_process_finds(tmp_path: Path) -> None:
    search(tmp_path / "ray", workers=1)
    search(tmp_path / "inline", workers=1, executor="inline")
    assert_same(tmp_path / "ray", tmp_path / "inline")
    assert not (tmp_path / "ray" / "ray").exists(), "what Ray Tune writes is scratch"


def test_one_worker_promotes_what_one_process_promotes(tmp_path: Path) -> None:
    search(tmp_path / "ray", workers=1, scheduler="asha_promote", settings={"log": str(tmp_path)})
    trained = Counter(epochs_trained(tmp_path))
    search(tmp_path / "inline", workers=1, scheduler="asha_promote", executor="inline")
    assert_same(tmp_path / "ray", tmp_path / "inline")
    # A promoted trial went on from its checkpoint.
    assert max(trained.values()) == 1
    assert max(epoch for _, epoch in trained) == 4


@pytest.mark.slow
def test_the_last_paused_trials_are_promoted_while_another_worker_is_idle(tmp_path: Path) -> None:
    run = search(tmp_path / "run", scheduler="asha_promote", settings={"log": str(tmp_path), "slow": 0.02}, workers=2)
    trials = run.trials()
    assert set(trials["state"]) == {"complete", "pruned"}
    assert max(Counter(epochs_trained(tmp_path)).values()) == 1
    # Nothing is left that Algorithm 2 would promote: a third of the twelve went on, a third of those to the end.
    assert (trials["epochs"] > 1).sum() >= 4
    assert (trials["state"] == "complete").sum() >= 1


def test_two_workers_run_every_trial_once(tmp_path: Path) -> None:
    run = search(tmp_path / "run", settings={"log": str(tmp_path)}, max_trials=16)
    trials = run.trials()
    assert trials["trial"].tolist() == list(range(16))
    assert set(trials["state"]) <= {"complete", "pruned"}
    assert trials["architecture_id"].is_unique
    assert max(Counter(epochs_trained(tmp_path)).values()) == 1


def some_are_slower(architecture: Architecture) -> Iterator[dict[str, float]]:
    rng = random.Random(architecture.id)
    for _ in range(3):
        time.sleep(0.03 * rng.random())
        yield {"accuracy": rng.random()}


@pytest.mark.slow
def test_several_workers_find_what_one_process_finds_where_that_is_asked_for(tmp_path: Path) -> None:
    keys: dict[str, Any] = {
        "strategy": {"name": "evolution", "population": 6, "sample": 2},
        "scheduler": "asha_promote",
        "max_trials": 14,
        "max_epochs": 3,
        "deterministic": True,
        "batch": 6,
    }
    run = nas_tune.search("nb201", some_are_slower, run_dir=tmp_path / "ray", workers=2, **keys)
    nas_tune.search("nb201", some_are_slower, run_dir=tmp_path / "inline", executor="inline", **keys)
    assert_same(tmp_path / "ray", tmp_path / "inline")
    # They did run at once: not every trial ended before the next one began.
    assert (run.trials()["ended"] > run.trials()["ended"].shift(-1)).any()


def test_a_trial_whose_worker_was_killed_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    settings = {"log": str(tmp_path), "fault": "kill"}
    keys: dict[str, Any] = {"strategy": "random", "scheduler": "none", "max_trials": 4, "enqueue": [HIT]}
    run = search(tmp_path / "run", settings=settings, **keys)
    trials = run.trials()
    hit = trials["arch.edge_0_1"] == "nor_conv_3x3"
    assert hit.any()
    assert trials.loc[hit, "lost"].tolist() == [1] * hit.sum()
    assert not trials.loc[~hit, "lost"].any()
    # The epoch of the kill had not been trained: no epoch was trained twice, so the checkpoint was used.
    assert max(Counter(epochs_trained(tmp_path)).values()) == 1
    search(tmp_path / "whole", executor="inline", **keys | {"workers": 1})
    assert_same(tmp_path / "run", tmp_path / "whole")


@pytest.mark.slow
def test_a_trial_that_always_kills_its_worker_fails_and_the_others_do_not(tmp_path: Path) -> None:
    run = search(tmp_path / "run", settings={"fault": "exit"}, max_retries=1, max_trials=10)
    trials = run.trials()
    hit = trials["arch.edge_0_1"] == "nor_conv_3x3"
    reached = hit & (trials["epochs"] >= 1) & (trials["state"] != "pruned")
    assert reached.any()
    assert set(trials.loc[reached, "failure"]) == {"error"}
    assert trials.loc[reached, "message"].str.contains("worker died 2 times").all()
    assert (trials.loc[~hit, "state"] != "failed").all()


@pytest.mark.parametrize(
    ("fault", "kind"), [pytest.param("nan", "diverged", marks=pytest.mark.slow), ("error", "error")]
)
def test_a_training_that_fails_is_named_and_the_search_goes_on(fault: str, kind: str, tmp_path: Path) -> None:
    run = search(tmp_path / "run", settings={"fault": fault}, scheduler="none", max_trials=10)
    trials = run.trials()
    hit = trials["arch.edge_0_1"] == "nor_conv_3x3"
    assert hit.any()
    assert set(trials.loc[hit, "failure"]) == {kind}
    assert (trials.loc[~hit, "state"] == "complete").all()
    if fault == "error":
        assert trials.loc[hit, "traceback"].str.contains("the walker stumbled").all()


@pytest.mark.slow
def test_a_hung_epoch_ends_its_trial_with_the_place_where_it_hung(tmp_path: Path) -> None:
    run = search(
        tmp_path / "run",
        settings={"fault": "hang"},
        scheduler="none",
        max_trials=2,
        workers=1,
        epoch_timeout=1.0,
        strategy="random",
        enqueue=[HIT, {**HIT, "edge_0_1": "none"}],
    )
    trials = run.trials()
    hit = trials["arch.edge_0_1"] == "nor_conv_3x3"
    assert hit.any()
    assert set(trials.loc[hit, "failure"]) == {"timeout"}
    assert trials.loc[hit, "traceback"].str.contains("meet_the_fault").all()
    assert (trials.loc[~hit, "state"] == "complete").all()


def raises_at_once(architecture: object) -> Any:
    raise ValueError("no such layer")
    yield {}


@pytest.mark.slow
def test_five_failures_in_a_row_at_the_start_end_the_run_with_their_cause(tmp_path: Path) -> None:
    with pytest.raises(NoUsableTrialError, match="no such layer") as caught:
        nas_tune.search("nb201", raises_at_once, max_trials=50, workers=2, run_dir=tmp_path / "run")
    assert caught.value.exit_code == 3
    assert 5 <= len(nas_tune.open_run(tmp_path / "run").trials()) < 10


def test_more_workers_than_fit_are_capped_and_gpus_that_do_not_exist_refused(tmp_path: Path) -> None:
    run = search(tmp_path / "many", workers=10_000, max_trials=3)
    assert len(run.trials()) == 3
    with pytest.raises(InfeasibleError, match=r"64 GPUs.*has .*GPUs") as caught:
        search(tmp_path / "gpus", resources={"gpus": 64.0})
    assert caught.value.exit_code == 6
    assert not (tmp_path / "gpus").exists()


@pytest.mark.slow
def test_half_a_processor_each_runs_four_at_a_time(tmp_path: Path) -> None:
    run = search(tmp_path / "run", workers=-1, resources={"cpus": 0.5}, settings={"slow": 0.2}, max_trials=8)
    assert (run.trials()["state"] != "failed").all()
    assert not [text for _, text in run.state.notes if "fit the cluster" in text]
    with_four = search(tmp_path / "four", workers=5, resources={"cpus": 0.5}, max_trials=2)
    assert any("5 workers were asked for, 4 fit the cluster" in text for _, text in with_four.state.notes)


LARGE = bytearray(80 * 2**20)


def carries_much(architecture: object, *, data: object = LARGE) -> Any:
    yield {"accuracy": float(len(bytes(data)))}  # type: ignore[call-overload]


@pytest.mark.slow
def test_what_is_too_large_to_send_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    import sys

    from ray import cloudpickle

    # As in a notebook: what it defines is sent by value.
    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    try:
        with pytest.raises(ConfigError, match=r"80 MiB, more than the 64.*load data inside"):
            nas_tune.search("nb201", carries_much, max_trials=2, run_dir=tmp_path / "run")
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules[__name__])
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_cluster_that_does_not_answer_is_told_within_twenty_seconds(tmp_path: Path) -> None:
    config = tmp_path / "search.toml"
    config.write_text(
        'space = "nb201"\nmax_trials = 2\naddress = "127.0.0.1:1"\ntrainable = "tests.faults.walker:Walker"\n'
    )
    started = time.monotonic()
    process = start("nas_tune", "search", str(config), "--set", f"run_dir={tmp_path / 'run'}")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 6, errors
    assert "no Ray cluster answers at 127.0.0.1:1" in errors
    assert time.monotonic() - started < 20
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_searches_in_a_supernet_find_on_workers_what_they_find_in_one_process(tmp_path: Path) -> None:
    small = {"name": "gdas", "channels": 1, "cells": 1, "batch_size": 512, "augment": False}
    keys: dict[str, Any] = {"strategy": small, "max_trials": 2, "max_epochs": 1, "seed": 3}
    nas_tune.search("nb201", run_dir=tmp_path / "ray", workers=1, **keys)
    nas_tune.search("nb201", run_dir=tmp_path / "inline", executor="inline", **keys)
    assert_same(tmp_path / "ray", tmp_path / "inline")
    assert nas_tune.open_run(tmp_path / "ray").trials()["architecture_id"].notna().all()
