"""`nas-tune predict` of a detector: a row for each box, and a picture with the boxes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import nas_tune
from nas_tune.cli.app import app
from nas_tune.winners.predict import prediction_frame
from tests.trainables.data.boxes.files import drawn, parquet, png
from trainables.errors import DataError
from trainables.tasks.predictor import Predictions

COLUMNS = ["name", "label", "score", "left", "top", "right", "bottom"]
SPACE = {"name": "detector", "heads": ["anchor_free"], "max_width": 16, "max_blocks": 1, "max_depth": 0}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture, a run of one trial, and its export."""
    folder = tmp_path_factory.mktemp("boxes")
    pictures, boxes, labels = drawn(20)
    parquet(folder / "data.parquet", boxes, labels, pictures)
    (folder / "new.png").write_bytes(png(np.zeros((40, 60, 3), np.uint8)))
    task = {"name": "detection", "data": str(folder / "data.parquet"), "shown_score": 0.0}
    more = {"executor": "inline", "max_trials": 1, "max_epochs": 1, "run_dir": folder / "run"}
    run = nas_tune.search(SPACE, task=task, **more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trainables.export.exporting.compared", lambda *_: 0.0)
        nas_tune.export(run, 0, formats=["safetensors"], folder=folder / "model")
    return folder


def called(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["predict", *map(str, arguments)])
    return done.exit_code, done.output


@pytest.mark.slow
def test_boxes_are_rows_and_are_drawn(place: Path, tmp_path: Path) -> None:
    found = []
    for source in (place / "run", place / "model"):
        out, picture = tmp_path / "p.csv", tmp_path / "p.png"
        code, said = called(source, place / "new.png", "--out", out, "--draw", picture)
        assert code == 0, said
        assert "p.png" in said.replace("\n", "")
        frame = pd.read_csv(out)
        assert list(frame.columns) == COLUMNS
        assert (frame["right"] <= 60).all()
        assert (frame["bottom"] <= 40).all()
        assert np.asarray(Image.open(picture)).any()
        found.append(frame)
        picture.unlink()
    pd.testing.assert_frame_equal(*found)


def test_a_picture_is_drawn_of_data_only(place: Path, tmp_path: Path) -> None:
    code, said = called(place / "run", "--split", "test", "--draw", tmp_path / "p.png")
    assert code == 2
    assert "pictures are drawn of DATA" in said.replace("\n", " ")


def test_pictures_without_boxes_have_no_row() -> None:
    frame = prediction_frame(Predictions([[], []], None, ["a", "b"], 2, are_things=True), ["cell"])
    assert len(frame) == 0
    assert list(frame.columns) == COLUMNS


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no/such/out.png", "which is no folder; make the folder, or name another file"),
        (".", "is a folder; name a file in it"),
        ("out.txt", "has the ending '.txt', which is none of a picture; give .png"),
    ],
)
def test_a_picture_that_cannot_be_is_refused_first(name: str, message: str, place: Path, tmp_path: Path) -> None:
    code, said = called(place / "run", place / "new.png", "--out", tmp_path / "p.csv", "--draw", tmp_path / name)
    assert code == 2
    assert message in " ".join(said.split())
    assert not (tmp_path / "p.csv").exists()
    with pytest.raises(DataError, match=message.split(";", maxsplit=1)[0]):
        nas_tune.load(place / "model").draw(place / "new.png", tmp_path / name)
