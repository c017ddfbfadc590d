"""A split that the data have is the one that is used, in every form of data; what cannot be placed is refused.

Every image of a data set here has one value: 10 and 20 for training (class 0 and 1), 30 and 40 for validation, 50 and
60 for testing, so that each shows where it came from.
"""

from __future__ import annotations

import io

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from trainables.data import DataSettings, check_data, described_images, load_images, load_raw
from trainables.data.parts import part_of
from trainables.errors import DataError

CPU = torch.device("cpu")
BASE = {"train": 10, "val": 30, "test": 50}
COUNT = {"train": 20, "val": 6, "test": 8}


def rows_of(part):
    """The value and the class of each image."""
    return [(BASE[part] + 10 * (index % 2), index % 2) for index in range(COUNT[part])]


def png(value, size=(4, 3)):
    buffer = io.BytesIO()
    Image.new("L", size, value).save(buffer, "PNG")
    return buffer.getvalue()


def as_npz(root, parts):
    arrays = {}
    for part, name in parts.items():
        ending = "" if part == "train" else f"_{name}"
        values, labels = zip(*rows_of(part), strict=True)
        arrays[f"x{ending}"] = np.array(values, dtype=np.uint8)[:, None, None].repeat(3, 1).repeat(4, 2)
        arrays[f"y{ending}"] = np.array(labels)
    np.savez(root / "data.npz", **arrays)
    return root / "data.npz"


def as_folders(root, parts):
    for part, name in parts.items():
        for index, (value, label) in enumerate(rows_of(part)):
            place = root / name / ("cat", "dog")[label]
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{index}.png").write_bytes(png(value))
    return root


def table(rows, **more):
    return pa.table({"image": [png(value) for value, _ in rows], "label": [label for _, label in rows], **more})


def as_column(root, parts):
    rows = [(row, name) for part, name in parts.items() for row in rows_of(part)]
    parquet.write_table(table([row for row, _ in rows], split=[name for _, name in rows]), root / "data.parquet")
    return root / "data.parquet"


def as_files(root, parts):
    for part, name in parts.items():
        parquet.write_table(table(rows_of(part)), root / f"{name}-00000-of-00001.parquet")
    return root


def as_nested_files(root, parts):
    for part, name in parts.items():
        (root / "default" / name).mkdir(parents=True)
        parquet.write_table(table(rows_of(part)), root / "default" / name / "0000.parquet")
    return root


FORMS = [as_npz, as_folders, as_column, as_files, as_nested_files]
forms = pytest.mark.parametrize("form", FORMS)


def values(split):
    return sorted(set(split.images.flatten().tolist()))


def loaded(path, **settings):
    return load_images(DataSettings(str(path), **settings), CPU)


@forms
@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("Training", "VALIDATION", "Testing"),
        ("trn", "dev", "eval"),
        ("train", "valid", "tst"),
    ],
)
def test_all_three_are_as_given(tmp_path, form, names):
    path = form(tmp_path, dict(zip(BASE, names, strict=True)))
    data = loaded(path)
    assert [values(split) for split in (data.train, data.validation, data.test)] == [[10, 20], [30, 40], [50, 60]]
    assert [len(split) for split in (data.train, data.validation, data.test)] == [20, 6, 8]
    assert float(data.mean) == 15.0
    said, *_ = described_images(DataSettings(str(path)))
    assert "20 images to train on, 6 for validation as given (validation_share is not used)" in said
    assert "8 for testing as given (test_share is not used)" in said
    assert "2 classes" in said


@forms
def test_training_and_validation_only_test_is_of_the_training_images(tmp_path, form):
    path = form(tmp_path, {"train": "train", "val": "val"})
    data = loaded(path)
    assert values(data.validation) == [30, 40]
    assert values(data.test) == [10, 20]
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 6, 4)
    said, *_ = described_images(DataSettings(str(path)))
    assert "16 images to train on, 6 for validation as given" in said
    assert "4 for testing parted from them (test_share = 0.2)" in said


@forms
def test_training_and_test_only_validation_is_of_the_training_images(tmp_path, form):
    data = loaded(form(tmp_path, {"train": "train", "test": "test"}))
    assert values(data.test) == [50, 60]
    assert values(data.validation) == [10, 20]
    assert (len(data.train), len(data.validation), len(data.test)) == (16, 4, 8)


@forms
def test_without_training_images_it_is_refused(tmp_path, form):
    with pytest.raises(DataError, match=r"needs x|no training|only test|only "):
        check_data(DataSettings(str(form(tmp_path, {"val": "val", "test": "test"}))))


