"""Runs that were begun before modules moved into rooms open, resume, report, retrain and export as they did.

Each lies in `tests/assets/older_runs` as the commit before the moves left it: searches inline, on Ray, with two
objectives, of a table and in a supernet, and one whose winner was retrained. They name modules that have moved since.
"""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

import nas_tune
from nas_tune.config.references import current_reference, load_reference
from search_spaces import Space, choice
from tests.sweeps import quick
from trainables import CheckpointError, DartsTrainable

ASSETS = Path(__file__).parents[1] / "assets" / "older_runs"
FOUND = {
    "inline": [0.3125, 0.09722222222222222, 0.22916666666666666],
    "objectives": [0.10069444444444445, 0.09722222222222222, 0.12152777777777778, 0.10069444444444445],
    "ray": [0.11458333333333333, 0.2326388888888889, 0.3194444444444444, 0.1111111111111111],
    "retrained": [0.3125, 0.09722222222222222, 0.22916666666666666],
    "supernet": [0.1349095966620306],
    "table": [0.88194442, 0.9375, 0.80902779, 0.95138889, 0.1875, 0.10069445, 0.81944442, 0.24652778, 0.9375],
}
"""What the trials of each came to, as the version that ran them printed it."""
EXPORTABLE = ["inline", "objectives", "ray", "retrained"]


def unpacked(name: str, folder: Path) -> Path:
    shutil.unpack_archive(ASSETS / f"{name}.zip", folder / name)
    return folder / name


@pytest.fixture(autouse=True)
def _tables(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table's file is found by its name, as it was then."""
    monkeypatch.setenv("NAS_TUNE_TABLES", str(files("nas_tune.benchmarks.tables")))


@pytest.mark.parametrize("name", FOUND)
def test_it_opens_and_reports_what_it_found(name: str, tmp_path: Path) -> None:
    run = nas_tune.open_run(unpacked(name, tmp_path))
    assert run.trials()["value"].tolist() == pytest.approx(FOUND[name])
    assert all(run.architecture(trial).id for trial in run.trials()["trial"])
    assert f"{max(FOUND[name]):.4f}" in nas_tune.report(run).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", quick(FOUND, {*FOUND} - {"supernet"}))
def test_it_goes_on_where_it_was(name: str, tmp_path: Path) -> None:
    where = {"executor": "inline", "workers": 1} if name == "ray" else {}
    trials = nas_tune.resume(unpacked(name, tmp_path), max_trials=len(FOUND[name]) + 1, **where).trials()
    assert trials["value"].tolist()[:-1] == pytest.approx(FOUND[name])
    assert trials["state"].tolist()[-1] in ("complete", "pruned")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXPORTABLE)
def test_its_winner_is_exported(name: str, tmp_path: Path) -> None:
    exported = nas_tune.export(unpacked(name, tmp_path), formats=["safetensors", "py"])
    assert [one.format for one in exported.formats] == ["safetensors", "py"]
    assert all(one.difference is not None and one.difference <= one.tolerance for one in exported.formats)


@pytest.mark.parametrize("name", ["inline", pytest.param("supernet", marks=pytest.mark.slow)])
def test_its_winner_is_retrained(name: str, tmp_path: Path) -> None:
    retrained = nas_tune.retrain(unpacked(name, tmp_path), top=1, seeds=1, epochs=1, baselines=0)
    assert len(retrained.run.trials()) == 1


@pytest.mark.slow
def test_the_same_retraining_is_found_again(tmp_path: Path) -> None:
    folder = unpacked("retrained", tmp_path)
    nas_tune.retrain(folder, top=1, seeds=1, epochs=1, executor="inline")
    assert not (folder / "retrain-2").exists()


def test_a_configuration_may_name_what_has_moved() -> None:
    for before, now in (
        ("trainables.image_classifier:ImageClassifier", "trainables.tasks.image_classifier:ImageClassifier"),
        ("trainables.darts_trainable:DartsTrainable", "trainables.supernet.trainable:DartsTrainable"),
        ("nas_tune.tables:Table", "nas_tune.benchmarks.tables:Table"),
        ("nas_tune.tables.table:Table", "nas_tune.benchmarks.tables.table:Table"),
        ("nas_tune.retraining.trainable:Retraining", "nas_tune.winners.retrain.trainable:Retraining"),
        ("trainables.tasks.table:Table", "trainables.tasks.table:TableTask"),
    ):
        assert current_reference(before) == current_reference(now) == now
        assert load_reference(before) is load_reference(now)
    assert current_reference("mine.nas_tune.tables:Table") == "mine.nas_tune.tables:Table"
    assert current_reference("nas_tune.tablespoons:Table") == "nas_tune.tablespoons:Table"


@pytest.mark.slow
def test_a_search_in_a_supernet_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    checkpoint = unpacked("supernet", tmp_path) / "trials" / "000000" / "epoch-000001"
    search, other = (DartsTrainable(space="nb201", channels=2, cells=1, data="digits") for _ in range(2))
    anything = Space({"search": choice(0, 1)}).sample(0)
    search.setup(anything, seed=1189033389, max_epochs=2)
    search.load(checkpoint)
    assert 0 <= search.step()["accuracy"] <= 1
    other.setup(anything, seed=1, max_epochs=2)
    with pytest.raises(CheckpointError, match="its seed is 1189033389"):
        other.load(checkpoint)
