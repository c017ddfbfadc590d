"""Images to predict from: every form in which they come, and what is wrong with others."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from trainables.data.unlabelled import read_images
from trainables.errors import DataError

GREY = np.arange(2 * 4 * 5, dtype=np.uint8).reshape(2, 4, 5)
COLOURED = np.arange(2 * 4 * 5 * 3, dtype=np.uint8).reshape(2, 4, 5, 3)


def test_arrays_of_every_order_are_the_same_images(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", GREY)
    np.savez(tmp_path / "x.npz", x=GREY, y=np.zeros(2))
    for x in (GREY, GREY[:, None], torch.from_numpy(GREY), GREY.tolist(), tmp_path / "x.npy", str(tmp_path / "x.npz")):
        images, names = read_images(x, (1, 4, 5))
        assert images.squeeze(1).tolist() == GREY.tolist()
        assert names == ["0", "1"]
    for x in (COLOURED, COLOURED.transpose(0, 3, 1, 2)):
        assert read_images(x, (3, 4, 5))[0].permute(0, 2, 3, 1).tolist() == COLOURED.tolist()
    assert read_images(GREY / 255, (1, 4, 5))[0].dtype is torch.float32


def test_files_of_images_are_read_without_classes(tmp_path: Path) -> None:
    (tmp_path / "photos" / "deeper").mkdir(parents=True)
    cells = []
    for place, name in enumerate(("b.png", "deeper/a.png")):
        Image.fromarray(GREY[place]).save(tmp_path / "photos" / name)
        content = io.BytesIO()
        Image.fromarray(GREY[place]).save(content, "PNG")
        cells.append(content.getvalue())
    pd.DataFrame({"image": cells, "note": ["x", "y"]}).to_parquet(tmp_path / "photos.parquet")
    images, names = read_images(tmp_path / "photos", (1, 4, 5))
    assert images.squeeze(1).tolist() == GREY.tolist()
    assert names == ["b.png", "deeper/a.png"]
    images, names = read_images(tmp_path / "photos.parquet", (1, 4, 5))
    assert images.squeeze(1).tolist() == GREY.tolist()
    assert names == ["photos.parquet, row 0", "photos.parquet, row 1"]
    assert read_images(tmp_path / "photos" / "b.png", (1, 4, 5))[1] == ["b.png"]
    assert read_images(tmp_path / "photos", (1, 3, 3), resize=3)[0].shape == (2, 1, 3, 3)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((0, 4, 5)), "x holds no image; give at least one"),
        (np.zeros((2, 4, 6)), "of 1 x 4 x 6 .* trained on 1 x 4 x 5; convert them to that size"),
        (COLOURED, "of 4 x 5 x 3 .* trained on 1 x 4 x 5"),
        (np.full((2, 4, 5), np.nan), "hold NaN or infinite values; remove or replace them"),
        (np.zeros(5), r"x is float64 of shape \(5,\); images are numbers of shape"),
        ("missing", "there is no missing; correct the path"),
    ],
)
def test_other_images_are_refused_with_the_remedy(x: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_images(x, (1, 4, 5))


def test_files_without_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image; known endings"):
        read_images(tmp_path, (1, 4, 5))
    np.savez(tmp_path / "x.npz", a=GREY, b=GREY)
    with pytest.raises(DataError, match=r"holds the arrays a, b; give the array of the images the name x"):
        read_images(tmp_path / "x.npz", (1, 4, 5))
    pd.DataFrame({"number": [1]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DataError, match=r"has the columns of images \[\]; give a file with one, called image"):
        read_images(tmp_path / "t.parquet", (1, 4, 5))
