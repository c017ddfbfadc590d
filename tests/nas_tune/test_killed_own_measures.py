"""Killed searches with a loss and a metric of one's own: a resume finds the same, or says what it lacks."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import ray

import nas_tune
from tests.faults import own_measures_script
from tests.faults.processes import ROOT, wait_for_events
from tests.faults.tables import assert_same
from tests.registries import kept
from trainables.tasks.own_measures import MEASURES

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

MODULE = """
def half(outputs, targets):
    return (outputs - targets).square().mean() / 2


def near(outputs, targets):
    return ((outputs - targets).abs() < 1).float().mean()
"""
CONFIG = """
space = {{ name = "mlp", min_width = 4, max_width = 16, max_layers = 2 }}
max_trials = 3
max_epochs = 12
scheduler = "none"
strategy = "random"
metric = "near"
executor = "{executor}"
workers = {workers}
run_dir = "run"
[task]
name = "table"
data = "rows.csv"
target = "y"
loss = "{module}:half"
[task.metrics]
near = {{ metric = "{module}:near", mode = "max", low = 0, high = 1 }}
[trainable]
batch_size = 8
device = "cpu"
"""
EXECUTORS = ["inline", pytest.param("ray", marks=pytest.mark.ray)]


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    with kept(MEASURES):
        yield


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> str:
    """The name of an executor; for Ray, one of this process is there."""
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    return str(request.param)


def started(*arguments: str, place: Path, executor: str = "inline") -> subprocess.Popen[str]:
    """Python in a folder, with this checkout, and on the Ray of this process."""
    address = {"RAY_ADDRESS": str(ray.get_runtime_context().gcs_address)} if executor == "ray" else {}
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **address}
    command = [sys.executable, *arguments]
    return subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of a process, and what it said."""
    _, said = process.communicate(timeout=240)
    return process.returncode, said


def killed(process: subprocess.Popen[str], folder: Path) -> None:
    """Kill a search between two epochs of a training."""
    wait_for_events(folder, 17, process, seconds=180)
    process.send_signal(signal.SIGKILL)
    code, said = ended(process)
    assert code == -signal.SIGKILL, said
    trials = nas_tune.open_run(folder).trials()
    cut = trials[trials["state"].isin(["running", "lost"])]
    assert not cut.empty
    assert (cut["epochs"] < 12).all()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with rows, and a module that only those who start there can import."""
    place = tmp_path / "project"
    place.mkdir()
    (place / "measures_of_mine.py").write_text(MODULE)
    lines = [f"{a / 10},{(a * 7) % 11 / 5},{a / 10 + (a * 7) % 11 / 5}" for a in range(120)]
    (place / "rows.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
    return place


def test_functions_of_a_module_beside_the_configuration(project: Path, executor: str) -> None:
    workers = 1 if executor == "inline" else 2
    text = CONFIG.format(executor=executor, workers=workers, module="measures_of_mine")
    (project / "search.toml").write_text(text)
    folder = project / "run"
    killed(started("-m", "nas_tune", "search", "search.toml", place=project, executor=executor), folder)
    shutil.copytree(folder, project / "elsewhere")
    code, said = ended(started("-m", "nas_tune", "resume", "run", place=project, executor=executor))
    assert code == 0, said
    found = nas_tune.open_run(folder)
    assert found.trials()["state"].tolist() == ["complete"] * 3
    whole = text.replace(executor, "inline").replace(f"workers = {workers}", "workers = 1").replace('"run"', '"whole"')
    (project / "whole.toml").write_text(whole)
    code, said = ended(started("-m", "nas_tune", "search", "whole.toml", place=project))
    assert code == 0, said
    assert_same(folder, project / "whole")


def test_who_starts_elsewhere_is_told_where_the_functions_are(project: Path) -> None:
    (project / "search.toml").write_text(CONFIG.format(executor="inline", workers=1, module="measures_of_mine"))
    folder = project / "run"
    killed(started("-m", "nas_tune", "search", "search.toml", place=project), folder)
    code, said = ended(started("-m", "nas_tune", "resume", str(folder), place=project.parent))
    assert code == 2
    file = project / "measures_of_mine.py"
    assert f"it was {file}, which is not found from here: start in {project}, or put it on PYTHONPATH" in said
    file.write_text(MODULE.replace("/ 2", "/ 3"))
    code, said = ended(started("-m", "nas_tune", "resume", str(folder), place=project))
    assert code == 5
    assert "half" in said


def test_functions_of_a_script(tmp_path: Path, executor: str) -> None:
    script, folder = str(Path(own_measures_script.__file__)), tmp_path / "run"
    killed(started(script, str(folder), executor, place=tmp_path, executor=executor), folder)
    code, said = ended(started("-m", "nas_tune", "resume", str(folder), place=tmp_path, executor=executor))
    assert code == 2
    assert "'half' was registered by a script or notebook" in said
    assert "its search goes on with resume=True" in said
    code, said = ended(started(script, str(folder), executor, "resume", place=tmp_path, executor=executor))
    assert code == 0, said
    run = nas_tune.open_run(folder)
    assert run.trials()["state"].tolist() == ["complete"] * 3
    code, said = ended(started(script, str(tmp_path / "whole"), "inline", place=tmp_path))
    assert code == 0, said
    assert_same(folder, tmp_path / "whole")
