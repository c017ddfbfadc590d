"""Data sets that give one example at a time: those of `torch.utils.data`, and those of Hugging Face by their form."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from trainables.data.objects.size import check_examples
from trainables.data.parquet_columns import IMAGE_NAMES, LABEL_NAMES
from trainables.errors import DataError

__all__ = ["Examples", "frame_of", "is_dataset", "is_hugging_face", "pair_of"]


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


class Examples:
    """The examples of a data set, each of which is read once.

    Args:
        data: has a length and at least one example. Its examples are pairs of an input and a target; those of a data
            set of Hugging Face have columns, of which one has images.
        target: the column of the targets; None for the one with a usual name.
        place: names the data set in messages.

    Raises:
        DataError: there is no example, or no column of targets.
    """

    def __init__(self, data: Any, target: str | None, place: str) -> None:
        self.place = place
        self._data, self._target = data, target
        self._first: tuple[Any, Any] | None = None
        if not len(data):
            raise DataError(f"{place} has no example; give at least one")

    def __len__(self) -> int:
        return len(self._data)

    def first(self) -> tuple[Any, Any]:
        """Read the first example; it is kept for `pairs`, since another reading may give another one.

        Returns:
            The input and the target.

        Raises:
            DataError: it is no such pair.
        """
        if self._first is None:
            self._first = self._reader()(0)
        return self._first

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        """Read all examples in order.

        Yields:
            The input and the target of each; the names of classes in the place of their numbers.

        Raises:
            DataError: an example is no such pair.
        """
        yield self.first()
        read = self._reader()
        for row in range(1, len(self)):
            yield read(row)

    def _reader(self) -> Callable[[int], tuple[Any, Any]]:
        if is_hugging_face(self._data):
            return _of_columns(self._data, self._target, self.place)
        return _of_pairs(self._data, self.place)


def pair_of(examples: Examples) -> tuple[list[Any], list[Any]]:
    """Read each example of a data set into memory.

    Args:
        examples: of the data set.

    Returns:
        The inputs and the targets.

    Raises:
        DataError: an example is no pair, or all of them do not fit into memory.
    """
    check_examples(examples.first()[0], len(examples), examples.place)
    inputs, targets = [], []
    for one, target in examples.pairs():
        inputs.append(one)
        targets.append(target)
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


def _of_pairs(data: Any, place: str) -> Callable[[int], tuple[Any, Any]]:
    def read(row: int) -> tuple[Any, Any]:
        example = data[row]
        if isinstance(example, list | tuple) and len(example) == 2:
            return example[0], example[1]
        said = f"{len(example)} values" if isinstance(example, list | tuple) else f"a {type(example).__name__}"
        raise DataError(
            f"{place}: example {row} is {said}; an example is a pair (input, target). For other examples write a "
            "task of your own (trainables.tasks.task.Task)"
        )

    return read


def _of_columns(data: Any, target: str | None, place: str) -> Callable[[int], tuple[Any, Any]]:
    images = str(_image_column(data[0]))
    others = [name for name in data.column_names if name != images]
    labels = target or next((name for name in LABEL_NAMES if name in others), "")
    if labels not in others:
        raise DataError(
            f"{place} has the columns {', '.join(data.column_names)}, and no target"
            f"{f' {target!r}' if target else ''}; give target=<column>"
        )
    names = _class_names(data).get(labels)

    def read(row: int) -> tuple[Any, Any]:
        example = data[row]
        cell = example[labels]
        return example[images], cell if names is None or cell is None else names[int(cell)]

    return read


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