@forms
def test_the_whole_is_all_but_the_test_images(tmp_path, form):
    settings = {"whole": True}
    path = form(tmp_path, {part: part for part in BASE})
    data = loaded(path, **settings)
    assert values(data.train) == [10, 20, 30, 40]
    assert (len(data.train), len(data.validation), len(data.test)) == (26, 0, 8)
    assert values(data.test) == [50, 60]
    said, *_ = described_images(DataSettings(str(path), **settings))
    assert "26 images to train on, the 6 for validation among them" in said


@forms
def test_an_unknown_split_is_refused(tmp_path, form):
    with pytest.raises(DataError, match="extra"):
        check_data(DataSettings(str(form(tmp_path, {"train": "train", "val": "val", "test": "extra"}))))


def test_a_class_that_a_split_lacks_is_told(tmp_path):
    as_folders(tmp_path, {part: part for part in BASE})
    for file in (tmp_path / "val" / "dog").iterdir():
        file.unlink()
    data = loaded(tmp_path)
    assert data.validation.labels.tolist() == [0, 0, 0]
    said, *_ = described_images(DataSettings(str(tmp_path)))
    assert "no validation image of dog" in said


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_an_empty_split_is_refused(tmp_path, part):
    parts = {name: name for name in BASE}
    as_folders(tmp_path / "folders", parts)
    for file in (tmp_path / "folders" / part).glob("*/*"):
        file.unlink()
    with pytest.raises(DataError, match="holds no image"):
        check_data(DataSettings(str(tmp_path / "folders")))
    (tmp_path / "files").mkdir()
    as_files(tmp_path / "files", parts)
    parquet.write_table(
        table([])[:0].cast(table(rows_of("val")).schema), tmp_path / "files" / f"{part}-00000-of-00001.parquet"
    )
    with pytest.raises(DataError, match=f"{part}-00000-of-00001.parquet: no rows"):
        check_data(DataSettings(str(tmp_path / "files")))


def test_names_of_splits():
    for name in (
        "train",
        "Train",
        "TRAINING",
        "training_set",
        "train-set",
        "trainset",
        "train_data",
        "split=train",
        "trn",
    ):
        assert part_of(name) == "train", name
    for name in ("val", "Valid", "validation", "validation_set", "dev", "DevSet", "val_images"):
        assert part_of(name) == "validation", name
    for name in ("test", "Testing", "test_set", "eval", "Evaluation"):
        assert part_of(name) == "test", name
    for name in (
        "contest",
        "latest",
        "trains",
        "devil",
        "set",
        "data",
        "train_val",
        "0",
        "",
        "trainval",
        "evaluate_me",
    ):
        assert part_of(name) is None, name


def test_other_names_of_arrays(tmp_path):
    source = dict(np.load(as_npz(tmp_path, {part: part for part in BASE})))
    renamed = {
        "train_images": source["x"], "train_labels": source["y"][:, None],
        "val_images": source["x_val"], "val_labels": source["y_val"],
        "X_TEST": source["x_test"], "Y_TEST": source["y_test"],
        "names": np.array(["cat", "dog"]),
    }  # fmt: skip
    np.savez(tmp_path / "b.npz", **renamed)
    data = loaded(tmp_path / "b.npz")
    assert [values(split) for split in (data.train, data.validation, data.test)] == [[10, 20], [30, 40], [50, 60]]
    assert "not read: names" in described_images(DataSettings(str(tmp_path / "b.npz")))[0]
    np.savez(tmp_path / "c.npz", x_train=source["x"], **{name: source[name] for name in ("x", "y")})
    with pytest.raises(DataError, match="x_train and x, which mean the same"):
        check_data(DataSettings(str(tmp_path / "c.npz")))


def test_columns_of_splits_by_any_name(tmp_path):
    rows = [row for part in BASE for row in rows_of(part)]
    names = [part for part in BASE for _ in rows_of(part)]
    file = tmp_path / "a.parquet"
    parquet.write_table(table(rows, phase=pa.array(names).dictionary_encode(), note=["x"] * len(rows)), file)
    assert values(loaded(file).validation) == [30, 40]
    parquet.write_table(table(rows, phase=names, split=names), file)
    with pytest.raises(DataError, match="phase, split all name splits"):
        check_data(DataSettings(str(file)))
    parquet.write_table(table(rows, split=list(range(len(rows)))), file)
    with pytest.raises(DataError, match="column 'split' holds 0, which is of no known split"):
        check_data(DataSettings(str(file)))
    parquet.write_table(table(rows, split=[*names[:-1], None]), file)
    with pytest.raises(DataError, match=r"row 33: the column 'split' holds None"):
        check_data(DataSettings(str(file)))


