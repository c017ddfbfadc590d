"""A table in three parts: what it is about, what is noticed, what changes its checksum, and what is read again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from tests.trainables.data.tables.frames import loaded, small
from trainables.data.tables import TableSettings, frames_of
from trainables.data.tables.loading import described_table, kind_of_table, load_table, table_checksum
from trainables.errors import DataError

CPU = torch.device("cpu")
POSITIVE = small(size=np.arange(40) + 1.0, weight=np.arange(40) / 3 + 1)


def settings(frame: Any = None, **more: Any) -> TableSettings:
    return TableSettings(data=small() if frame is None else frame, **{"target": "good", **more})


def described(frame: Any = None, **more: Any) -> list[str]:
    return described_table(settings(frame, **more))


def refusal(frame: Any = None, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        load_table(settings(frame, **more), CPU)
    return str(caught.value)


def test_parts_target_and_columns_are_described() -> None:
    first, target, numbers, categories, *_ = described(validation_share=0.25, test_share=0.2)
    assert first.endswith(
        "24 rows to train on, 8 for validation drawn (validation_share = 0.25), 8 for test drawn (test_share = 0.2)"
    )
    assert target == "target good: classification into 2 classes: no, yes (of two, f1 is that of yes)"
    assert numbers.startswith("numbers: size")
    assert "colour" in categories


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"target": "size"}, "target size: regression"),
        ({"target": "size", "log_target": True, "frame": POSITIVE}, "regression of its logarithm"),
        ({"target": ["size", "weight"], "frame": small(weight=np.arange(40) / 3)}, "regression of 2 numbers"),
        (
            {"target": ["size", "weight"], "frame": POSITIVE, "log_target": True},
            "regression of the logarithms of 2 numbers",
        ),
        ({"target": "colour"}, "classification into 3 classes: blue, green, red"),
        (
            {"target": ["a", "b"], "frame": small(a=np.arange(40) % 2, b=np.arange(40) // 2 % 2)},
            "classification, any of 2 classes a row: a, b",
        ),
    ],
)  # fmt: skip
def test_the_target_is_described(more: dict[str, Any], line: str) -> None:
    frame = more.pop("frame", None)
    assert described(frame, **more)[1].endswith(line)


@pytest.mark.parametrize(("count", "has_more"), [(20, False), (21, True)])
def test_many_classes_are_cut(count: int, has_more: bool) -> None:
    frame = small(count * 10, good=[f"c{number:02d}" for number in np.arange(count * 10) % count])
    line = described(frame)[1]
    assert line.endswith("c19, .." if has_more else "c19")


def test_parts_that_are_given_are_told_as_given() -> None:
    frame = small(split=np.array(["train", "test"])[(np.arange(40) > 29).astype(int)])
    assert "10 for test as given" in described(frame)[0]
    folded = described(folds=4, fold=1)[0]
    assert "for validation (fold 2 of 4)" in folded
    assert "for test drawn" in folded


@pytest.mark.slow
def test_kinds_are_known_by_the_settings_or_by_the_table() -> None:
    assert kind_of_table(settings("nothing", kind="regression")) == ("regression", 0)
    assert kind_of_table(settings("nothing", log_target=True)) == ("regression", 0)
    assert kind_of_table(settings("nothing", target=["a", "b", "c"], kind="classification")) == ("labels", 3)
    assert kind_of_table(settings()) == ("classification", 2)
    assert kind_of_table(settings(target="colour", kind="classification")) == ("classification", 3)
    assert kind_of_table(settings(target="size")) == ("regression", 0)


def test_rows_of_parts_are_those_of_the_table() -> None:
    frames = frames_of(settings(test_share=0.25))
    assert set(frames) == {"train", "validation", "test"}
    assert len(frames["test"]) == 10
    rows = pd.concat(frames.values()).sort_values("size").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, small())
    assert set(frames_of(settings(whole=True))) == {"train", "test"}


@pytest.mark.slow
def test_folds_share_the_test_and_part_the_rest() -> None:
    folds = [frames_of(settings(folds=3, fold=fold)) for fold in range(3)]
    for one in folds[1:]:
        pd.testing.assert_frame_equal(one["test"], folds[0]["test"])
    held = [size for one in folds for size in one["validation"]["size"]]
    assert sorted(held) == sorted(pd.concat([folds[0]["train"], folds[0]["validation"]])["size"])
    data = [load_table(settings(folds=3, fold=fold), CPU) for fold in range(3)]
    for one, frames in zip(data, folds, strict=True):
        numbers, _ = one.train.rows(torch.arange(len(one.train)))
        assert len(one.train) == len(frames["train"])
        assert len(one.validation) == len(frames["validation"])
        del numbers


def test_groups_have_one_number_in_all_parts() -> None:
    frame = small(who=[f"p{number}" for number in np.arange(40) // 4])
    data = loaded(frame, validation_groups="who")
    assert set(data.groups) == {"train", "validation", "test"}
    numbers = [set(data.groups[part].tolist()) for part in ("train", "validation", "test")]
    assert sum(map(len, numbers)) == len(set().union(*numbers)) == 10
    assert "who" not in data.encoding.columns
    assert loaded(small()).groups == {}


def test_copies_and_absent_classes_are_noticed() -> None:
    part = np.where(np.arange(40) < 30, "train", "test")
    frame = small(split=part, good=np.where(np.arange(40) < 30, np.array(["no", "yes"])[np.arange(40) % 2], "no"))
    frame.loc[38] = frame.loc[3].to_dict() | {"split": "test"}
    frame.loc[38, "good"] = frame.loc[3, "good"]
    notes = described(frame)
    assert any("warning: 1 of 10 test rows equal a training row, target included" in note for note in notes)
    frame = frame.copy()
    frame.loc[38, "good"] = "no"
    notes = described(frame)
    assert "warning: no test row is of class yes" in notes
    assert not any("equal a training row" in note for note in notes)


def test_a_checksum_is_of_cells_and_not_of_how_rows_are_split() -> None:
    one = table_checksum(settings())
    assert len(one) == 16
    assert table_checksum(settings(test_share=0.3, seed=4)) == one
    other = small()
    other.loc[3, "size"] = 99.0
    assert table_checksum(settings(other)) != one
    assert table_checksum(settings(small().rename(columns={"size": "length"}))) != one
    assert table_checksum(settings(small().iloc[::-1].reset_index(drop=True))) != one


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"target": None},
            'no target is given; give target="<column>", the column that is predicted; its columns: size',
        ),
        ({"target": "god"}, "god"),
        ({"numeric": ["good"]}, "numeric names 'good', which is the target; leave it out there"),
        ({"drop": ["good"]}, "drop names 'good', which is the target"),
        ({"categorical": ["nothing"]}, "nothing"),
        ({"validation_groups": "nobody"}, "nobody"),
        ({"data": None}, "no data are given; give data=<a Parquet or CSV file"),
        ({"data": "no/such/table.csv"}, "there is no table 'no/such/table.csv'"),
    ],
)
def test_what_cannot_be_loaded_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        load_table(TableSettings(**{"data": small(), "target": "good", **more}), CPU)
    assert said in str(caught.value)


def test_columns_without_a_target_are_listed_up_to_twenty() -> None:
    for count, ends in ((20, "c19"), (21, "c19, ..")):
        frame = pd.DataFrame({f"c{number}": [1, 2, 3] for number in range(count)})
        assert refusal(frame, target=None).endswith(ends)


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    small().to_csv(file, index=False)
    before = load_table(settings(str(file)), CPU)
    assert load_table(settings(str(file)), CPU) is before
    small(60).to_csv(file, index=False)
    os.utime(file, (1, 1))
    after = load_table(settings(str(file)), CPU)
    assert len(after.train) > len(before.train)


def test_what_is_dropped_is_no_input() -> None:
    assert {*loaded(small(), drop=["size", "level"]).encoding.columns} == {"weight", "colour"}
