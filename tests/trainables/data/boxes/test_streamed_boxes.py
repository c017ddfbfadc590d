"""Streamed images with boxes are those that are decoded before, to the last bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.trainables.data.boxes.files import coco, drawn, parquet
from trainables.data.boxes import BoxData, BoxSettings, load_boxes
from trainables.data.streaming import StreamedImages
from trainables.errors import DataError

CPU = torch.device("cpu")
PICTURES, BOXES, LABELS = drawn(12)
PARTS = {"train": range(7), "val": range(7, 9), "test": range(9, 12)}
SIZES = [np.asarray(Image.fromarray(one).resize((32 + 4 * row, 40))) for row, one in enumerate(PICTURES)]
"""Images of several sizes."""
FORMS: dict[str, Callable[[Path], Path]] = {
    "coco": lambda folder: coco(folder, PARTS, SIZES, BOXES, LABELS),
    "parquet": lambda folder: parquet(folder / "all.parquet", BOXES, LABELS, SIZES),
}


def both(path: Path, **settings: object) -> tuple[BoxData, BoxData]:
    """In memory, and streamed."""
    return tuple(load_boxes(BoxSettings(data=str(path), stream=one, **settings), CPU) for one in (False, True))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("form", "settings"), [("coco", {}), ("parquet", {}), ("parquet", {"whole": True}), ("parquet", {"folds": 3})]
)
def test_they_are_those_that_are_decoded_before(form: str, settings: dict[str, object], tmp_path: Path) -> None:
    held, streamed = both(FORMS[form](tmp_path / "data"), resize=[24, 36], **settings)
    for name in ("train", "validation", "test"):
        one, other = getattr(held, name), getattr(streamed, name)
        assert isinstance(other.images, StreamedImages)
        batches = [torch.arange(len(one)).flip(0), torch.arange(min(1, len(one)))]
        for index, (images, targets) in zip(batches, other.fetched(batches), strict=True):
            wanted, true = one.rows(index)
            assert torch.equal(images, wanted)
            assert all(torch.equal(targets[key], true[key]) for key in true)
    assert torch.equal(held.mean, streamed.mean)
    assert torch.equal(held.std, streamed.std)
    assert torch.equal(held.example(), streamed.example())
    assert held.arguments() == streamed.arguments()
    assert [note for note in streamed.notes if not note.startswith("streamed")] == list(held.notes)
    assert any(note.startswith("streamed: 2 threads decode them") for note in streamed.notes)


def test_more_than_a_quarter_of_the_free_memory_is_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = FORMS["coco"](tmp_path / "data")
    settings = BoxSettings(data=str(path), resize=[24, 36], seed=3)
    monkeypatch.setattr("trainables.data.streaming.memory.free_memory", lambda: 4 * 12 * 24 * 36 * 3 - 1)
    data = load_boxes(settings, CPU)
    assert isinstance(data.train.images, StreamedImages)
    assert any(note.startswith("streamed, since decoded they would take") for note in data.notes)


def test_what_is_wrong_is_refused_before_the_first_trial(tmp_path: Path) -> None:
    path = FORMS["coco"](tmp_path / "several")
    with pytest.raises(DataError, match=r"is of \d+ x 40 pixels, and images before it of \d+ x 40; set resize = \["):
        load_boxes(BoxSettings(data=str(path), stream=True), CPU)
    boxes = [[[20.0, 20.0, 8.0, 8.0]], *BOXES[1:]]
    path = parquet(tmp_path / "bad.parquet", boxes, [[0], *LABELS[1:]], SIZES)
    with pytest.raises(DataError, match=r"row 0, box 0: \[20, 20, 8, 8\] has its right side before its left one"):
        load_boxes(BoxSettings(data=str(path), stream=True, resize=32), CPU)


def test_a_file_that_changes_while_it_is_used_is_told(tmp_path: Path) -> None:
    path = FORMS["coco"](tmp_path / "data")
    data = load_boxes(BoxSettings(data=str(path), stream=True, resize=32), CPU)
    Image.fromarray(PICTURES[0]).resize((50, 20)).save(path / "train" / "0.png")
    with pytest.raises(DataError, match=r"has changed while it was used"):
        data.train.rows(torch.arange(len(data.train)))
