"""The driver of a search on Ray is killed twelve times at random moments; every resume goes on where it was."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil
import pytest
import ray

import nas_tune
from tests.faults.processes import ROOT, start, wait_for_events
from tests.faults.tables import assert_same
from tests.faults.walker import Walker, epochs_trained

KILLS = 12


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.timeout(400)
@pytest.mark.usefixtures("ray_here")
def test_killed_twelve_times_it_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    address = ray.get_runtime_context().gcs_address
    command = [sys.executable, "-m", "tests.faults.kill_on_ray", str(killed), address, str(KILLS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=350)
    assert done.returncode == 0, done.stderr[-3000:]

    whole = nas_tune.search(
        "nb201",
        Walker,
        strategy={"name": "evolution", "population": 6, "sample": 2},
        max_trials=30,
        max_epochs=4,
        executor="inline",
        seed=3,
        run_dir=tmp_path / "whole",
    )
    assert_same(killed / "run", tmp_path / "whole")
    again = Counter(epochs_trained(killed))
    assert set(again) == {
        (row.seed, row.epoch) for row in whole.epochs().merge(whole.trials()[["trial", "seed"]]).itertuples()
    }
    assert sum(count - 1 for count in again.values()) <= KILLS, "more than one epoch a kill was trained again"


@pytest.mark.slow
@pytest.mark.ray
def test_a_killed_driver_leaves_no_workers_behind(tmp_path: Path) -> None:
    process = start("tests.faults.slow_search", str(tmp_path), "--slow", "0.5")
    wait_for_events(tmp_path / "run", 4, process)
    below = psutil.Process(process.pid).children(recursive=True)
    names = {one.pid: one.name() for one in below}
    process.kill()
    process.communicate()
    # Ray's own agents look for their raylet now and then, and follow it later.
    working = [one for one in below if "Agent" not in names[one.pid]]
    assert any(names[one.pid].startswith("ray::") for one in working)
    assert not psutil.wait_procs(working, timeout=20)[1]
