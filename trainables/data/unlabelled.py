"""Images without targets, as a trained network is asked about them: arrays, files, folders and Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.array_files import array_of
from trainables.data.decode import IMAGE_SUFFIXES, Encoded, decode_all
from trainables.data.numbers import as_float32
from trainables.data.parquet import parquet_files
from trainables.data.parquet_columns import IMAGE_NAMES, holds_bytes, opened
from trainables.data.parts import visible
from trainables.errors import DataError

__all__ = ["encoded_images", "read_images"]

_ARRAYS = ("x", "images", "image", "x_test", "test_images")
"""Names of the array of images in an `.npz` file, the usual ones first."""


def read_images(
    x: Any, shape: Sequence[int], *, resize: int | None = None, image_column: str | None = None
) -> tuple[Tensor, list[str]]:
    """Read images.

    Args:
        x: an array or tensor (n, h, w), (n, c, h, w) or (n, h, w, c); or the path of an image, of a folder of images at
            any depth, of an `.npy` or `.npz` file with such an array, or of Parquet files with a column of images.
        shape: channels, height and width of the images of the training.
        resize: the side to which images of files are scaled and cut, as in the training; None takes them as they are.
        image_column: the column of Parquet files; None recognises it.

    Returns:
        The images (n, c, h, w), uint8 or float32, and the name of each.

    Raises:
        DataError: there are none, they are damaged, or their shape is not that of the training.
    """
    if isinstance(x, str | Path):
        images, names, place = _from_files(Path(x), int(shape[0]), resize, image_column)
    else:
        place = "x"
        images, names = _from_array(x, place, int(shape[0])), []
    if not len(images):
        raise DataError(f"{place} holds no image; give at least one")
    if tuple(images.shape[1:]) != tuple(shape):
        wanted = " x ".join(map(str, shape))
        found = " x ".join(map(str, images.shape[1:]))
        axes = "channels x height x width" if images.dim() == 4 else "channels x depth x height x width"
        raise DataError(
            f"{place}: images are of {found} ({axes}), and the network was trained on {wanted}; "
            "convert them to that size and number of channels"
        )
    if images.is_floating_point() and not bool(torch.isfinite(images).all()):
        raise DataError(f"{place}: images hold NaN or infinite values; remove or replace them")
    return images, names or [str(row) for row in range(len(images))]


def _from_array(x: Any, place: str, channels: int) -> Tensor:
    array = x.detach().cpu().numpy() if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype.kind not in "uifb" or array.ndim not in (3, 4, 5):
        raise DataError(
            f"{place} is {array.dtype} of shape {array.shape}; images are numbers of shape (n, h, w), (n, c, h, w) or "
            "(n, h, w, c), volumes (n, c, d, h, w); a single image is given as x[None]"
        )
    if array.ndim == 3:
        array = array[:, None]
    elif array.ndim == 4 and array.shape[1] != channels and array.shape[3] == channels:
        array = array.transpose(0, 3, 1, 2)
    if array.dtype == np.uint8:
        return torch.from_numpy(np.ascontiguousarray(array))
    return torch.from_numpy(as_float32(array, place))


def _from_files(
    path: Path, channels: int, resize: int | None, image_column: str | None
) -> tuple[Tensor, list[str], str]:
    if path.suffix.lower() in (".npy", ".npz") and path.exists():
        return _from_array(array_of(path, _ARRAYS, "images"), str(path), channels), [], str(path)
    encoded = encoded_images(path, image_column)
    return decode_all(encoded, resize=resize).images, [name for name, _ in encoded], str(path)


def encoded_images(path: Path, image_column: str | None) -> list[Encoded]:
    """Find encoded images.

    Args:
        path: an image, a folder of images at any depth, or Parquet files with a column of images.
        image_column: the column of Parquet files; None recognises it.

    Returns:
        The images, none of them decoded.

    Raises:
        DataError: there is no such path, it holds no image, or a Parquet file is damaged.
    """
    if not path.exists():
        raise DataError(f"there is no {path}; correct the path")
    encoded: list[Encoded] = []
    if tables := parquet_files(path):
        for file in tables:
            encoded += _cells(file, image_column)
    elif path.is_dir():
        found = visible((one for one in path.glob("**/*") if one.is_file()), path)
        encoded = [(str(one.relative_to(path)), one) for one in found if one.suffix.lower() in IMAGE_SUFFIXES]
    else:
        encoded = [(path.name, path)]
    if not encoded:
        raise DataError(f"{path} holds no image; known endings: {', '.join(IMAGE_SUFFIXES)}")
    return encoded


def _cells(path: Path, image_column: str | None) -> list[Encoded]:
    with opened(path) as file:
        known = [field.name for field in file.schema_arrow if holds_bytes(field.type)]
        usual = [name for name in known if name.lower() in IMAGE_NAMES]
        column = image_column or (known[0] if len(known) == 1 else usual[0] if len(usual) == 1 else None)
        if column not in known:
            raise DataError(f"{path} has the columns of images {known}; give a file with one, called image")
        cells = file.read(columns=[column])[column].to_pylist()
    found: list[Encoded] = []
    for row, cell in enumerate(cells):
        content = cell.get("bytes") if isinstance(cell, dict) else cell
        if not isinstance(content, bytes):
            raise DataError(f"{path}, row {row}: {column!r} holds no bytes; the encoded image itself is needed")
        found.append((f"{path.name}, row {row}", content))
    return found
