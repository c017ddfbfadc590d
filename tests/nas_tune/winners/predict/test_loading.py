"""A network for predictions: from a run, from a folder that was moved, and from a folder of a stranger."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nas_tune
from nas_tune.errors import ConfigError, ForeignCodeError
from nas_tune.winners.predict import prediction_frame
from tests.trainables.data.tables.frames import small
from trainables.errors import CheckpointError, TrainableError
from trainables.tasks.predictor import Predictions

SMALL = {"executor": "inline", "max_trials": 1, "max_epochs": 1}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "small.csv"
    small().to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def run(table: Path, tmp_path_factory: pytest.TempPathFactory) -> nas_tune.Run:
    where = tmp_path_factory.mktemp("runs") / "table"
    task = {"name": "table", "data": str(table), "target": "good"}
    return nas_tune.search("mlp", task=task, run_dir=where, **SMALL)


@pytest.fixture(scope="module")
def folder(run: nas_tune.Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
        made = nas_tune.export(run, formats=["safetensors"])
    moved = tmp_path_factory.mktemp("elsewhere") / "model"
    shutil.copytree(made.folder, moved)
    return moved


@pytest.mark.slow
def test_a_run_and_its_exported_folder_predict_the_same(run: nas_tune.Run, folder: Path, table: Path) -> None:
    x = pd.read_csv(table).drop(columns="good")
    of_run, of_folder = nas_tune.load(run), nas_tune.load(folder)
    assert isinstance(of_folder, nas_tune.Predictor)
    assert (of_folder.task, of_folder.classes) == ("table", ("no", "yes"))
    assert of_folder.predict(x) == of_run.predict(x) == nas_tune.load(run.path, 0).predict(table)
    np.testing.assert_allclose(of_folder.predict_proba(x), of_run.predict_proba(x), atol=1e-6)
    shares = of_run.of_split("test").probabilities
    assert shares is not None
    assert set(of_folder.predict(x)) <= {"no", "yes"}
    assert type(of_folder.network) is type(of_run.network)
    assert str(table) not in (folder / "task.json").read_text(encoding="utf-8"), "the folder names no place of the data"


@pytest.mark.slow
def test_a_folder_of_programs_alone_predicts_and_has_no_network(
    run: nas_tune.Run, folder: Path, table: Path, tmp_path: Path
) -> None:
    programs = nas_tune.export(run, formats=["onnx"], folder=tmp_path / "programs").folder
    for name in ("task.json", "model.onnx"):
        shutil.copy(programs / name, tmp_path)
    found = nas_tune.load(tmp_path)
    assert found.source == "model.onnx"
    np.testing.assert_allclose(found.predict_proba(table), nas_tune.load(folder).predict_proba(table), atol=1e-5)
    with pytest.raises(CheckpointError, match="holds no exported weights"):
        _ = found.network


def changed(folder: Path, target: Path, **values: Any) -> Path:
    shutil.copytree(folder, target)
    document = json.loads((target / "task.json").read_bytes())
    (target / "task.json").write_text(json.dumps({**document, **values}), encoding="utf-8")
    return target


def test_code_that_a_folder_names_is_refused_and_not_imported(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    named = changed(folder, tmp_path / "task", task="evil:Task")
    with pytest.raises(ForeignCodeError, match=r"task evil:Task; give task=\.\. yourself .* allow_code=True"):
        nas_tune.load(named)
    with pytest.raises(SystemExit, match="imported"):
        nas_tune.load(named, allow_code=True)
    space = changed(folder, tmp_path / "space")
    document = json.loads((space / "architecture.json").read_bytes())
    (space / "architecture.json").write_text(json.dumps({**document, "space": "evil:Net"}), encoding="utf-8")
    with pytest.raises(ForeignCodeError, match="space evil:Net"):
        nas_tune.load(space)


def test_a_program_is_not_loaded_unless_it_may_run_code(folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "task.json", tmp_path)
    (tmp_path / "program.pt2").write_bytes(b"anything")
    with pytest.raises(TrainableError, match=r"program.pt2 can run code when it is loaded, and allow_code is not set"):
        nas_tune.load(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "wrong",
    [
        {"format": 99},
        {"classes": "yes"},
        {"inputs": {}},
        {"inputs": {"numbers": {"shape": [10**12], "dtype": "float32"}}},
        {"inputs": {"numbers": {"shape": [1], "dtype": "object"}}},
        {"files": []},
        {"task": 3},
        {"mean": ["a"]},
    ],
)
def test_a_damaged_description_is_refused(folder: Path, tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match="; export again"):
        nas_tune.load(changed(folder, tmp_path / "x", **wrong))


@pytest.mark.slow
def test_what_is_neither_a_run_nor_an_export_is_refused(run: nas_tune.Run, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"neither a run nor an exported folder \(it has no task.json\)"):
        nas_tune.load(tmp_path)
    with pytest.raises(ConfigError, match="an exported folder, which holds one network"):
        nas_tune.load(folder, 0)
    with pytest.raises(ConfigError, match=r"task=\.\. is for an exported folder"):
        nas_tune.load(run, task="table")


def test_predictions_become_columns() -> None:
    def columns(values: Any, **more: Any) -> list[str]:
        found = Predictions(values, more.get("probabilities"), more.get("names", ()), 2)
        return list(prediction_frame(found, ("a", "b")).columns)

    assert columns(["a", "b"], probabilities=np.eye(2)) == ["row", "prediction", "probability_a", "probability_b"]
    assert columns([1.0, 2.0], names=["x.png", "y.png"]) == ["name", "prediction"]
    assert columns([[1.0, 2.0], [3.0, 4.0]]) == ["row", "prediction_0", "prediction_1"]
    assert columns(np.zeros((2, 1))) == ["row", "prediction"]
    assert columns({"score": np.zeros(2), "box": np.zeros((2, 2))}) == [
        "row",
        "prediction_score",
        "prediction_box_0",
        "prediction_box_1",
    ]
    with pytest.raises(ConfigError, match="3 predictions for 2 examples"):
        columns([1, 2, 3])
