"""What trials share is read once, where the search is driven, and reaches workers that cannot read it themselves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

import nas_tune
from nas_tune.executors.job import Job
from search_spaces import Architecture, Space, choice
from trainables.errors import CheckpointError
from trainables.supernet.estimator import SharedWeights
from trainables.supernet.trainable import DartsTrainable

SPACE = Space({"width": choice(1, 2, 3, 4)})


class Moving:
    """Shares the number in a file, which is gone once it was read."""

    checkpoints = False

    def __init__(self, file: str) -> None:
        self.file = Path(file)

    def load_shared(self) -> object:
        number = float(self.file.read_text())
        self.file.unlink()
        return {"number": number}

    def take_shared(self, shared: Any) -> None:
        self.number = shared["number"]

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        self.width = architecture["width"]

    def step(self) -> dict[str, float]:
        return {"accuracy": self.width * self.number}

    def save(self, folder: Path) -> None: ...

    def load(self, folder: Path) -> None: ...


class MovingWeights(SharedWeights):
    """The same of a supernet."""

    def load_shared(self) -> object:
        read = super().load_shared()
        shutil.rmtree(self._folder)
        return read


@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
def test_workers_get_what_the_driver_has_read(tmp_path: Path) -> None:
    (tmp_path / "number").write_text("2.5")
    keys: dict[str, Any] = {"max_trials": 4, "max_epochs": 1, "workers": 1, "seed": 0, "strategy": "grid"}
    settings = {"file": str(tmp_path / "number")}
    run = nas_tune.search(SPACE, Moving, settings=settings, run_dir=tmp_path / "run", **keys)
    assert sorted(run.trials()["value"]) == [2.5, 5.0, 7.5, 10.0]


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.usefixtures("ray_here")
def test_a_worker_scores_by_a_supernet_whose_folder_is_gone(tmp_path: Path) -> None:
    trained = DartsTrainable(
        space="nb201", channels=2, cells=1, method="spos", method_settings={"population": 2, "generations": 0}
    )
    trained.setup(Architecture({}), seed=0, max_epochs=1)
    (tmp_path / "supernet").mkdir()
    trained.save(tmp_path / "supernet")
    settings = {"checkpoint": str(tmp_path / "supernet"), "images": 50, "calibration": 50, "device": "cpu"}
    here = SharedWeights(**settings)
    here.take_shared(here.load_shared())
    keys: dict[str, Any] = {"max_trials": 3, "max_epochs": 1, "workers": 1, "seed": 0, "strategy": "random"}
    run = nas_tune.search("nb201", MovingWeights, settings=settings, run_dir=tmp_path / "run", **keys)
    assert not (tmp_path / "supernet").exists()
    trials = run.trials()
    assert set(trials["state"]) == {"complete"}
    for number, value in zip(trials["trial"], trials["value"], strict=True):
        here.setup(run.architecture(number), seed=0, max_epochs=1)
        assert here.step()["accuracy"] == pytest.approx(value, abs=0.021)  # one image, where sums round otherwise


def test_what_cannot_be_read_is_refused_before_anything_starts(tmp_path: Path) -> None:
    job = Job(SharedWeights, {"checkpoint": str(tmp_path)}, tmp_path, 1)
    with pytest.raises(CheckpointError, match="does not exist"):
        job.load_shared()
