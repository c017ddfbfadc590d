"""Searches whose data or networks are objects: killed, and resumed by a process that has only the folder of the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import ray

import nas_tune
from nas_tune.errors import ResumeRefusedError
from tests.faults import given_searches
from tests.faults.given_searches import CASES, search
from tests.faults.processes import ROOT, wait_for_events
from tests.faults.tables import assert_same
from tests.registries import kept
from trainables.networks import NETWORKS
from trainables.tasks.registry import TASKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        yield


def started(*arguments: str, address: str | None = None) -> subprocess.Popen[str]:
    """`python -m ARGUMENTS` on the Ray at `address`."""
    environment = {**os.environ, **({"RAY_ADDRESS": address} if address else {})}
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_and_resumed(case: str, folder: Path, executor: str, address: str | None = None) -> nas_tune.Run:
    begun = started("tests.faults.given_searches", case, str(folder), executor, address=address)
    wait_for_events(folder, 7, begun, seconds=180)
    begun.send_signal(signal.SIGKILL)
    _, said = begun.communicate(timeout=60)
    assert begun.returncode == -signal.SIGKILL, said
    left = nas_tune.open_run(folder)
    assert left.state.counts["complete"] < left.config.max_trials
    resumed = started("nas_tune", "resume", str(folder), address=address)
    _, said = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, said
    return nas_tune.open_run(folder)


@pytest.mark.parametrize("case", CASES)
def test_inline(case: str, tmp_path: Path) -> None:
    run = killed_and_resumed(case, tmp_path / "run", "inline")
    whole = search(case, tmp_path / "whole", "inline")
    assert_same(run.path, whole.path)
    assert nas_tune.evaluate(run) == nas_tune.evaluate(whole)
    retrained = nas_tune.retrain(run, seeds=1, epochs=2, baselines=0)
    assert retrained.run.trials()["state"].tolist() == ["complete"]


@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
@pytest.mark.parametrize("case", ["dataset", "frame", "tokens", "class", "instance", "function", "two inputs"])
def test_on_ray(case: str, tmp_path: Path) -> None:
    address = str(ray.get_runtime_context().gcs_address)
    run = killed_and_resumed(case, tmp_path / "run", "ray", address)
    assert_same(run.path, search(case, tmp_path / "whole", "inline").path)
    retrained = nas_tune.retrain(run, seeds=1, epochs=2, baselines=0)
    assert retrained.run.trials()["state"].tolist() == ["complete"]


def changed(data: Any) -> Any:
    if isinstance(data, pd.DataFrame):
        return data.assign(price=-data["price"])
    return (data[0], data[1][::-1]) if isinstance(data, tuple) else data[::-1].copy()


@pytest.mark.parametrize("case", ["arrays", "frame", "tokens", "waves", "class", "lr beside"])
def test_other_data_are_refused_and_equal_ones_go_on(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search(case, tmp_path / "run", "inline", max_trials=1, max_epochs=1)
    again = search(case, tmp_path / "run", "inline", max_trials=2, max_epochs=1, resume=True)
    assert len(again.trials()) == 2
    given = CASES[case]()
    if isinstance(given.get("task"), dict):
        given["task"] = {**given["task"], "data": changed(given["task"]["data"])}
    else:
        given["data"] = changed(given["data"])
    monkeypatch.setitem(given_searches.CASES, case, lambda: given)
    with pytest.raises(ResumeRefusedError, match="trainable was"):
        search(case, tmp_path / "run", "inline", max_trials=2, max_epochs=1, resume=True)
