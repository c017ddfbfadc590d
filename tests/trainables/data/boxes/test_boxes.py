"""Images with boxes are read from every form alike, split, brought to one size, and refused where a box is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.trainables.data.boxes.files import CLASSES, coco, drawn, parquet, png, voc, yolo
from trainables.data.boxes import (
    BoxData,
    BoxSettings,
    box_checksum,
    box_classes,
    described_boxes,
    fitting_frame,
    is_boxes,
    load_boxes,
)
from trainables.errors import DataError, TrainableError

CPU = torch.device("cpu")
PICTURES, BOXES, LABELS = drawn(12)
PARTS = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}


def loaded(path: Path, **settings: Any) -> BoxData:
    return load_boxes(BoxSettings(data=str(path), **settings), CPU)


def in_parquet(folder: Path) -> Path:
    for part, rows in PARTS.items():
        some = [[values[row] for row in rows] for values in (BOXES, LABELS, PICTURES)]
        parquet(folder / f"{part}.parquet", *some)
    return folder


FORMS: dict[str, Callable[[Path], Path]] = {
    "parquet": in_parquet,
    "coco": lambda folder: coco(folder, PARTS, PICTURES, BOXES, LABELS),
    "voc": lambda folder: voc(folder, PARTS, PICTURES, BOXES, LABELS),
    "yolo": lambda folder: yolo(folder, PARTS, PICTURES, BOXES, LABELS),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_holds_the_same(form: str, tmp_path: Path) -> None:
    path = FORMS[form](tmp_path / "data")
    data = loaded(path)
    assert data.classes == CLASSES == box_classes(BoxSettings(data=str(path)))
    assert is_boxes(str(path), None)
    for name, rows in (("train", PARTS["train"]), ("validation", PARTS["val"]), ("test", PARTS["test"])):
        part = data.split(name)
        assert len(part) == len(rows)
        found = sorted(_listed(part.boxes[k], part.labels[k]) for k in range(len(part)))
        wanted = sorted(_listed(torch.tensor(BOXES[row]).view(-1, 4), torch.tensor(LABELS[row])) for row in rows)
        for one, other in zip(found, wanted, strict=True):
            assert [label for label, *_ in one] == [label for label, *_ in other]
            np.testing.assert_allclose(one, other, atol=1e-3)


def _listed(boxes: torch.Tensor, labels: torch.Tensor) -> list[list[float]]:
    rows = zip(labels.tolist(), boxes.tolist(), strict=True)
    return sorted([float(label), *box] for label, box in rows if label >= 0)


def test_images_without_boxes_stay_and_are_told_of(tmp_path: Path) -> None:
    boxes, labels = [[], *BOXES[1:6]], [[], *LABELS[1:6]]
    path = parquet(tmp_path / "data.parquet", boxes, labels, PICTURES[:6], split=["train"] * 4 + ["val", "test"])
    data = loaded(path)
    assert len(data.train) == 4
    assert any("of 4 train images have no box" in note for note in described_boxes(BoxSettings(data=str(path))))


def test_parts_that_are_not_given_are_drawn_by_the_seed(tmp_path: Path) -> None:
    path = parquet(tmp_path / "data.parquet", BOXES, LABELS, PICTURES)
    one, other = loaded(path), loaded(path, seed=1)
    load_boxes.__globals__["_loaded"].cache_clear()
    same = loaded(path)
    assert [len(one.split(name)) for name in ("train", "validation", "test")] == [8, 2, 2]
    assert torch.equal(one.test.images, same.test.images)
    assert not torch.equal(one.test.images, other.test.images)
    assert box_checksum(BoxSettings(data=str(path))) == box_checksum(BoxSettings(data=str(path), seed=1))


def test_whole_trains_on_the_validation_images_too(tmp_path: Path) -> None:
    path = parquet(tmp_path / "data.parquet", BOXES, LABELS, PICTURES)
    data = loaded(path, whole=True)
    assert (len(data.train), len(data.validation)) == (10, 0)
    with pytest.raises(DataError, match="no image is for validation"):
        data.split("validation")


def test_resize_keeps_the_proportions_and_moves_boxes(tmp_path: Path) -> None:
    pictures = [np.full((40, 20, 3), 200, np.uint8), *PICTURES[1:6]]
    boxes = [[[0, 10, 20, 30]], *BOXES[1:6]]
    path = parquet(
        tmp_path / "data.parquet", boxes, [[1], *LABELS[1:6]], pictures, split=["train"] * 4 + ["val", "test"]
    )
    with pytest.raises(DataError, match=r"is of 32 x 32 .* before it of 20 x 40; set resize = \[32, 32\]"):
        loaded(path)
    data = loaded(path, resize=[32, 48])
    assert data.image_size == (32, 48)
    assert data.train.boxes[0, 0].tolist() == pytest.approx([16, 8, 32, 24])
    assert data.train.images[0, 0, 16, 8] == 114
    assert data.train.images[0, 0, 16, 24] == 200


BAD = {
    "no area": ([[10, 10, 10, 20]], [0], r"row 0, box 0: \[10, 10, 10, 20\] has no area; boxes are left, top, right"),
    "exchanged": ([[20, 10, 10, 20]], [0], r"\[20, 10, 10, 20\] has its right side before its left one"),
    "outside": ([[10, 10, 60, 20]], [0], r"\[10, 10, 60, 20\] lies outside its image of 32 x 32 pixels"),
    "not a number": ([[10, 10, float("nan"), 20]], [0], "is not four finite numbers"),
    "three numbers": ([[10, 10, 20]], [0], "is not four finite numbers"),
    "label beyond": ([[1, 1, 9, 9]], [3], r"row 0, box 0: the label 3 is none of the 3 classes \(circle, square"),
    "label below": ([[1, 1, 9, 9]], [-1], "the label -1 is none of the 3 classes"),
    "labels without boxes": ([], [0, 1], "2 labels and no box; each label needs a box"),
    "too few labels": ([[1, 1, 9, 9], [1, 1, 9, 9]], [0], "2 boxes have 1 labels; give each box one"),
    "width and height": ([[20, 20, 8, 8]], [0], "these look like x, y, width, height; correct it, or set box_format"),
    "flat after cutting": (
        [[32, 10, 33, 20]],
        [0],
        r"\[32, 10, 33, 20\] has no area inside its image of 32 x 32 pixels",
    ),
    "flat in single precision": ([[10, 10, 10 + 1e-7, 20]], [0], "has no area"),
    "shares": ([[0.1, 0.1, 0.5, 0.5]], [0], "look like shares of the image, and boxes are in pixels; multiply them"),
    "no box": ([], [], "no image for training has a box, so nothing can be learned; add boxes"),
}


@pytest.mark.parametrize("problem", BAD)
def test_a_bad_box_is_refused_by_image_and_number(problem: str, tmp_path: Path) -> None:
    boxes, labels, message = BAD[problem]
    others: tuple[Any, Any] = ([boxes] * 3, [labels] * 3)
    path = parquet(tmp_path / "data.parquet", *others, PICTURES[:3], split=["train", "val", "test"])
    with pytest.raises(DataError, match=message) as caught:
        loaded(path)
    assert ";" in str(caught.value)


def test_the_other_form_of_numbers_is_named(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "data.parquet", [[[10, 10, 30, 30]]] * 3, [[0]] * 3, PICTURES[:3], split=["train", "val", "test"]
    )
    with pytest.raises(DataError, match='these look like left, top, right, bottom; correct it, or set box_format = "x'):
        loaded(path, box_format="xywh")


def test_boxes_of_width_and_height_are_read_where_the_settings_say_so(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "data.parquet", [[[20, 20, 8, 8]]] * 3, [[0]] * 3, PICTURES[:3], split=["train", "val", "test"]
    )
    assert loaded(path, box_format="xywh").train.boxes[0, 0].tolist() == [20, 20, 28, 28]


def test_a_class_that_a_part_lacks_is_told(tmp_path: Path) -> None:
    box = [[1.0, 1.0, 9.0, 9.0]]
    path = parquet(
        tmp_path / "data.parquet",
        [box] * 4,
        [[0], [1], [0], [0]],
        PICTURES[:4],
        split=["train", "train", "val", "test"],
    )
    notes = described_boxes(BoxSettings(data=str(path)))
    assert "warning: no validation image has a box of square, triangle; its average precision is absent" in notes


def test_copies_between_the_parts_are_told(tmp_path: Path) -> None:
    rows = [0, 1, 0, 2]
    some = [[values[row] for row in rows] for values in (BOXES, LABELS, PICTURES)]
    path = parquet(tmp_path / "data.parquet", *some, split=["train", "train", "val", "test"])
    assert any(
        "1 of 1 validation images equal a training image" in one for one in described_boxes(BoxSettings(data=str(path)))
    )


def test_labels_may_be_names(tmp_path: Path) -> None:
    names = [[CLASSES[label] for label in some] for some in LABELS]
    path = parquet(tmp_path / "data.parquet", BOXES, names, PICTURES, classes=None)
    assert loaded(path).classes == CLASSES


def test_coco_refuses_what_is_not_declared(tmp_path: Path) -> None:
    path = coco(tmp_path / "data", PARTS, PICTURES, BOXES, LABELS)
    file = path / "instances_train.json"
    text = file.read_text()
    for old, new, message in (
        ('"category_id": 13', '"category_id": 4', "the category 4 is not declared; it must be one of 3, 13, 23"),
        ('"file_name": "0.png"', '"file_name": "nine.png"', "names the image 'nine.png', which does not exist"),
        ('"image_id": 14', '"image_id": 8', "there is no image with the id 8"),
    ):
        file.write_text(text.replace(old, new))
        with pytest.raises(DataError, match=message):
            loaded(path)
    file.write_text(text[:-9])
    with pytest.raises(DataError, match="is no complete JSON file"):
        loaded(path)


def test_yolo_and_voc_name_the_line_that_is_wrong(tmp_path: Path) -> None:
    path = yolo(tmp_path / "yolo", PARTS, PICTURES, BOXES, LABELS)
    line = next((path / "labels/train").iterdir())
    line.write_text("0 12 12 4 4\n")
    with pytest.raises(DataError, match="has other numbers than four shares from 0 to 1; a line is"):
        loaded(path)
    path = voc(tmp_path / "voc", PARTS, PICTURES, BOXES, LABELS)
    file = next(one for one in sorted((path / "Annotations").iterdir()) if "<xmin>" in one.read_text())
    file.write_text(file.read_text().replace("<xmin>", "<xmin>a"))
    with pytest.raises(DataError, match=r"bndbox is .*; it must have the numbers xmin, ymin, xmax and ymax"):
        loaded(path)


def test_other_data_are_no_boxes(tmp_path: Path) -> None:
    (tmp_path / "cats").mkdir()
    (tmp_path / "cats/1.png").write_bytes(png(PICTURES[0]))
    assert not is_boxes(str(tmp_path), None)
    assert is_boxes("shapes", None)
    with pytest.raises(DataError, match="holds no images with boxes; give Parquet files with the columns image, boxes"):
        loaded(tmp_path)
    with pytest.raises(DataError, match="there are no data 'nowhere'"):
        loaded(Path("nowhere"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"resize": [3]}, "resize is"), ({"resize": 0}, "resize is 0"), ({"box_format": "cxcywh"}, "known: xyxy, xywh")],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainableError, match=message):
        BoxSettings(**settings)


@pytest.mark.slow
def test_shapes_are_decided_by_the_seed() -> None:
    data = load_boxes(BoxSettings(), CPU)
    assert data.train.images.shape == (288, 3, 96, 96)
    sides = (data.train.boxes[..., 2:] - data.train.boxes[..., :2])[data.train.labels >= 0]
    assert 14 <= float(sides.min()) <= float(sides.max()) <= 40
    assert box_checksum(BoxSettings()) == "4a2880a59a86f26d"


def test_a_frame_is_proposed_where_images_need_one(tmp_path: Path) -> None:
    def proposed(name: str, *sizes: tuple[int, int]) -> tuple[int, int] | None:
        pictures = [np.zeros((*size, 3), np.uint8) for size in sizes]
        path = parquet(tmp_path / f"{name}.parquet", [[[1, 1, 9, 9]]] * len(sizes), [[0]] * len(sizes), pictures)
        return fitting_frame(BoxSettings(data=str(path)))

    assert fitting_frame(BoxSettings()) is None
    assert proposed("alike", (40, 60), (40, 60)) is None
    assert proposed("other", (40, 60), (70, 60), (75, 60)) == (64, 64)
    assert proposed("large", (600, 800), (600, 800)) == (256, 320)
    assert proposed("narrow", (20, 900), (20, 901)) == (32, 320)
