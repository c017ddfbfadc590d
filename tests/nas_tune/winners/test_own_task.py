"""A task and networks of a user's own, with two inputs and a loss of their own, from the search to a prediction."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

import nas_tune
from nas_tune.errors import ForeignCodeError
from tests.faults.processes import ROOT, wait_for_events
from tests.registries import kept
from tests.trainables.tasks.own_task import Growth
from trainables.networks import NETWORKS

TASK = "tests.trainables.tasks.own_task:Growth"
SEARCH = f"""
import sys, time
import nas_tune
from tests.trainables.tasks import own_task

real = own_task.Growth.loss
def slow(self, *arguments):
    time.sleep(0.1)
    return real(self, *arguments)
if sys.argv[2] == "slow":
    own_task.Growth.loss = slow
nas_tune.search(
    (own_task.SPACE, own_task.build), {{"batch_size": 5, "lr": 0.1}}, task={{"name": "{TASK}", "delta": 0.5}},
    run_dir=sys.argv[1], max_trials=3, max_epochs=3, executor="inline", scheduler="none", strategy="random", seed=1,
)
"""


@pytest.fixture(autouse=True)
def _own_registries() -> Iterator[None]:
    with kept(NETWORKS):
        yield


def started(folder: Path, pace: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SEARCH, str(folder), pace]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_it_is_searched_killed_resumed_retrained_exported_and_asked(tmp_path: Path) -> None:
    whole = started(tmp_path / "whole", "fast")
    _, said = whole.communicate(timeout=120)
    assert whole.returncode == 0, said
    killed = started(tmp_path / "killed", "slow")
    wait_for_events(tmp_path / "killed", 5, killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    left = nas_tune.open_run(tmp_path / "killed").state.counts
    assert left["complete"] < 3
    run = nas_tune.resume(tmp_path / "killed")
    other = nas_tune.open_run(tmp_path / "whole")
    columns = ["trial", "state", "mae", "epochs"]
    assert run.trials()[columns].equals(other.trials()[columns]), "it ends as if it had not been killed"

    retrained = nas_tune.retrain(run, seeds=2, epochs=4)
    assert retrained.finished
    assert retrained.run.trials()["test_mae"].notna().sum() == 4  # the winner and a random one, two seeds each
    export = nas_tune.export(run, formats=["safetensors", "py", "pt2", "onnx"])
    assert export.complete
    assert all(one.difference is not None and not one.problem for one in export.formats)
    assert "trained from scratch" in export.card.read_text(encoding="utf-8")
    moved = tmp_path / "moved"
    shutil.copytree(export.folder, moved)

    data = Growth().load(torch.device("cpu"))
    raw, heights = data.test.rows(torch.arange(len(data.test)))
    x = {name: one.numpy() for name, one in raw.items()}
    session = onnxruntime.InferenceSession(moved / "model.onnx", providers=["CPUExecutionProvider"])
    assert {one.name: (one.type, one.shape) for one in session.get_inputs()} == {
        "image": ("tensor(uint8)", ["batch", 1, 4, 4]),
        "age": ("tensor(float)", ["batch", 1]),
    }
    [outputs] = session.run(None, x)
    trained = nas_tune.load(run)
    assert np.abs(outputs[:, 0] - heights.numpy()).mean() == pytest.approx(
        float(retrained.run.trials().query("`arch.chosen` == 0 and `arch.repeat` == 0")["test_mae"].iloc[0]), rel=1e-4
    )
    with pytest.raises(ForeignCodeError, match=f"task {TASK}"):
        nas_tune.load(moved)
    for predictor in (nas_tune.load(moved, task=Growth), nas_tune.load(moved, allow_code=True), trained):
        assert predictor.task == "growth"
        np.testing.assert_allclose(predictor.predict(x), outputs, rtol=1e-4, atol=1e-5)
    assert json.loads((moved / "task.json").read_bytes())["settings"] == {"delta": 0.5}

    np.savez(tmp_path / "new.npz", **x)
    out = tmp_path / "p.csv"
    command = [sys.executable, "-m", "nas_tune", "predict", str(moved), str(tmp_path / "new.npz"), "--out", str(out)]
    refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--allow-code" in refused.stderr
    subprocess.run([*command, "--allow-code"], cwd=ROOT, capture_output=True, check=True)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "row,prediction"
    assert [float(line.split(",")[1]) for line in lines[1:]] == pytest.approx(outputs[:, 0].tolist(), rel=1e-4)
