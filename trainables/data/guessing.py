"""Whether the targets of a data set are numbers with a unit rather than classes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trainables.data.npz import DAMAGE, target_array
from trainables.data.parquet import parquet_files
from trainables.data.parquet_columns import columns_of, opened
from trainables.data.reading import data_path
from trainables.data.settings import DataSettings
from trainables.errors import DataError

__all__ = ["has_several_classes", "real_targets"]


def real_targets(settings: DataSettings) -> str:
    """Look at the type of the targets of a data set; reads no image.

    Args:
        settings: the data set.

    Returns:
        Where the targets are numbers with fractions: their name and type, in words. Empty for classes.

    Raises:
        DataError: the data set is missing or damaged, or its targets cannot be recognised.
    """
    path = None if settings.data == "digits" else data_path(settings.data, settings.root)
    if path is None:
        return ""
    if path.suffix.lower() == ".npz":
        return _of_npz(path, settings.label_column)
    files = parquet_files(path)
    return _of_parquet(files, settings) if files else ""


def has_several_classes(settings: DataSettings) -> bool:
    """Look whether an image may have several classes; reads no image.

    Args:
        settings: the data set.

    Returns:
        Whether the targets are of shape (n, k), whole numbers or bools or nothing but 0 and 1; or lists.

    Raises:
        DataError: the data set is missing or damaged, or its targets cannot be recognised.
    """
    path = None if settings.data == "digits" else data_path(settings.data, settings.root)
    if path is None:
        return False
    if path.suffix.lower() == ".npz":
        array = _target_of_npz(path, settings.label_column)[1]
        if array.ndim != 2 or array.shape[1] < 2:
            return False
        return array.dtype.kind in "bui" or (array.dtype.kind == "f" and bool(((array == 0) | (array == 1)).all()))
    files = parquet_files(path)
    if not files:
        return False
    try:
        columns_of(files, settings.image_column, settings.label_column)
    except DataError:
        pass  # no column of classes; one of lists may be there
    else:
        return False
    try:
        columns_of(files, settings.image_column, settings.label_column, kind="lists")
    except DataError:
        return False
    return True


def _of_npz(path: Path, target: str | None) -> str:
    name, array = _target_of_npz(path, target)
    return f"the array {name} is {array.dtype}" if array.dtype.kind == "f" else ""


def _target_of_npz(path: Path, target: str | None) -> tuple[str, np.ndarray[Any, Any]]:
    """The name and the values of the array of targets."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            name = target_array(path, list(archive.files), target)
            return name, archive[name]
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(
            f"{path} is not a complete .npz file of plain arrays ({error}); write it with numpy.savez"
        ) from error


def _of_parquet(files: list[Path], settings: DataSettings) -> str:
    from pyarrow import types

    given = settings.label_column
    if given is None:
        try:
            columns_of(files, settings.image_column, None)
        except DataError:
            pass  # no column of classes; one of numbers may be there
        else:
            return ""
    with opened(files[0]) as file:
        kinds = {field.name: field.type for field in file.schema_arrow}
    name = given if given in kinds else columns_of(files, settings.image_column, given, kind="numbers").label
    real = types.is_floating(kinds[name]) or types.is_decimal(kinds[name])
    return f"the column {name} is {kinds[name]}" if real else ""
