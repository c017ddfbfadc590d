"""Tables that stay on the disk have the rows, the statistics and the notes of those in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from trainables.data.streaming import MappedRows, free_memory
from trainables.data.tables import TableData, TableSettings, described_table, load_table, table_checksum
from trainables.data.tables.on_disk import TableFile
from trainables.data.tables.reading import bytes_in_memory
from trainables.errors import DataError
from trainables.tasks.table import TableTask

CPU = torch.device("cpu")
ROWS = 60


def table(rows: int = ROWS) -> pd.DataFrame:
    """Numbers with and without missing ones, whole numbers, texts, truth values, dates, a group and three targets."""
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "age": random.normal(40, 9, rows),
            "income": np.where(random.random(rows) < 0.2, np.nan, random.lognormal(3, 1, rows)),
            "doors": random.integers(1, 5, rows),
            "size": random.integers(0, 10_000, rows),
            "town": random.choice(["Ulm", "Köln", "?", "Bonn, am Rhein"], rows),
            "paid": random.random(rows) < 0.5,
            "day": pd.date_range("2024-01-01", periods=rows, freq="D"),
            "patient": [f"p{row % 12}" for row in range(rows)],
            "kind": np.array(["a", "b", "c"])[np.arange(rows) % 3],
        }
    )
    frame.loc[3, "town"] = None
    frame["price"] = frame["age"] * 2 + frame["size"] / 100
    return pd.concat([frame, frame[:2]], ignore_index=True)  # copies of two rows


def alike(settings: dict[str, Any]) -> tuple[TableData, TableData]:
    """Load a table in memory and from the disk, and check that everything is the same."""
    task = {"kind": None, **settings}
    held = load_table(TableSettings(**task, stream=False), CPU)
    streamed = load_table(TableSettings(**task, stream=True), CPU)
    assert isinstance(streamed.train.numbers, MappedRows)
    assert streamed.encoding == held.encoding
    assert streamed.target == held.target
    assert streamed.scaling.to_dict() == held.scaling.to_dict()
    assert [note for note in streamed.notes if not note.startswith("streamed")] == list(held.notes)
    for name in ("train", "validation", "test"):
        one, other = getattr(held, name), getattr(streamed, name)
        assert len(one) == len(other)
        if not len(one):
            continue
        torch.testing.assert_close(one.targets, other.targets, rtol=0, atol=0)
        every = torch.randperm(len(one))
        for a, b in zip(batch_of(one.rows(every)), batch_of(other.rows(every)), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)
    assert {part: rows.tolist() for part, rows in held.groups.items()} == {
        part: rows.tolist() for part, rows in streamed.groups.items()
    }
    return held, streamed


def batch_of(rows: tuple[Any, torch.Tensor]) -> list[torch.Tensor]:
    inputs, targets = rows
    return [*(inputs.values() if isinstance(inputs, dict) else [inputs]), targets]


@pytest.mark.parametrize(
    "settings",
    [
        {"target": "kind", "missing": ["?"], "drop": ["patient"]},
        {"target": "price", "numbers": "quantile", "validation_groups": "patient"},
        {"target": ["age", "price"], "numbers": "piecewise", "whole": True},
        {"target": "kind", "folds": 3, "fold": 1},
    ],
)
def test_a_file_on_the_disk_is_the_table_in_memory(settings: dict[str, Any], tmp_path: Path) -> None:
    alike({"data": str(written(table(), tmp_path / "t.parquet")), **settings})


@pytest.mark.parametrize("form", ["csv", "csv.gz", "tsv"])
def test_a_file_of_text_is_rewritten(form: str, tmp_path: Path) -> None:
    path = written(table(), tmp_path / f"t.{form}")
    alike({"data": str(path), "target": "kind", "missing": ["?"], "validation_groups": "patient"})


def written(frame: pd.DataFrame, path: Path) -> Path:
    if path.suffix == ".parquet":
        frame.to_parquet(path, row_group_size=7)  # groups of rows that no piece ends with
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return path


def test_parts_in_files_and_in_a_column_are_kept(tmp_path: Path) -> None:
    frame = table()
    (tmp_path / "parts").mkdir()
    written(frame[40:], tmp_path / "parts" / "test.parquet")
    written(frame[:25], tmp_path / "parts" / "train_a.csv")
    written(frame[25:40], tmp_path / "parts" / "train_b.csv")
    held, streamed = alike({"data": str(tmp_path / "parts"), "target": "kind"})
    assert len(streamed.test) == 22
    frame["split"] = np.where(np.arange(len(frame)) % 4, "train", "val")
    held, streamed = alike({"data": str(written(frame, tmp_path / "one.csv")), "target": "price"})
    assert len(streamed.validation) == len(held.validation) == 16


def test_lists_of_classes_become_columns(tmp_path: Path) -> None:
    frame = table().assign(tags=[["red"] if row % 2 else ["red", "blue"] for row in range(ROWS + 2)])
    path = written(frame.drop(columns="price"), tmp_path / "lists.parquet")
    _, streamed = alike({"data": str(path), "target": "tags"})
    assert streamed.multi_label
    assert streamed.target.classes == ("blue", "red")


def test_batches_are_read_ahead_in_order(tmp_path: Path) -> None:
    held, streamed = alike({"data": str(written(table(), tmp_path / "t.parquet")), "target": "kind"})
    batches = [torch.randperm(len(held.train))[:9] for _ in range(7)]
    found = list(streamed.train.fetched(iter(batches)))
    assert len(found) == 7
    for rows, index in zip(found, batches, strict=True):
        for one, other in zip(batch_of(rows), batch_of(held.train.rows(index)), strict=True):
            torch.testing.assert_close(one, other, rtol=0, atol=0, equal_nan=True)


def test_columns_that_do_not_fit_together_are_rewritten_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(table(), tmp_path / "t.csv")
    monkeypatch.setattr("trainables.data.tables.on_disk.free_memory", lambda: 10_000)
    made: list[TableFile] = []
    of_frames = TableFile.of_frames
    monkeypatch.setattr(TableFile, "of_frames", lambda *args: made.append(of_frames(*args)) or made[-1])
    alike({"data": str(path), "target": "kind"})
    assert len(made[0].files) > 5


def test_the_size_in_memory_is_estimated_and_small_files_are_not_looked_at(tmp_path: Path) -> None:
    frame = table(2_000)
    used = frame.memory_usage(index=False, deep=True).sum()
    for form in ("parquet", "csv"):
        path = written(frame, tmp_path / f"t.{form}")
        assert 0.6 * used < bytes_in_memory([path], (), enough=0) < 1.7 * used
        assert bytes_in_memory([path], (), enough=1e12) == 0


def test_what_does_not_fit_is_streamed_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(table(), tmp_path / "t.parquet")
    for place in ("trainables.data.streaming.memory", "trainables.data.tables.loading"):
        monkeypatch.setattr(f"{place}.free_memory", lambda: 20_000)
    said = described_table(TableSettings(data=str(path), target="kind"))
    assert [line for line in said if line.startswith("streamed, since the rows would take 0.0 MiB")]
    assert free_memory() > 20_000


def test_the_checksum_and_the_identity_are_those_of_the_table_in_memory(tmp_path: Path) -> None:
    settings = {"data": str(written(table(), tmp_path / "t.parquet")), "target": "kind"}
    held, streamed = (TableSettings(**settings, stream=stream) for stream in (False, True))
    assert table_checksum(held) == table_checksum(streamed)
    assert TableTask(data=held).identity() == TableTask(data=streamed).identity()


def test_wrong_rows_are_refused_as_in_memory(tmp_path: Path) -> None:
    frame = table().astype({"age": object})
    frame.loc[ROWS, "age"] = "forty"
    path = written(frame, tmp_path / "t.csv")
    for stream in (False, True):
        with pytest.raises(DataError, match=r"column 'age', row .*'forty' is not a number"):
            load_table(TableSettings(data=str(path), target="kind", numeric=["age"], stream=stream), CPU)
    (tmp_path / "ragged.csv").write_text("a,b,c\n" + "1,2,x\n3,4,y\n" * 20 + "1,2,x,9\n")
    for stream in (False, True):
        with pytest.raises(DataError, match="not a complete CSV file"):
            load_table(TableSettings(data=str(tmp_path / "ragged.csv"), target="c", stream=stream), CPU)
    (tmp_path / "cut.parquet").write_bytes(written(table(), tmp_path / "t.parquet").read_bytes()[:-20])
    with pytest.raises(DataError, match="not a complete Parquet file"):
        load_table(TableSettings(data=str(tmp_path / "cut.parquet"), target="kind", stream=True), CPU)
    with pytest.raises(DataError, match="stream is true, and the data are a data frame"):
        load_table(TableSettings(data=table(), target="kind", stream=True), CPU)


@pytest.mark.slow
def test_boosted_trees_take_as_many_rows_as_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(table(300), tmp_path / "t.parquet")
    task = TableTask(data=TableSettings(data=str(path), target="price", stream=True))
    held = TableTask(data=TableSettings(data=str(path), target="price", stream=False))
    monkeypatch.setattr("trainables.tasks.table_control._PIECE", 7)
    assert [one.scores for one in task.controls()] == [one.scores for one in held.controls()]
    monkeypatch.setattr("trainables.tasks.table_control.free_memory", lambda: 300_000)
    control = task.controls()[0]
    assert control.name == "HistGradientBoosting fitted on 104 of 194 rows"
    assert not control.failure
    assert set(control.scores) == {"validation", "test"}
