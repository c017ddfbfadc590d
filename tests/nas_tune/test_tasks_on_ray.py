"""Every task on Ray with two workers: the driver is killed, or a worker, and what follows finds the same to the bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
import ray

import nas_tune
from nas_tune.config.files import load_config
from nas_tune.ledger import Event, Reported, RunState
from tests.faults.processes import ROOT, wait_for_events
from tests.faults.tables import assert_same
from tests.nas_tune.whole_tasks import CASES
from tests.registries import kept
from trainables.networks import NETWORKS
from trainables.tasks.registry import TASKS

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.timeout(600), pytest.mark.usefixtures("ray_here")]

TRIALS, EPOCHS = 6, 4


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        yield


@pytest.fixture(params=CASES)
def configuration(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A configuration whose run is `run` beside it."""
    keys = f'max_trials = {TRIALS}\nmax_epochs = {EPOCHS}\nworkers = 2\nstrategy = "random"\nscheduler = "none"\n'
    file = tmp_path / "search.toml"
    file.write_text(f'run_dir = "{tmp_path / "run"}"\n{keys}{CASES[request.param](tmp_path)}', encoding="utf-8")
    return file


def started(file: Path) -> subprocess.Popen[str]:
    """A search in a process of its own, on the Ray of this one."""
    environment = {**os.environ, "RAY_ADDRESS": ray.get_runtime_context().gcs_address}
    command = [sys.executable, "-m", "nas_tune", "search", str(file)]
    return subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def undisturbed(file: Path) -> nas_tune.Run:
    """The same search in one process."""
    config = {**load_config(file).to_dict(), "executor": "inline", "workers": 1, "run_dir": str(file.parent / "whole")}
    return nas_tune.search(**config)


def test_a_killed_driver_is_followed_by_a_resume_and_all_else(configuration: Path) -> None:
    folder = configuration.parent / "run"
    search = started(configuration)
    wait_for_events(folder, 8, search, seconds=180)
    search.send_signal(signal.SIGKILL)
    _, said = search.communicate(timeout=60)
    assert search.returncode == -signal.SIGKILL, said
    assert nas_tune.open_run(folder).state.counts["complete"] < TRIALS
    run = nas_tune.resume(folder)
    whole = undisturbed(configuration)
    assert_same(folder, whole.path)
    assert isinstance(run.config.metric, str)
    assert nas_tune.evaluate(run, split="validation") == nas_tune.evaluate(whole, split="validation")
    retrained = nas_tune.retrain(run, seeds=1, epochs=2, baselines=1)
    assert retrained.run.trials()[f"test_{run.config.metric}"].notna().all()


class Killing:
    """Kills a worker at the first report of an epoch."""

    def __init__(self) -> None:
        self.killed = ""

    def on_event(self, event: Event, state: RunState) -> None:
        if not self.killed and isinstance(event, Reported):
            below = psutil.Process().children(recursive=True)
            # Named by the class of the actor; a raylet does not outlive its agents.
            names = {one: one.name() for one in below if one.name().startswith("ray::")}
            worker = next(one for one, name in names.items() if "IDLE" not in name and "Agent" not in name)
            self.killed = names[worker]
            worker.kill()


def test_a_killed_worker_changes_nothing(configuration: Path) -> None:
    killing = Killing()
    config = load_config(configuration).to_dict()
    run = nas_tune.search(**config, observers=[killing])
    assert run.trials()["lost"].sum() >= 1, f"{killing.killed} was killed and ran no trial"
    assert np.isfinite(run.trials()[str(run.config.metric)]).all()
    assert_same(run.path, undisturbed(configuration).path)
