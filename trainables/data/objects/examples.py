"""Data sets that give one example at a time: those of `torch.utils.data`, and those of Hugging Face by their form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from trainables.data.objects.size import check_examples
from trainables.data.parquet_columns import IMAGE_NAMES, LABEL_NAMES
from trainables.errors import DataError

__all__ = ["frame_of", "is_dataset", "is_hugging_face", "pair_of", "pair_of_columns"]


def is_hugging_face(data: object) -> bool:
    """Check whether an object has the form of a data set of Hugging Face.

    Args:
        data: any object.

    Returns:
        Whether it has named columns, their features, and a conversion to pandas.
    """
    return all(hasattr(data, name) for name in ("column_names", "features", "to_pandas", "__getitem__", "__len__"))


def is_dataset(data: object) -> bool:
    """Check whether an object is a data set whose examples are found by their number.

    Args:
        data: any object.

    Returns:
        Whether it has a length and examples, and is not text, array, list or mapping.
    """
    known = (str, bytes, list, tuple, Mapping, np.ndarray, torch.Tensor, pd.DataFrame, pd.Series)
    return not isinstance(data, known) and hasattr(data, "__getitem__") and hasattr(data, "__len__")


def pair_of(data: Any, place: str) -> tuple[list[Any], list[Any]]:
    """Read each example of a data set once.

    Args:
        data: has a length; its examples are pairs of an input and a target.
        place: names the data set in messages.

    Returns:
        The inputs and the targets.

    Raises:
        DataError: it has no example, or an example is no such pair.
    """
    inputs, targets = [], []
    for row in range(len(data)):
        example = data[row]
        if not isinstance(example, list | tuple) or len(example) != 2:
            said = f"{len(example)} values" if isinstance(example, list | tuple) else f"a {type(example).__name__}"
            raise DataError(
                f"{place}: example {row} is {said}; an example is a pair (input, target). For other examples write a "
                "task of your own (trainables.tasks.task.Task)"
            )
        if not row:
            check_examples(example[0], len(data), place)
        inputs.append(example[0])
        targets.append(example[1])
    if not inputs:
        raise DataError(f"{place} has no example; give at least one")
    return inputs, targets


def frame_of(data: Any) -> pd.DataFrame | None:
    """Convert a data set of Hugging Face to a data frame.

    Args:
        data: the data set.

    Returns:
        The frame, with the names of classes in the place of their numbers; None where a column holds images.
    """
    if len(data) and _image_column(data[0]) is not None:
        return None
    frame = pd.DataFrame(data.to_pandas())
    for column, names in _class_names(data).items():
        frame[column] = [None if pd.isna(cell) or int(cell) < 0 else names[int(cell)] for cell in frame[column]]
    return frame


def pair_of_columns(data: Any, target: str | None, place: str) -> tuple[list[Any], list[Any]]:
    """Read the images of a data set of Hugging Face, and their targets.

    Args:
        data: the data set.
        target: the column of the targets; None for the one with a usual name.
        place: names the data set in messages.

    Returns:
        The images and the targets; names of classes in the place of their numbers.

    Raises:
        DataError: there is no column of targets.
    """
    images = str(_image_column(data[0]))
    others = [name for name in data.column_names if name != images]
    labels = target or next((name for name in LABEL_NAMES if name in others), "")
    if labels not in others:
        raise DataError(
            f"{place} has the columns {', '.join(data.column_names)}, and no target"
            f"{f' {target!r}' if target else ''}; give target=<column>"
        )
    names = _class_names(data).get(labels)
    inputs, targets = [], []
    for row in range(len(data)):
        example = data[row]
        if not row:
            check_examples(example[images], len(data), place)
        inputs.append(example[images])
        cell = example[labels]
        targets.append(cell if names is None or cell is None else names[int(cell)])
    return inputs, targets


def _image_column(example: Mapping[str, Any]) -> str | None:
    """The column of images: one of arrays or images, that with a usual name first."""
    found = [name for name, cell in example.items() if _is_image(cell)]
    usual = [name for name in found if name.lower() in IMAGE_NAMES]
    return next(iter([*usual, *found]), None)


def _is_image(cell: object) -> bool:
    if isinstance(cell, Image.Image):
        return True
    if isinstance(cell, np.ndarray | torch.Tensor):
        return cell.ndim in (2, 3)
    nested = isinstance(cell, list) and cell and isinstance(cell[0], list)
    return bool(nested)


def _class_names(data: Any) -> dict[str, list[str]]:
    """The names of the classes by the columns that hold numbers of them."""
    found: dict[str, list[str]] = {}
    for column, feature in dict(data.features).items():
        names = getattr(feature, "names", None)
        if isinstance(names, list):
            found[column] = [str(name) for name in names]
    return found
