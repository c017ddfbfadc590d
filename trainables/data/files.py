"""Data sets from files: an `.npz` of arrays, and a folder with one sub-folder of images per class."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.data.decode import SUFFIXES, decode_all
from trainables.data.images import Raw, Split, raw_images
from trainables.errors import DataError

__all__ = ["check_npz", "is_image_folder", "load_image_folder", "load_npz"]

TRAIN_NAMES = ("train", "training")
TEST_NAMES = ("test", "val", "valid", "validation")


def check_npz(path: Path) -> None:
    """`DataError` for what is no archive of `x` and `y`; reads the archive's list of contents only."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [name.removesuffix(".npy") for name in archive.namelist()]
    except (OSError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is no whole .npz file ({error}); copy it again, or write it with numpy.savez"
        ) from error
    _check_names(path, found)


def _check_names(path: Path, found: list[str]) -> None:
    if "x" not in found or "y" not in found:
        raise DataError(f"{path} holds the arrays {found}; it needs x (images) and y (labels)")
    if ("x_test" in found) != ("y_test" in found):
        raise DataError(f"{path} holds one of x_test and y_test; give both or neither")


def load_npz(path: Path) -> Raw:
    """Arrays `x` (images) and `y` (labels), and where they exist `x_test` and `y_test`.

    Images: (n, h, w), (n, c, h, w) or (n, h, w, c), uint8 or float. Labels: (n,) or (n, 1), integers from 0.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files if name in ("x", "y", "x_test", "y_test")}
            found = list(archive.files)
    except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile, AttributeError) as error:
        raise DataError(f"{path} is no whole .npz file of plain arrays ({error}); write it with numpy.savez") from error
    _check_names(path, found)
    train = Split(_images(arrays["x"], f"{path}: x"), _labels(arrays["y"], f"{path}: y"))
    test = None
    if "x_test" in arrays:
        test = Split(_images(arrays["x_test"], f"{path}: x_test"), _labels(arrays["y_test"], f"{path}: y_test"))
    return raw_images(str(path), train, test)


def _images(array: np.ndarray[Any, Any], place: str) -> Tensor:
    if array.dtype.kind not in "uif" or array.ndim not in (3, 4):
        raise DataError(
            f"{place} is {array.dtype} of shape {array.shape}; images are numbers of shape (n, h, w), "
            "(n, c, h, w) or (n, h, w, c)"
        )
    if array.ndim == 3:
        array = array[:, None]
    elif array.shape[1] not in (1, 3, 4) and array.shape[3] in (1, 3, 4):
        array = array.transpose(0, 3, 1, 2)
    whole = array.dtype.kind in "ui" and array.size and array.min() >= 0 and array.max() <= 255
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.uint8 if whole else np.float32))


def _labels(array: np.ndarray[Any, Any], place: str) -> Tensor:
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or array.dtype.kind not in "ui":
        raise DataError(f"{place} is {array.dtype} of shape {array.shape}; labels are integers of shape (n,)")
    return torch.from_numpy(array.astype(np.int64))


def is_image_folder(path: Path) -> bool:
    """Whether `path` is a folder with sub-folders, which `load_image_folder` takes for classes."""
    return path.is_dir() and any(child.is_dir() for child in path.iterdir())


def load_image_folder(path: Path, *, resize: int | None) -> Raw:
    """`path/<class>/<image>`, or `path/train/<class>/...` beside `path/test/<class>/...` (torchvision's
    layout).
    """
    train = next((path / name for name in TRAIN_NAMES if (path / name).is_dir()), None)
    if train is None:
        split, classes = _read_folder(path, resize, None)
        return raw_images(str(path), split, None, classes)
    split, classes = _read_folder(train, resize, None)
    held = next((path / name for name in TEST_NAMES if (path / name).is_dir()), None)
    test = _read_folder(held, resize, classes)[0] if held is not None else None
    return raw_images(str(path), split, test, classes)


def _read_folder(path: Path, resize: int | None, classes: tuple[str, ...] | None) -> tuple[Split, tuple[str, ...]]:
    found = tuple(sorted(child.name for child in path.iterdir() if child.is_dir()))
    if classes is not None and set(found) - set(classes):
        extra = sorted(set(found) - set(classes))
        raise DataError(f"{path}: the classes {extra} do not occur in training; their folders must be equal")
    classes = classes or found
    files, labels = [], []
    for index, name in enumerate(classes):
        members = sorted(f for f in (path / name).glob("**/*") if f.suffix.lower() in SUFFIXES)
        files.extend(members)
        labels.extend([index] * len(members))
    if not files:
        raise DataError(f"{path} holds no image below its sub-folders; known endings: {', '.join(SUFFIXES)}")
    images = decode_all([(str(file), file) for file in files], resize=resize)
    return Split(images, torch.tensor(labels)), classes
