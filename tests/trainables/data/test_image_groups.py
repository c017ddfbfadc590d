"""Groups of images stay on one side of a split, in every kind of file that can hold them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from trainables.data import DataSettings, described_images, load_images
from trainables.data.loading import load_numbers
from trainables.data.objects import keep
from trainables.errors import DataError
from trainables.tasks.classification import Classification

CPU = torch.device("cpu")
COUNT = 40
IMAGES = np.random.default_rng(0).integers(0, 255, (COUNT, 4, 4)).astype(np.uint8)
LABELS = np.arange(COUNT) % 2
SPEAKERS = np.array(["ann", "bob", "cid", "dan", "eve", "fay", "gil", "hal"])[np.arange(COUNT) // 5]


def npz(path: Path, **arrays: Any) -> str:
    np.savez(path / "images.npz", **{"x": IMAGES, "y": LABELS, "speaker": SPEAKERS, **arrays})
    return str(path / "images.npz")


def png(pixels: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def parquet_file(path: Path, **columns: Any) -> str:
    table = {"image": [png(one) for one in IMAGES], "label": LABELS, "speaker": SPEAKERS, **columns}
    parquet.write_table(pa.table(table), path / "images.parquet")
    return str(path / "images.parquet")


@pytest.mark.parametrize("write", [npz, parquet_file])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_group_is_in_one_part(tmp_path: Path, write: Any, seed: int) -> None:
    data = load_images(DataSettings(write(tmp_path), validation_groups="speaker", seed=seed), CPU)
    parts = {name: set(codes.tolist()) for name, codes in data.groups.items()}
    assert sorted(len(some) for some in parts.values()) == [1, 2, 5]
    assert not parts["train"] & parts["validation"] | parts["test"] & (parts["train"] | parts["validation"])
    assert {name: len(codes) for name, codes in data.groups.items()} == {
        name: len(data.split(name)) for name in ("train", "validation", "test")
    }


def test_numbers_and_objects_have_groups_too(tmp_path: Path) -> None:
    path = npz(tmp_path, y=np.arange(COUNT) / 3)
    assert set(load_numbers(DataSettings(path, validation_groups="speaker"), CPU).groups) == {
        "train",
        "validation",
        "test",
    }
    kept = keep({"x": IMAGES, "y": LABELS, "speaker": SPEAKERS})
    assert len(load_images(DataSettings(kept.data, validation_groups="speaker"), CPU).groups["train"]) == 25


def test_a_class_that_a_drawn_part_lacks_is_warned_of(tmp_path: Path) -> None:
    settings = DataSettings(npz(tmp_path, y=np.arange(COUNT) // 20), validation_groups="speaker")
    assert any(line.startswith("warning: no validation image of ") for line in described_images(settings))


def test_given_parts_that_share_a_group_are_refused(tmp_path: Path) -> None:
    given = {"x_test": IMAGES[:5], "y_test": LABELS[:5], "speaker_test": ["ivy"] * 4 + ["bob"]}
    with pytest.raises(DataError, match="group 'bob' of 'speaker' has examples for train and for test; move them"):
        load_images(DataSettings(npz(tmp_path, **given), validation_groups="speaker"), CPU)
    given["speaker_test"] = ["ivy"] * 5
    groups = load_images(DataSettings(npz(tmp_path, **given), validation_groups="speaker"), CPU).groups
    assert set(groups["test"].tolist()) == {8}


@pytest.mark.parametrize(
    ("write", "columns", "name", "said"),
    [
        (npz, {}, "speakers", "has no array speakers; validation_groups names one"),
        (npz, {"speaker": SPEAKERS[:3]}, "speaker", "speaker has 3 groups and x 40 images"),
        (npz, {"speaker": ["ann"] * COUNT}, "speaker", "has 1 group left"),
        (parquet_file, {}, "speakers", "has no column 'speakers', which validation_groups names"),
        (parquet_file, {"speaker": [None, *SPEAKERS[1:]]}, "speaker", "train example 0 has no group in 'speaker'"),
    ],
)
def test_bad_groups_are_refused(tmp_path: Path, write: Any, columns: Any, name: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        load_images(DataSettings(write(tmp_path, **columns), validation_groups=name), CPU)


def test_data_without_groups_are_refused() -> None:
    with pytest.raises(DataError, match="digits has no groups"):
        load_images(DataSettings("digits", validation_groups="speaker"), CPU)


def test_without_groups_a_checkpoint_of_before_still_fits() -> None:
    assert "data.validation_groups" not in Classification().identity()
    grouped = Classification(data=DataSettings("x.npz", validation_groups="speaker"))
    assert grouped.identity()["data.validation_groups"] == "speaker"
