"""Images that stand in two parts, and images of one value, are warned of before the first trial; NaN is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.data import DataSettings, described_images
from trainables.data.reading import load_raw
from trainables.errors import DataError


def written(path: Path, images: np.ndarray[Any, Any], **arrays: np.ndarray[Any, Any]) -> DataSettings:
    np.savez(path / "images.npz", x=images, y=np.arange(len(images)) % 2, **arrays)
    return DataSettings(str(path / "images.npz"))


@pytest.fixture
def images() -> np.ndarray[Any, Any]:
    return np.random.default_rng(0).random((20, 4, 4)).astype(np.float32)


def test_clean_images_have_one_line(tmp_path: Path, images: np.ndarray[Any, Any]) -> None:
    assert len(described_images(written(tmp_path, images))) == 1


def test_copies_in_given_and_in_drawn_parts_are_counted(tmp_path: Path, images: np.ndarray[Any, Any]) -> None:
    test = np.concatenate((images[:3], images[3:5] + 1))
    given = described_images(written(tmp_path, images, x_test=test, y_test=np.array([0, 1, 0, 1, 0])))
    (warning,) = given[1:]
    found = int(warning.split()[1])
    assert 1 <= found <= 3
    assert warning.startswith(f"warning: {found} of 5 test images equal a training image; remove the copies")
    doubled = described_images(written(tmp_path, np.concatenate((images, images))))
    assert [line.split(" of ")[1].split()[1] for line in doubled[1:]] == ["validation", "test"]


def test_images_of_one_value_are_counted(tmp_path: Path, images: np.ndarray[Any, Any]) -> None:
    images[4], images[7] = 0.5, 0.25
    assert described_images(written(tmp_path, images))[1:] == [
        "warning: 2 of 20 images have one value in all pixels; remove them, or check how they are read"
    ]


def test_nan_is_refused_with_its_place(tmp_path: Path, images: np.ndarray[Any, Any]) -> None:
    images[5, 0, 0] = np.nan
    images[9, 0, 0] = np.inf
    with pytest.raises(DataError, match="NaN or infinite values, 2 of 20, such as image 5; remove or replace them"):
        load_raw(written(tmp_path, images))
