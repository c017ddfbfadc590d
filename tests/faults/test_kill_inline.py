"""The driver is killed after every event of a search: nothing is lost, nothing counted twice."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def slow(*case: object) -> object:
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("strategy", "scheduler", "trials"),
    [
        ("evolution", "asha", 2),
        slow("evolution", "asha", 30),
        slow("tpe", "hyperband", 9),
        slow("random", "asha_promote", 9),
        slow("random", "median", 9),
    ],
)
def test_killed_after_every_event_and_resumed_it_ends_as_if_it_had_not_been(
    strategy: str, scheduler: str, trials: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "tests.faults.kill_every_event", str(tmp_path), strategy, scheduler, str(trials)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-3000:]
    counted = re.search(r"killed (\d+) times", done.stdout)
    # Every trial is asked for, and reports at least once.
    assert counted is not None
    assert int(counted[1]) >= 2 * trials
