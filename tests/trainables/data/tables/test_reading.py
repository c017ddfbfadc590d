"""Tables are read from every kind of file alike, and keep the parts that they have."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables import TableSettings, described_table, load_table, table_checksum
from trainables.data.tables.reading import read_rows
from trainables.errors import DataError

PARTS = np.array(["train", "val", "test", "train"])[np.arange(40) % 4]


def same(one, other):
    def tensors(data):
        parts = (data.train, data.validation, data.test)
        return [tensor.nan_to_num(-1) for part in parts for tensor in (part.numbers, part.categories, part.targets)]

    return all(map(torch.equal, tensors(one), tensors(other)))


@pytest.mark.slow
def test_parquet_csv_and_frames_give_the_same_rows(tmp_path):
    frame = small()
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_csv(tmp_path / "b.csv.gz", index=False, sep=";")
    frame.to_csv(tmp_path / "c.tsv", index=False, sep="\t")
    wanted = loaded(frame)
    assert (len(wanted.train), len(wanted.validation), len(wanted.test)) == (26, 6, 8)
    for name in ("a.parquet", "a.csv", "b.csv.gz", "c.tsv"):
        found = loaded(str(tmp_path / name))
        assert same(wanted, found), name
        assert table_checksum(TableSettings(data=str(tmp_path / name), target="good")) == table_checksum(
            TableSettings(data=frame, target="good")
        )


def test_a_column_or_names_of_files_give_the_parts(tmp_path):
    frame = small(fold=PARTS)
    data = loaded(frame)
    assert (len(data.train), len(data.validation), len(data.test)) == (20, 10, 10)
    assert "split by the column fold" in data.notes
    for part, rows in frame.groupby("fold"):
        rows.drop(columns="fold").to_csv(tmp_path / f"{part}.csv", index=False)
    assert same(data, loaded(str(tmp_path)))
    assert len(loaded(frame, whole=True).train) == 30


def test_a_file_that_changes_is_read_again(tmp_path):
    small().to_csv(tmp_path / "a.csv", index=False)
    first = loaded(str(tmp_path / "a.csv"))
    assert loaded(str(tmp_path / "a.csv")) is first
    small(60).to_csv(tmp_path / "a.csv", index=False)
    assert len(loaded(str(tmp_path / "a.csv")).test) == 12


def test_a_path_is_found_below_the_root(tmp_path, monkeypatch):
    small().to_parquet(tmp_path / "a.parquet")
    monkeypatch.setenv("NAS_TUNE_DATA", str(tmp_path))
    assert len(loaded("a.parquet").test) == 8


def test_a_table_is_described():
    lines = described_table(TableSettings(data=small(one=1), target="good"))
    assert lines[:4] == [
        "the data frame: 26 rows to train on, 6 for validation drawn (validation_share = 0.2), "
        "8 for test drawn (test_share = 0.2)",
        "target good: classification into 2 classes: no, yes (of two, f1 is that of yes)",
        "numbers: size, level, weight",
        "categories: colour",
    ]
    assert "column 'one' is left out, because all training rows have '1'" in lines


def test_damaged_files_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,good\n1,yes\n2,no,3,4\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("", encoding="utf-8")
    (tmp_path / "c.parquet").write_bytes(b"PAR1 no parquet")
    (tmp_path / "d.csv").write_bytes("a,good\n\xff,yes\n".encode("latin-1"))
    for name, said in [("a.csv", "CSV"), ("b.csv", "CSV"), ("c.parquet", "Parquet"), ("d.csv", "CSV")]:
        with pytest.raises(DataError, match=f"{name} is not a complete {said} file"):
            loaded(str(tmp_path / name))
    with pytest.raises(DataError, match="does not exist"):
        loaded(str(tmp_path / "e.csv"))
    (tmp_path / "f.txt").write_text("a", encoding="utf-8")
    with pytest.raises(DataError, match=r"holds no table; \.parquet, \.csv"):
        loaded(str(tmp_path / "f.txt"))


def test_parts_with_other_columns_are_refused(tmp_path):
    small().to_csv(tmp_path / "train.csv", index=False)
    for frame, said in [
        (small().drop(columns="size"), "rows for test lack the column 'size'"),
        (small(more=1), "rows for test have the column 'more'"),
        (small().drop(columns="good"), "have no column 'good', the target, and cannot be evaluated"),
        (small().rename(columns={"size": "sise"}), "lack the column 'size'.*did you mean 'size'"),
    ]:
        frame.to_csv(tmp_path / "test.csv", index=False)
        with pytest.raises(DataError, match=said):
            loaded(str(tmp_path))


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (small(split=["train", "oops"] * 20), "the column split has 'oops', which names no part"),
        (small(split=["test"] * 40), "only rows for test"),
        (small(0), "has no row"),
        (pd.concat([small(), small()[["size"]]], axis=1), "the column 'size' twice"),
        ([1, 2], "is a list; give a pandas DataFrame"),
        (None, "no data are given"),
    ],
)
def test_frames_that_are_no_table_are_refused(frame, said):
    with pytest.raises(DataError, match=said):
        load_table(TableSettings(data=frame, target="good"), torch.device("cpu"))


@pytest.mark.parametrize(
    "rows", [np.ones((2, 3)), torch.ones(2, 3), [[1, 1, 1], [1, 1, 1]]], ids=["array", "tensor", "list"]
)
def test_rows_without_names_have_those_of_the_columns_of_an_array(rows):
    frame, _ = read_rows(rows)
    assert list(frame.columns) == ["x0", "x1", "x2"]
    assert frame.to_numpy().tolist() == [[1, 1, 1], [1, 1, 1]]


def test_an_array_of_images_is_no_row_of_a_table():
    with pytest.raises(DataError, match=r"the rows of x have the shape \(2, 3, 3\), and a table has rows of numbers"):
        read_rows(np.ones((2, 3, 3)))
