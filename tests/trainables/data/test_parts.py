"""Names of parts: which words mean one, of files, of folders and of columns, and which files are nobody's."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from trainables.data.parts import part_named, part_of, part_of_file, parts_of_files, usual_names, visible
from trainables.errors import DataError


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("Train", "train"),
        ("training_set", "train"),
        ("trainset", "train"),
        ("train-data", "train"),
        ("val-data", "validation"),
        ("valsplit", "validation"),
        ("split=test", "test"),
        ("TestSet", "test"),
        ("test_images", "test"),
        ("evaluation", "test"),
        ("data", None),
        ("set", None),
        ("train_val", None),
        ("my train", None),
        ("trainer", None),
        ("", None),
    ],
)
def test_a_name_means_a_part_or_none(name: str, part: str | None) -> None:
    assert part_of(name) == part


@pytest.mark.parametrize(
    ("file", "part"),
    [
        ("train.csv", "train"),
        ("cats_val_01.csv", "validation"),
        ("train_val.csv", "unclear"),
        ("test_train_val.csv", "unclear"),
        ("a.csv", None),
        ("test/a.csv", "test"),
        ("test/x/a.csv", "test"),
        ("test/train/a.csv", "train"),
        ("test/val.csv", "validation"),
    ],
)
def test_a_file_is_of_the_part_in_its_name_or_of_its_nearest_folder(file: str, part: str | None) -> None:
    root = Path("/data/test/root")
    assert part_of_file(root / file, root) == part
    assert part_of_file(root / "a.csv", root / "a.csv") is None, "the folders of a file that is given are not read"


def test_files_that_no_name_places_are_training_beside_the_others() -> None:
    root, notes = Path("/data"), list[str]()
    files = [root / name for name in ("a.csv", "test.csv", "b.csv")]
    assert list(parts_of_files(root, files, notes).values()) == ["train", "test", "train"]
    assert notes == ["taken for training, because no other file is: a.csv, b.csv"]
    many = [root / "test.csv", *(root / f"{number}.csv" for number in range(7))]
    notes.clear()
    parts_of_files(root, many, notes)
    assert notes == ["taken for training, because no other file is: 0.csv, 1.csv, 2.csv, 3.csv, 4.csv"]


def test_files_without_any_part_or_all_with_one_need_no_note() -> None:
    root, notes = Path("/data"), list[str]()
    assert list(parts_of_files(root, [root / "a.csv", root / "b.csv"], notes).values()) == [None, None]
    assert list(parts_of_files(root, [root / "train.csv", root / "val.csv"], notes).values()) == ["train", "validation"]
    assert notes == []


def test_a_file_of_no_part_beside_training_and_one_of_two_are_told() -> None:
    root = Path("/data")
    with pytest.raises(DataError, match=r"^/data holds files of splits, and x/a.csv, which is of none; move it"):
        parts_of_files(root, [root / "train.csv", root / "x/a.csv"], [])
    with pytest.raises(DataError, match=r"^/data/train_val.csv has the names of two splits; give it that of one"):
        parts_of_files(root, [root / "train_val.csv"], [])
    assert usual_names().startswith("train: train, ")
    assert usual_names().count(";") == 2


def test_hidden_files_are_left_out_at_any_level() -> None:
    root = Path("/data/.hidden")
    kept = [root / "b.png", root / "a/c.png"]
    hidden = [root / ".b.png", root / ".git/c.png", root / "__MACOSX/d.png", root / "x/Thumbs.db"]
    assert visible([*hidden, *kept], root) == sorted(kept)


def test_a_part_has_examples() -> None:
    data = SimpleNamespace(train=[1], validation=[], test=[2, 3])
    assert part_named(data, "test", "image") == [2, 3]
    with pytest.raises(DataError, match="no image is for validation: this training learns from them too"):
        part_named(data, "validation", "image")
    with pytest.raises(DataError, match="there is no part 'tset' of the data; the splits are train, validation and"):
        part_named(data, "tset", "image")
