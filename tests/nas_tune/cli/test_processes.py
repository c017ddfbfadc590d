"""The command line as a shell sees it: real processes, real pipes, real signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import nas_tune
from nas_tune.cli.app import app
from tests.toys import climb

ROOT = Path(__file__).resolve().parents[3]
TOML = """
name = "toy"
space = "nb201"
executor = "inline"
strategy = "random"
scheduler = "none"
max_trials = 400
max_epochs = 2
[trainable]
name = "own:train"
"""
OWN = """
import time

def train(architecture, seed, max_epochs, seconds=0.0):
    for epoch in range(max_epochs):
        time.sleep(seconds)
        print("chatter of the trainable")
        yield {"accuracy": seed % 100 / 100 + epoch / 10}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "c.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path


def start(place: Path, *arguments: str, **more: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nas_tune", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    )


def call(*arguments: str) -> Result:
    """The command in this process: for what needs no signal and no pipe."""
    return CliRunner().invoke(app, arguments)


@pytest.mark.slow
def test_help_is_quick_because_it_imports_no_engine(place: Path) -> None:
    code = (
        "import sys\nfrom typer.testing import CliRunner\nfrom nas_tune.cli.app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "heavy = {'torch', 'ray', 'optuna', 'pandas', 'pyarrow', 'duckdb', 'numpy', 'pydantic'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60)


@pytest.mark.slow
def test_data_goes_to_stdout_and_talk_to_stderr(place: Path) -> None:
    search = start(place, "search", "c.toml", "--set", "max_trials=3")
    out, err = search.communicate(timeout=120)
    assert search.returncode == 0, err
    assert out.splitlines()[-1] == "run folder: runs/toy"
    assert "trial" in err
    assert "chatter of the trainable" in err
    assert "chatter" not in out
    results = call("results", str(place / "runs" / "toy"), "--format", "json")
    assert len(json.loads(results.stdout)) == 3
    assert "3 trials: 3 complete (done)" in results.stderr


@pytest.mark.parametrize(
    ("number", "code"),
    # faults/test_signals.py sends the other.
    [(signal.SIGINT, 130), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow)],
)
def test_a_signal_stops_the_search_which_then_goes_on(
    place: Path, number: signal.Signals, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = start(place, "search", "c.toml", "--set", "trainable.seconds=0.05")
    _wait_for_trials(place, search)
    started = time.monotonic()
    search.send_signal(number)
    _, err = search.communicate(timeout=30)
    assert search.returncode == code, err
    assert time.monotonic() - started < 10
    assert "stopped; go on with: nas-tune resume runs/toy" in err
    assert "Traceback" not in err
    done = _trials(place)
    monkeypatch.syspath_prepend(place)
    resume = call("resume", str(place / "runs" / "toy"), "-q", "--set", f"max_trials={done + 2}")
    del sys.modules["own"]
    assert resume.exit_code == 0, resume.output
    assert f"{done + 2} trials: {done + 2} complete" in resume.stdout


@pytest.mark.slow
def test_a_second_driver_is_refused_while_readers_are_welcome(place: Path) -> None:
    search = start(place, "search", "c.toml", "-q", "--set", "trainable.seconds=0.05")
    try:
        _wait_for_trials(place, search)
        folder = str(place / "runs" / "toy")
        second = call("resume", folder)
        assert second.exit_code == 4
        assert "another driver" in second.stderr
        assert str(search.pid) in second.stderr
        reader = call("best", folder, "-k", "1")
        assert reader.exit_code == 0
        assert reader.stdout.startswith("best 1 of")
        assert "snapshot of" in reader.stderr
        assert search.poll() is None
    finally:
        search.kill()
        search.communicate()


@pytest.mark.slow
def test_a_reader_that_closes_the_pipe_is_no_catastrophe(place: Path) -> None:
    # More rows than the buffers of a process and its pipe hold.
    keys = {"strategy": "random", "executor": "inline", "scheduler": "none", "run_dir": place / "runs" / "toy"}
    nas_tune.search("nb201", climb, max_trials=25, max_epochs=60, **keys)
    results = start(place, "results", "toy", "--table", "epochs", "--format", "csv")
    assert results.stdout is not None
    assert results.stderr is not None
    results.stdout.close()
    assert "Traceback" not in results.stderr.read()
    results.stderr.close()
    assert results.wait(30) in (0, 1)


def _trials(place: Path) -> int:
    from nas_tune.results import Run

    return Run(place / "runs" / "toy").state.trials


def _wait_for_trials(place: Path, search: subprocess.Popen[str]) -> None:
    ledger = place / "runs" / "toy" / "ledger.sqlite"
    deadline = time.monotonic() + 60
    while not (ledger.exists() and _trials(place) >= 3):
        assert search.poll() is None, search.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_a_late_signal_does_not_change_the_exit_code(signum: int, tmp_path: Path) -> None:
    script = tmp_path / "late.py"
    script.write_text(
        "import os, sys\n"
        "from nas_tune.cli import main\n"
        "class Late:\n"
        f"    def __del__(self, pid=os.getpid(), kill=os.kill): kill(pid, {int(signum)})\n"
        "sys.modules['late'] = Late()\n"
        "sys.argv = ['nas-tune', 'results', 'no-such-run']\n"
        "main()\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True
    )
    assert done.returncode == 4, done.stderr