def test_files_without_a_name_are_for_training_where_no_other_is(tmp_path):
    parquet.write_table(table(rows_of("train")), tmp_path / "part-0.parquet")
    parquet.write_table(table(rows_of("val")), tmp_path / "animals.valid.parquet")
    data = loaded(tmp_path)
    assert (values(data.train), values(data.validation)) == ([10, 20], [30, 40])
    assert (
        "taken for training, because no other file is: part-0.parquet"
        in described_images(DataSettings(str(tmp_path)))[0]
    )
    parquet.write_table(table(rows_of("test")), tmp_path / "train_val.parquet")
    with pytest.raises(DataError, match="the names of two splits"):
        check_data(DataSettings(str(tmp_path)))


def test_the_name_of_a_file_and_its_column_must_agree(tmp_path):
    parquet.write_table(table(rows_of("train"), split=["train"] * 20), tmp_path / "train.parquet")
    parquet.write_table(table(rows_of("val"), split=["test"] * 6), tmp_path / "val.parquet")
    with pytest.raises(DataError, match="says 'test', and the name of the file validation"):
        check_data(DataSettings(str(tmp_path)))


def litter(folder):
    """What systems leave behind, with an image in it."""
    for name in (".ipynb_checkpoints", "__MACOSX", ".git"):
        (folder / name).mkdir()
        (folder / name / "0.png").write_bytes(png(255))
    (folder / "._0.png").write_bytes(b"no image")
    for name in ("Thumbs.db", ".DS_Store", "desktop.ini"):
        (folder / name).write_bytes(b"no image")


@pytest.mark.parametrize("split", [True, False])
def test_what_is_hidden_is_passed_over_at_every_level(tmp_path, split):
    if split:
        as_folders(tmp_path, {part: part for part in BASE})
    else:
        as_folders(tmp_path.parent, {"train": tmp_path.name})
    for folder in [tmp_path, *(path for path in tmp_path.glob("**/*") if path.is_dir())]:
        litter(folder)
    raw = load_raw(DataSettings(str(tmp_path)))
    assert raw.classes == ("cat", "dog")
    assert values(raw.train) == [10, 20]
    assert len(raw.train) == 20
    assert "2 classes: cat, dog" in described_images(DataSettings(str(tmp_path)))[0]


def test_hidden_parquet_files_are_passed_over(tmp_path):
    as_files(tmp_path, {"train": "train"})
    (tmp_path / "._train-1.parquet").write_bytes(b"no file")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "old.parquet").write_bytes(b"no file")
    assert len(load_raw(DataSettings(str(tmp_path))).train) == 20


@pytest.mark.parametrize("names", [("Train", "Test"), ("training_set", "test_set"), ("TRAINING", "TESTING")])
def test_folders_of_splits_are_no_classes(tmp_path, names):
    as_folders(tmp_path, dict(zip(("train", "test"), names, strict=True)))
    data = loaded(tmp_path)
    assert data.classes == ("cat", "dog")
    assert values(data.test) == [50, 60]


def test_folders_that_cannot_be_placed_are_refused(tmp_path):
    def check(*make, match):
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        for name in make:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(png(9))
        with pytest.raises(DataError, match=match):
            check_data(DataSettings(str(root)))

    both = ("train/cat/0.png", "train/dog/0.png")
    check("train/0.png", "test/0.png", match="names of splits, but hold no folder per class")
    check(*both, "val/cat/0.png", "validation/cat/0.png", match="val and validation, which mean the same")
    check(*both, "more/cat/0.png", match="more, which is of none")
    check("cat/train/0.png", "cat/test/0.png", "dog/0.png", match="a split within a class")
    check(*both, "val/bird/0.png", match="bird")
    check("cat/0.png", "dog/notes/no.txt", match="dog holds no image")


def test_folders_that_can_be_placed_after_all(tmp_path):
    """A class called train, an archive within an archive, a folder without images, images beside the classes."""
    for name in ("train", "plane"):
        (tmp_path / "a" / name).mkdir(parents=True)
        (tmp_path / "a" / name / "0.png").write_bytes(png(9))
    assert load_raw(DataSettings(str(tmp_path / "a"))).classes == ("plane", "train")
    as_folders(tmp_path / "b", {"train": "training_set/training_set", "test": "test_set/test_set"})
    for name in ("annotations", "notes", "z"):
        (tmp_path / "b" / name).mkdir()
    (tmp_path / "b" / "training_set" / "training_set" / "sample.png").write_bytes(png(9))
    data = loaded(tmp_path / "b")
    assert (data.classes, values(data.train), values(data.test)) == (("cat", "dog"), [10, 20], [50, 60])
    said = described_images(DataSettings(str(tmp_path / "b")))[0]
    assert all(f"not read, because it holds no images: {name}" in said for name in ("annotations", "notes", "z"))
    assert "in no folder of a class: sample.png" in said


def test_named_data_sets_have_nothing_to_tell():
    assert described_images(DataSettings("digits")) == []
