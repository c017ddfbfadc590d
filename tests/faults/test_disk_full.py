"""The disk fills up while the ledger is written: a clear end, nothing lost, and the run goes on when there is room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nas_tune
from tests.faults.processes import ROOT
from tests.faults.tables import assert_same
from tests.faults.walker import Walker

# A limit on the size of files is as real to SQLite as a full disk, and needs no privileges.
LIMITED = """
import resource, runpy, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = int(sys.argv.pop(1))
import nas_tune.api
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
runpy.run_module("nas_tune", run_name="__main__", alter_sys=True)
"""


@pytest.mark.parametrize("limit", [40_000, pytest.param(70_000, marks=pytest.mark.slow)])
def test_a_full_disk_ends_the_run_with_exit_4_and_it_goes_on_with_room(limit: int, tmp_path: Path) -> None:
    keys = {"space": "nb201", "max_trials": 40, "max_epochs": 4, "executor": "inline", "strategy": "random", "seed": 3}
    lines = [f"{key} = {value!r}".replace("'", '"') for key, value in keys.items()]
    (tmp_path / "search.toml").write_text(
        "\n".join([*lines, f'run_dir = "{tmp_path / "run"}"', 'trainable = "tests.faults.walker:Walker"'])
    )
    command = [sys.executable, "-c", LIMITED, str(limit), "search", str(tmp_path / "search.toml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 4, done.stderr
    assert "MiB free" in done.stderr
    assert "resume" in done.stderr
    stopped = nas_tune.open_run(tmp_path / "run").trials()
    assert 0 < len(stopped) < 40

    nas_tune.resume(tmp_path / "run")
    nas_tune.search(trainable=Walker, run_dir=tmp_path / "whole", **keys)
    assert_same(tmp_path / "run", tmp_path / "whole")
