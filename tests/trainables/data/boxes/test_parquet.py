"""Parquet files of images with boxes: the column of parts, and cells that are no boxes or labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from tests.trainables.data.boxes.files import drawn, parquet
from trainables.data.boxes import BoxData, BoxSettings, load_boxes
from trainables.errors import DataError

PICTURES, BOXES, LABELS = drawn(6)
SPLIT = ["train"] * 4 + ["val", "test"]


def loaded(path: Path, **settings: Any) -> BoxData:
    return load_boxes(BoxSettings(data=str(path), **settings), torch.device("cpu"))


def with_column(path: Path, name: str, values: list[Any]) -> Path:
    table = pq.read_table(path)
    if name in table.column_names:
        table = table.drop_columns([name])
    pq.write_table(table.append_column(name, pa.array(values)), path)
    return path


@pytest.mark.parametrize("name", ["split", "dataset_split", "Fold"])
def test_a_column_that_holds_parts_splits_the_data(name: str, tmp_path: Path) -> None:
    path = with_column(parquet(tmp_path / "data.parquet", BOXES, LABELS, PICTURES), name, SPLIT)
    data = loaded(path)
    assert [len(data.split(part)) for part in ("train", "validation", "test")] == [4, 1, 1]


def test_a_column_of_other_things_is_no_split(tmp_path: Path) -> None:
    path = with_column(parquet(tmp_path / "data.parquet", BOXES, LABELS, PICTURES), "part", list("abcdef"))
    assert len(loaded(path).train) == 4


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"split": [*SPLIT[:5], "holdout"]}, "row 5: the column 'split' holds 'holdout', which is of no known split"),
        ({"split": [*SPLIT[:5], None]}, "row 5: the column 'split' holds None"),
        ({"split": SPLIT, "other": SPLIT}, "the columns split, other all name splits; keep one of them"),
        ({"labels": [1, 2, 0, 1, 2, 0]}, "row 0: the labels are 1; give a list with a class for each box"),
        ({"labels": list("abcdef")}, "row 0: the labels are 'a'; give a list"),
        ({"labels": [[0.5] * len(one) for one in LABELS]}, "box 0: the label is 0.5; give a whole number"),
        ({"labels": [[None] * len(one) for one in LABELS]}, "box 0: the label is None; give a whole number"),
        ({"boxes": list("abcdef")}, "row 0: the boxes are 'a'; give a list of boxes"),
        ({"boxes": [[1.0, 2.0]] * 6}, "row 0, box 0: 1.0 is no list of numbers"),
    ],
)
def test_cells_that_cannot_be_are_refused(columns: dict[str, Any], message: str, tmp_path: Path) -> None:
    path = parquet(tmp_path / "data.parquet", BOXES, LABELS, PICTURES)
    for name, values in columns.items():
        with_column(path, name, values)
    with pytest.raises(DataError, match=message):
        loaded(path)


def test_the_column_and_the_name_of_a_file_agree(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with_column(parquet(folder / "train.parquet", BOXES, LABELS, PICTURES), "split", SPLIT)
    with pytest.raises(DataError, match="says 'val', and the name of the file train; mend one"):
        loaded(folder)
    assert len(loaded(folder / "train.parquet").train) == 4


def test_every_file_has_the_column_of_parts(tmp_path: Path) -> None:
    parquet(tmp_path / "data/train.parquet", BOXES, LABELS, PICTURES)
    with_column(parquet(tmp_path / "data/test.parquet", BOXES, LABELS, PICTURES), "split", ["test"] * 6)
    with pytest.raises(DataError, match=r"train.parquet has no column 'split', which the first file has; add it"):
        loaded(tmp_path / "data")
