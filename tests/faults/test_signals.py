"""Ctrl-C and SIGTERM: workers stop, everything is written, the exit code says which; a resume goes on."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest

import nas_tune
from tests.faults.processes import start, wait_for_events, workers_of

EXIT = {signal.SIGINT: 130, signal.SIGTERM: 143}


def config(tmp_path: Path, executor: str, slow: float) -> Path:
    path = tmp_path / "search.toml"
    path.write_text(
        f'space = "nb201"\nmax_trials = 200\nmax_epochs = 4\nstrategy = "random"\nexecutor = "{executor}"\n'
        f'run_dir = "{tmp_path / "run"}"\n[trainable]\nname = "tests.faults.walker:Walker"\nslow = {slow}\n'
    )
    return path


def ended_by(process: subprocess.Popen[str], signum: int) -> tuple[int, str, float]:
    process.send_signal(signum)
    sent = time.monotonic()
    _, errors = process.communicate(timeout=60)
    return process.returncode, errors, time.monotonic() - sent


@pytest.mark.parametrize(
    ("executor", "signum"),
    [
        pytest.param("inline", signal.SIGINT, marks=pytest.mark.slow),  # cli/test_processes.py sends one too
        ("inline", signal.SIGTERM),
        pytest.param("ray", signal.SIGTERM, marks=pytest.mark.ray),
        pytest.param("ray", signal.SIGINT, marks=[pytest.mark.ray, pytest.mark.slow]),
    ],
)
def test_a_signal_ends_the_search_in_good_order(executor: str, signum: int, tmp_path: Path) -> None:
    process = start("nas_tune", "search", str(config(tmp_path, executor, 0.15)))
    wait_for_events(tmp_path / "run", 8, process)
    workers = workers_of(process)
    code, errors, seconds = ended_by(process, signum)
    assert code == EXIT[signal.Signals(signum)], errors
    assert seconds < 10
    assert "Traceback" not in errors
    assert not psutil.wait_procs(workers, timeout=10)[1]
    run = nas_tune.open_run(tmp_path / "run")
    assert run.state.finished == "interrupted"
    before = run.trials()
    assert "lost" in set(before["state"])
    assert "running" not in set(before["state"])

    resumed = nas_tune.resume(tmp_path / "run", max_trials=len(before) + 1, executor="inline")
    after = resumed.trials()
    assert len(after) == len(before) + 1
    assert set(after["state"]) <= {"complete", "pruned"}


def test_the_second_signal_ends_at_once_and_the_ledger_is_whole(tmp_path: Path) -> None:
    process = start("nas_tune", "search", str(config(tmp_path, "inline", 0.2)))
    wait_for_events(tmp_path / "run", 8, process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert len(nas_tune.open_run(tmp_path / "run").trials()) >= 1


@pytest.mark.slow
def test_a_second_driver_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    first = start("nas_tune", "search", str(config(tmp_path, "inline", 0.2)))
    wait_for_events(tmp_path / "run", 4, first)
    second = start("nas_tune", "resume", str(tmp_path / "run"))
    _, errors = second.communicate(timeout=60)
    assert second.returncode == 4, errors
    assert str(first.pid) in errors
    assert first.poll() is None
    assert ended_by(first, signal.SIGINT)[0] == 130
