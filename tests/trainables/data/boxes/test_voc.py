"""Folders in the form of Pascal VOC: which image belongs to an XML file, and which part."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.trainables.data.boxes.files import CLASSES, drawn, png, voc
from trainables.data.boxes import BoxData, BoxSettings, described_boxes, load_boxes
from trainables.errors import DataError

PICTURES, BOXES, LABELS = drawn(12)
PARTS = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}


def loaded(path: Path) -> BoxData:
    return load_boxes(BoxSettings(data=str(path)), torch.device("cpu"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return voc(tmp_path / "data", PARTS, PICTURES, BOXES, LABELS)


def test_masks_of_the_same_name_are_no_images(folder: Path) -> None:
    before = loaded(folder)
    (folder / "SegmentationObject").mkdir()
    for row in range(12):
        (folder / f"SegmentationObject/{row:03}.bmp").write_bytes(png(PICTURES[0] * 0))
    assert torch.equal(loaded(folder).train.images, before.train.images)


def test_two_folders_have_images_of_the_same_names(tmp_path: Path) -> None:
    for number, year in enumerate(("VOC2007", "VOC2012")):
        voc(tmp_path / "data" / year, PARTS, [one // (1 + number) for one in PICTURES], BOXES, LABELS)
    data = loaded(tmp_path / "data")
    assert [len(data.split(part)) for part in ("train", "validation", "test")] == [12, 6, 6]
    assert len({image.numpy().tobytes() for image in data.train.images}) == 12


def test_the_same_name_in_two_parts_is_the_image_of_its_folder(tmp_path: Path) -> None:
    for part, rows in PARTS.items():
        folder = voc(tmp_path / "data" / part, {part: range(3)}, [PICTURES[row] for row in rows], BOXES, LABELS)
        for file in (folder / "ImageSets/Main").iterdir():
            file.unlink()
    data = loaded(tmp_path / "data")
    assert [len(data.split(part)) for part in ("train", "validation", "test")] == [3, 3, 3]
    assert torch.equal(data.test.images[0], torch.tensor(PICTURES[9].transpose(2, 0, 1)))


def test_an_image_that_is_not_clear_is_refused(folder: Path) -> None:
    for name in ("a", "b"):
        (folder / name / "deep").mkdir(parents=True)
        (folder / name / "deep/000.png").write_bytes(png(PICTURES[0]))
    (folder / "JPEGImages/000.png").unlink()
    with pytest.raises(DataError, match=r"its image may be a/deep/000.png, b/deep/000.png; give each image a name"):
        loaded(folder)


def test_an_image_of_two_lists_is_refused(folder: Path) -> None:
    with (folder / "ImageSets/Main/test.txt").open("a") as file:
        file.write("000\n")
    with pytest.raises(DataError, match=r"000 is in the list of (train|test) too; remove it from one of them"):
        loaded(folder)


def test_what_lists_and_files_lack_is_told(folder: Path) -> None:
    with (folder / "ImageSets/Main/test.txt").open("a") as file:
        file.write("900\n")
    (folder / "Annotations/012.xml").write_text("<annotation><filename>012.png</filename></annotation>")
    (folder / "about.xml").write_text("<about/>")
    notes = described_boxes(BoxSettings(data=str(folder)))
    assert "1 images of the lists have no XML file, and are left out: 900" in notes
    assert "1 images are left out, which no list of ImageSets/Main names" in notes
    assert "left out, because they are no annotations of images: about.xml" in notes


def test_files_that_cannot_be_read_are_refused(folder: Path) -> None:
    file = folder / "Annotations/000.xml"
    whole = file.read_bytes()
    for content in (whole[:-9], b"", b'<?xml version="1.0" encoding="big-nothing"?>' + whole):
        file.write_bytes(content)
        with pytest.raises(DataError, match=r"000.xml is no complete XML file \(.*\); fetch or write it again"):
            loaded(folder)
    file.write_bytes(whole)
    (folder / "ImageSets/Main/val.txt").write_bytes("006\nä".encode("latin-1"))
    with pytest.raises(DataError, match=r"val.txt is no text in UTF-8 .*; write it again in that encoding"):
        loaded(folder)


def test_lists_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    file = folder / "ImageSets/Main/train.txt"
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    data = loaded(folder)
    assert len(data.train) == 6
    assert data.classes == CLASSES
