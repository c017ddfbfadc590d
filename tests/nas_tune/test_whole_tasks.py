"""The whole way of every task through the product: a search that is killed, its resume, and all that follows."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import nas_tune
from nas_tune.errors import NasTuneError
from nas_tune.session.evaluation import rebuilt_trainable
from tests.faults.processes import start, wait_for_events
from tests.nas_tune.whole_tasks import CASES
from tests.registries import kept
from trainables.networks import NETWORKS
from trainables.protocol import Evaluating
from trainables.tasks.registry import TASKS
from trainables.trial.repeated import Repeated

pytestmark = pytest.mark.slow

FORMATS = ("safetensors", "py", "pt2", "onnx")


@pytest.fixture(autouse=True)
def _registries() -> Iterator[None]:
    with kept(NETWORKS, TASKS):
        yield


@pytest.fixture(scope="module", params=CASES)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    """A search of four trials that was killed in its second one and went on in another process."""
    folder = tmp_path_factory.mktemp(request.param)
    keys = f'max_trials = 4\nmax_epochs = 2\nexecutor = "inline"\nscheduler = "none"\nrun_dir = "{folder / "run"}"\n'
    (folder / "search.toml").write_text(keys + CASES[request.param](folder))
    searching = start("nas_tune", "search", str(folder / "search.toml"))
    wait_for_events(folder / "run", 6, searching)
    searching.send_signal(signal.SIGKILL)
    searching.communicate(timeout=60)
    resumed = start("nas_tune", "resume", str(folder / "run"))
    _, said = resumed.communicate(timeout=240)
    assert resumed.returncode == 0, said
    found = nas_tune.open_run(folder / "run")
    assert found.trials()["state"].tolist() == ["complete"] * 4
    return found


def primary(run: nas_tune.Run) -> str:
    assert isinstance(run.config.metric, str)
    return run.config.metric


def test_the_kept_network_is_the_one_of_its_last_report(run: nas_tune.Run) -> None:
    made, name = rebuilt_trainable(run), primary(run)
    several = made.trainings if isinstance(made, Repeated) else [made]
    values = [one.evaluate("validation")[name] for one in several if isinstance(one, Evaluating)]
    assert np.mean(values) == pytest.approx(run.best()[name].iloc[0], rel=1e-5)
    best = max(values) if run.mode == "max" else min(values)
    assert nas_tune.evaluate(run, split="validation")[name] == pytest.approx(best, rel=1e-5)
    assert np.isfinite(nas_tune.evaluate(run)[primary(run)])


def test_it_is_reported_compared_and_explained(run: nas_tune.Run, tmp_path: Path) -> None:
    page = nas_tune.report(run, tmp_path / "report.html").read_text()
    assert primary(run) in page
    assert nas_tune.explain(run)
    shutil.copytree(run.path, tmp_path / "again")
    assert nas_tune.compare([run, tmp_path / "again"])


def test_the_winner_is_retrained_and_judged_by_the_task(run: nas_tune.Run) -> None:
    found = nas_tune.retrain(run, seeds=1, epochs=2, baselines=1, executor="inline", new=True)
    assert found.finished
    assert found.run.trials()[f"test_{primary(run)}"].notna().all()


def test_every_format_computes_what_the_network_computes(run: nas_tune.Run, tmp_path: Path) -> None:
    exported = nas_tune.export(run, folder=tmp_path / "out", formats=FORMATS, retrained=False)
    assert {one.format: one.problem for one in exported.formats if one.problem} == {}
    assert (tmp_path / "out").is_dir()


def test_it_predicts_from_the_run_and_from_its_export(run: nas_tune.Run, tmp_path: Path) -> None:
    predictor = nas_tune.load(run, retrained=False)
    found = predictor.of_split("test")
    assert found.count > 0
    if not isinstance(found.values, np.ndarray) or found.values.ndim < 3:
        return  # no masks: predictions of other forms are tested with their tasks
    raw = predictor._data.split("test").rows(torch.arange(found.count))[0]
    nas_tune.export(run, folder=tmp_path / "out", formats=("safetensors",), retrained=False)
    again = nas_tune.load(tmp_path / "out").predict(raw)
    assert np.mean(np.asarray(again) == np.asarray(found.values)) > 0.99


def test_it_is_compressed_or_the_reason_is_told(run: nas_tune.Run, tmp_path: Path) -> None:
    made = nas_tune.compress(run, prune=0.3, method="magnitude", epochs=1, folder=tmp_path / "small", retrained=False)
    assert [stage.name for stage in made.stages]


def test_bad_data_are_refused_before_the_first_trial(run: nas_tune.Run, tmp_path: Path) -> None:
    settings: dict[str, Any] = dict(run.config.trainable.settings)
    if "data" not in settings:
        pytest.skip("a task without data")
    with pytest.raises(NasTuneError, match="nowhere"):
        nas_tune.search(
            run.config.space.plain(), {**settings, "name": "learner", "data": str(tmp_path / "nowhere.npz")},
            max_trials=1, executor="inline", run_dir=tmp_path / "run",
        )  # fmt: skip
    assert not (tmp_path / "run").exists()
