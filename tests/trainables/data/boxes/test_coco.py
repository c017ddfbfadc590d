"""Files in the form of COCO: ids, entries and names of images are checked, and the first file orders the classes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.trainables.data.boxes.files import CLASSES, coco, drawn, png
from trainables.data.boxes import BoxData, BoxSettings, described_boxes, is_boxes, load_boxes
from trainables.errors import DataError

PICTURES, BOXES, LABELS = drawn(12)
PARTS = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}


def loaded(path: Path) -> BoxData:
    return load_boxes(BoxSettings(data=str(path)), torch.device("cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return coco(tmp_path / "data", PARTS, PICTURES, BOXES, LABELS)


def changed(folder: Path, part: str, change: Callable[[dict[str, Any]], None]) -> None:
    file = folder / f"instances_{part}.json"
    held = json.loads(file.read_text())
    change(held)
    file.write_text(json.dumps(held))


def test_the_order_of_categories_is_that_of_the_first_file(folder: Path) -> None:
    before = loaded(folder)
    for part in ("val", "train"):  # test is the first file by its name
        changed(folder, part, lambda held: held["categories"].reverse())
    data = loaded(folder)
    assert data.classes == before.classes == CLASSES
    for part in ("train", "validation", "test"):
        assert torch.equal(data.split(part).labels, before.split(part).labels)


def test_a_file_without_images_is_left_out(folder: Path) -> None:
    changed(folder, "test", lambda held: held.update(images=[], annotations=[]))
    data = loaded(folder)
    assert (len(data.train), len(data.validation), len(data.test)) == (5, 3, 1)
    notes = described_boxes(BoxSettings(data=str(folder)))
    assert "instances_test.json is left out, because its list of images is empty" in notes


def test_endings_may_be_capitals(folder: Path) -> None:
    for file in list(folder.glob("*.json")):
        file.rename(file.with_suffix(".JSON"))
    assert is_boxes(str(folder), None)
    assert len(loaded(folder).test) == 3


def test_a_folder_that_ends_like_a_file_is_none(folder: Path) -> None:
    (folder / "x.json").mkdir()
    (folder / "y.xml").mkdir()
    assert is_boxes(str(folder), None)
    assert loaded(folder).classes == CLASSES


def _first(key: str, **values: object) -> Callable[[dict[str, Any]], None]:
    return lambda held: held[key][0].update(values)


BAD: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "two categories of an id": (
        lambda held: held["categories"].append({"id": 3, "name": "oval"}),
        "category 3: the id 3 is declared twice, for 'circle' and 'oval'",
    ),
    "two categories of a name": (
        lambda held: held["categories"].append({"id": 4, "name": "circle"}),
        "declares other categories than the files before it",
    ),
    "a category without a name": (
        lambda held: held["categories"][1].pop("name"),
        "category 1: .* needs an id, a whole",
    ),
    "a category that is a word": (_first("categories", id="a"), "category 0: .* needs an id, a whole number, and a"),
    "an entry that is a number": (lambda held: held["images"].append(5), "images, entry 6: 5 is no object with names"),
    "two images of an id": (_first("images", id=7), "image 1: the id 7 is given twice, to '0.png' and '1.png'"),
    "an image twice": (_first("images", file_name="1.png"), "image 1: the image '1.png' is listed twice"),
    "an image without a name": (lambda held: held["images"][0].pop("file_name"), "image 0: .* needs an id and a file_"),
    "an image whose id is a list": (_first("images", id=[1]), "image 0: .* needs an id and a file_name"),
    "a box twice": (
        lambda held: [one.update(id=1) for one in held["annotations"]],
        "annotation 1: the id 1 is given twice; remove the copy",
    ),
    "a box of no image": (_first("annotations", image_id=[7]), r"annotation 0: there is no image with the id \[7\]"),
    "a box of three": (_first("annotations", bbox=[1, 2, 3]), "annotation 0: bbox is .*; it must be x, y, width"),
    "a box of words": (_first("annotations", bbox=list("abcd")), "annotation 0: bbox is .*; it must be x, y, width"),
    "a box of no width": (
        _first("annotations", bbox=[4, 5, 0, 6]),
        r"box 0: \[4, 5, 0, 6\] has no area; boxes are x, y, width, height in pixels; correct bbox",
    ),
    "a name that leaves the folder": (_first("images", file_name="../0.png"), "'../0.png'; names are relative to the"),
    "a name from the root": (_first("images", file_name="/0.png"), "'/0.png'; names are relative to the folder"),
    "a list that is none": (lambda held: held.update(images={}), "has no list 'images'"),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_entry_is_refused_by_its_place(problem: str, folder: Path) -> None:
    change, message = BAD[problem]
    changed(folder, "train", change)
    (folder.parent / "0.png").write_bytes(png(PICTURES[0]))
    with pytest.raises(DataError, match=message):
        loaded(folder)


def test_two_categories_of_a_name_are_refused(folder: Path) -> None:
    for part in PARTS:
        changed(folder, part, lambda held: held["categories"].append({"id": 4, "name": "circle"}))
    with pytest.raises(DataError, match="two classes are called 'circle'; give each a name of its own"):
        loaded(folder)


def test_corners_instead_of_sides_are_named(folder: Path) -> None:
    for part in PARTS:
        for number in range(3):
            changed(folder, part, lambda held, number=number: _as_corners(held, number))
    with pytest.raises(DataError, match=r"lies outside .*; these look like left, top, right, bottom; correct bbox"):
        loaded(folder)


def _as_corners(held: dict[str, Any], number: int) -> None:
    for one in held["annotations"][number::3]:
        left, top, width, height = one["bbox"]
        one["bbox"] = [left, top, left + width, top + height]


def test_names_are_compared_by_whole_folders(tmp_path: Path) -> None:
    folder = coco(tmp_path / "data", PARTS, PICTURES, BOXES, LABELS)
    (folder / "train").rename(folder / "pretrain")
    changed(folder, "train", lambda held: [one.update(file_name=f"train/{one['file_name']}") for one in held["images"]])
    with pytest.raises(DataError, match=r"names the image 'train/0.png', which does not exist"):
        loaded(folder)
    (folder / "pretrain").rename(folder / "images")
    changed(
        folder,
        "train",
        lambda held: [one.update(file_name="images\\" + one["file_name"][6:]) for one in held["images"]],
    )
    assert len(loaded(folder).train) == 6
