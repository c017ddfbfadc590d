"""Folders in the form of YOLO: the names of their classes, and files of labels."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainables.data.boxes.files import CLASSES, drawn, png, yolo
from trainables.data.boxes import BoxData, BoxSettings, load_boxes
from trainables.errors import DataError

PICTURES, BOXES, LABELS = drawn(12)
PARTS = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}


def loaded(path: Path) -> BoxData:
    return load_boxes(BoxSettings(data=str(path)), torch.device("cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return yolo(tmp_path / "data", PARTS, PICTURES, BOXES, LABELS)


@pytest.mark.parametrize(
    "text",
    [
        "names: [circle, square, triangle]\nnc: 3\n",
        "nc: 3\nnames:\n  - circle\n  - 'square' # of four sides\n  - \"triangle\"\n",
        "names:\n  1: square\n  0: circle\n  2: triangle\ntrain: ../images\n",
        "{names: {0: circle, 1: square, 2: triangle}}",
        "\ufeffnames: [circle,\n  square,\n  triangle]\n",
    ],
)
def test_names_are_read_as_yaml(text: str, folder: Path) -> None:
    (folder / "data.yaml").write_text(text, encoding="utf-8")
    assert loaded(folder).classes == CLASSES


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("names: [circle, 'square\n", "data.yaml is no complete YAML file"),
        ("names: {0: circle, 2: square}\n", "give a list, or a name for each number from 0 without gaps"),
        ("names: circle square\n", "names is 'circle square'; give a list"),
        ("names: [circle, no, triangle]\n", "the name 1 of names is False; write it in quotes"),
        ("names: [circle, circle, square]\n", "two classes are called 'circle'; give each a name of its own"),
        ("!!python/object/apply:os.system ['true']\n", "is no complete YAML file"),
    ],
)
def test_names_that_cannot_be_are_refused(text: str, message: str, folder: Path) -> None:
    (folder / "data.yaml").write_text(text)
    with pytest.raises(DataError, match=message):
        loaded(folder)


@pytest.mark.parametrize("place", ["labels", "labels/train", "."])
def test_classes_may_stand_in_a_text(place: str, folder: Path) -> None:
    (folder / "data.yaml").unlink()
    (folder / place / "classes.txt").write_bytes("\ufeffcircle\nsquare\n\ntriangle\n".encode())
    assert loaded(folder).classes == CLASSES


def test_labels_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    before = loaded(folder)
    for file in (folder / "labels").rglob("*.txt"):
        file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert torch.equal(loaded(folder).train.boxes, before.train.boxes)


def test_labels_that_are_no_text_are_refused(folder: Path) -> None:
    next((folder / "labels/train").iterdir()).write_bytes(b"\xff\xfe0\x00")
    with pytest.raises(DataError, match="is no text in UTF-8"):
        loaded(folder)


def test_two_images_of_one_name_are_refused(folder: Path) -> None:
    (folder / "images/train/0.bmp").write_bytes(png(PICTURES[1]))
    with pytest.raises(DataError, match=r"0.(png|bmp) and .*0.(png|bmp) would have the same file of labels"):
        loaded(folder)


def test_a_box_at_the_side_is_no_other_form(folder: Path) -> None:
    next((folder / "labels/train").iterdir()).write_text("0 0.9 0.9 0.8 0.8\n")
    with pytest.raises(DataError, match="shares of the image; correct it") as caught:
        loaded(folder)
    assert "[0.9, 0.9, 0.8, 0.8] lies outside" in str(caught.value)
    assert "look like" not in str(caught.value)
