"""Inputs and targets as plain arrays: from arrays, tensors, lists of them, images of PIL, and columns of pandas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from PIL import Image

from trainables.data.decode import squared
from trainables.errors import DataError

__all__ = ["Array", "input_array", "plain_array", "target_columns", "targets_of"]

Array = np.ndarray[Any, Any]


def plain_array(values: Any, place: str) -> Array:
    """Convert values of one shape to an array of plain values.

    Args:
        values: an array, a tensor, a column, an image, or a list of numbers, texts or such lists.
        place: names the values in messages.

    Returns:
        The array, of bools, integers, floats or texts, in the order of bytes of this machine.

    Raises:
        DataError: the values have several shapes or are of another type.
    """
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    if isinstance(values, pd.Series | pd.Index):
        values = values.to_numpy()
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{place} have several shapes ({error}); give all of them one shape") from error
    if array.dtype.kind == "O":
        array = _of_objects(array, place)
    if array.dtype.kind not in "biufU":
        raise DataError(f"{place} are of the type {array.dtype}; give numbers or texts")
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("="))


def input_array(values: Any, place: str, resize: int | None) -> Array:
    """Convert the inputs of the examples to one array.

    Args:
        values: an array or tensor (n, ...), a data frame of numbers, or a list of n arrays, tensors or images.
        place: names the inputs in messages.
        resize: the side in pixels to which images are scaled and cut; None takes them as they are.

    Returns:
        (n, ...), with the images first height, then width, then channels where they were scaled.

    Raises:
        DataError: the inputs have several shapes, or cannot be converted.
    """
    if isinstance(values, pd.DataFrame):
        return plain_array(values.to_numpy(), place)
    if not isinstance(values, list | tuple):
        array = plain_array(values, place)
        return array if resize is None or array.ndim < 3 else _stacked(list(array), place, resize)
    if not len(values):
        raise DataError(f"{place} are empty; give at least one example")
    if not hasattr(values[0], "shape") and not isinstance(values[0], Image.Image):
        return plain_array(values, place)
    return _stacked([plain_array(one, f"{place}, number {row}") for row, one in enumerate(values)], place, resize)


def targets_of(values: Any, place: str) -> Array:
    """Convert the targets of the examples to one array.

    Args:
        values: an array, tensor or column (n,) or (n, k), or a list of n numbers, texts, arrays or tensors.
        place: names the targets in messages.

    Returns:
        (n,) or (n, k), of integers, floats or texts; a bool is the text "False" or "True" where each example has one,
        else 0 or 1.

    Raises:
        DataError: a target is missing, or is no number and no text.
    """
    if isinstance(values, pd.DataFrame):
        values = values.to_numpy()
    if isinstance(values, list | tuple):
        values = [_item(one) for one in values]
    if isinstance(values, pd.Series) and values.isna().any():
        raise DataError(_missing(place, int(np.flatnonzero(values.isna())[0])))
    array = plain_array(values, place)
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise DataError(_missing(place, int(np.argwhere(np.isnan(array))[0][0])))
    if array.ndim == 0 or array.ndim > 2:
        raise DataError(f"{place} have the shape {array.shape}; give one target for each example: (n,), or (n, k)")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.dtype.kind == "b":
        array = array.astype(np.str_) if array.ndim == 1 else array.astype(np.uint8)
    return array


def target_columns(values: Any, place: str, names: str | Sequence[str] | None) -> pd.DataFrame:
    """Convert the targets of the rows of a table to columns.

    Args:
        values: as for `targets_of`; or a data frame, which names its columns; or a list or column of lists with the
            names of the classes of each row.
        place: names the targets in messages.
        names: of the columns. By default "y", or "y0", "y1" and so on of several.

    Returns:
        A column, or several of numbers.

    Raises:
        DataError: a target is missing, or is no number and no text, or there are other names than columns.
    """
    given = [names] if isinstance(names, str) else None if names is None else list(names)
    if isinstance(values, pd.DataFrame) and values.shape[1] > 1:
        given = given or list(map(str, values.columns))
    if _has_lists(values):
        return pd.DataFrame({(given or ["y"])[0]: pd.Series([list(one) for one in values], dtype=object)})
    array = targets_of(values, place)
    if array.ndim == 1:
        array = array[:, None]
    count = array.shape[1]
    found = given or (["y"] if count == 1 else [f"y{number}" for number in range(count)])
    if len(found) != count:
        raise DataError(
            f"{place} have {count} column(s), and target names {', '.join(found)}; give a name for each, or leave "
            "target out"
        )
    return pd.DataFrame({name: array[:, number] for number, name in enumerate(found)})


def _has_lists(values: Any) -> bool:
    """Whether each row has a list, and these are of texts or of several lengths."""
    if not isinstance(values, list | tuple | pd.Series) or not all(
        isinstance(one, list | tuple | set) for one in values
    ):
        return False
    return len({len(one) for one in values}) > 1 or any(isinstance(cell, str) for one in values for cell in one)


def _of_objects(array: Array, place: str) -> Array:
    """Texts or numbers out of an array of Python objects."""
    cells = array.ravel().tolist()
    for number, cell in enumerate(cells):
        if cell is None or cell is pd.NA or (isinstance(cell, float) and np.isnan(cell)):
            row = int(np.unravel_index(number, array.shape)[0])
            raise DataError(_missing(place, row))
    if all(isinstance(cell, str) for cell in cells):
        return array.astype(np.str_)
    if all(isinstance(cell, bool | int | float | np.generic) for cell in cells):
        return np.array(cells).reshape(array.shape)
    odd = next(cell for cell in cells if not isinstance(cell, bool | int | float | np.generic))
    raise DataError(f"{place} hold {type(odd).__name__} objects; give numbers of one shape, or texts")


def _missing(place: str, row: int) -> str:
    return f"{place}: number {row} is missing (None or NaN); fill it in, or leave the example out"


def _item(one: Any) -> Any:
    if isinstance(one, torch.Tensor | np.ndarray | np.generic):
        array = plain_array(one, "targets")
        return array.item() if array.size == 1 else array
    return one


def _stacked(arrays: list[Array], place: str, resize: int | None) -> Array:
    if resize is not None and arrays[0].ndim > 1:
        arrays = [_scaled(array, resize, f"{place}, number {row}") for row, array in enumerate(arrays)]
    for row, array in enumerate(arrays):
        if array.shape != arrays[0].shape:
            raise DataError(
                f"{place}: number {row} has the shape {array.shape}, the first {arrays[0].shape}; they must be of one "
                "shape: for images give resize=<side in pixels>"
            )
    return np.stack(arrays)


def _scaled(array: Array, side: int, place: str) -> Array:
    """Scale an image (h, w), (h, w, c) or (c, h, w) to a square: (side, side) or (side, side, c)."""
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[2] not in (1, 3, 4):
        array = array.transpose(1, 2, 0)
    if array.ndim not in (2, 3) or array.dtype.kind not in "biuf":
        raise DataError(f"{place} has the shape {array.shape} and cannot be scaled to {side} pixels; leave resize out")
    kind = np.uint8 if array.dtype == np.uint8 else np.float32
    layers = array[..., None] if array.ndim == 2 else array
    scaled = [np.asarray(squared(Image.fromarray(layer.astype(kind)), side)) for layer in np.moveaxis(layers, 2, 0)]
    return scaled[0] if array.ndim == 2 else np.stack(scaled, axis=2)
