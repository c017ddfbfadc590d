"""`nas-tune predict`: the predictions of a run and of an exported folder as files."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from tests.trainables.data.tables.frames import small
from trainables.tasks.predictor import Predictions


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, a run on it, and its export."""
    folder = tmp_path_factory.mktemp("predict")
    small().to_csv(folder / "small.csv", index=False)
    small().drop(columns="good").to_csv(folder / "new.csv", index=False)
    task = {"name": "table", "data": str(folder / "small.csv"), "target": "good"}
    more = {"executor": "inline", "max_trials": 2, "max_epochs": 1, "run_dir": folder / "run"}
    run = nas_tune.search("mlp", task=task, **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
        nas_tune.export(run, 1, formats=["safetensors"], folder=folder / "model")
    return folder


def called(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    return done.exit_code, done.output


def test_a_row_for_each_example_with_a_probability_for_each_class(place: Path, tmp_path: Path) -> None:
    for source, options in ((place / "model", ()), (place / "run", ("--trial", "1"))):
        out = tmp_path / "p.csv"
        code, said = called(source, place / "new.csv", "--out", out, *options)
        assert code == 0, said
        assert "40 rows written" in said
        frame = pd.read_csv(out)
        assert list(frame) == ["row", "prediction", "probability_no", "probability_yes"]
        shares = frame[["probability_no", "probability_yes"]]
        assert shares.sum(axis=1).to_list() == pytest.approx([1.0] * 40, abs=1e-5)
        best = shares.idxmax(axis=1).str.removeprefix("probability_")
        assert best.to_list() == frame["prediction"].to_list()
        assert frame["prediction"].to_list() == nas_tune.load(place / "model").predict(place / "new.csv")


def test_a_split_of_the_run_and_other_formats(place: Path, tmp_path: Path) -> None:
    code, said = called(place / "run", "--split", "test", "--out", tmp_path / "p.parquet")
    assert code == 0, said
    assert len(pd.read_parquet(tmp_path / "p.parquet")) == 8
    code, said = called(place / "run", "--split", "test")
    assert code == 0
    assert "probability_yes" in said
    assert "table from " in said


@pytest.mark.parametrize(("task", "named"), [("table", "table"), ("", "a network")])
def test_what_predicts_is_named_with_its_place(
    task: str, named: str, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = Predictions(list("ab"), None, [], 2)
    stub = SimpleNamespace(task=task, source="HERE", classes=(), writes=False, predictions=lambda data: values)
    monkeypatch.setattr("nas_tune.winners.predict.load", lambda *asked, **more: stub)
    code, said = called(place / "model", "x.csv", "--out", tmp_path / "p")
    assert code == 0, said
    assert said.splitlines()[0] == f"{named} from HERE"
    assert (tmp_path / "p").read_text().splitlines()[1:] == ["0,a", "1,b"], "a file without an ending is CSV"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model"], "no data are given; give DATA, or --split test"),
        (["model", "new.csv", "--split", "test"], "got DATA new.csv and --split test; give one of them"),
        (["model", "--split", "test"], "an exported folder has no split 'test'"),
        (["run", "--split", "tset"], "the splits are train, validation and test"),
        (["model", "none.csv"], "there is no table"),
        (["model", "narrow.csv"], "lack the column 'size', which training had"),
        (["model", "empty.csv"], "has no row; give a table with rows"),
        (["nothing", "new.csv"], "there is no run"),
    ],
)
def test_wrong_data_end_with_code_two_and_the_remedy(
    arguments: list[str], message: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(place)
    small().drop(columns=["good", "size"]).to_csv("narrow.csv", index=False)
    small().drop(columns="good").head(0).to_csv("empty.csv", index=False)
    code, said = called(*arguments)
    assert code in (2, 4), said
    assert message in said
