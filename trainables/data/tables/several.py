"""Targets of which a row has several: 0 or 1 in a column for each class, lists of classes in one column, or numbers.

Lists become a column of 0 and 1 for each class when a table is read, so that everything else knows columns alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from trainables.data.multi_label import labels_of_rows, named_classes
from trainables.data.parts import PartName
from trainables.data.tables.columns import texts_of
from trainables.data.tables.on_disk import DiskRows, TableRows
from trainables.data.tables.reading import RawTable
from trainables.data.tables.settings import TableSettings
from trainables.errors import DataError

__all__ = ["classes_in", "constant_classes", "kind_of_columns", "with_columns"]

Array = np.ndarray[Any, Any]
_LISTS = (list, tuple, set, frozenset, np.ndarray)
_RULE = "1 where a row has the class, else 0; for numbers give kind='regression'"


def with_columns(table: RawTable, settings: TableSettings) -> RawTable:
    """Put a column of 0 and 1 for each class in the place of a target of lists; other tables stay as they are.

    Args:
        table: the table, each of whose rows has a target.
        settings: the target and its kind.

    Returns:
        The table, with the columns and the classes of its target.

    Raises:
        DataError: some cells are lists and others are not, a list is wrong, or a kind does not go with lists.
    """
    names = settings.targets
    if len(names) > 1 or not any(isinstance(cell, _LISTS) for cell in table.parts["train"][names[0]]):
        return replace(table, targets=names)
    name = names[0]
    if settings.kind == "regression" or settings.log_target:
        raise DataError(
            f"target {name!r} holds lists, and kind is 'regression'; give a column for each number: target=[..]"
        )
    rows = {part: _lists(frame[name], _place(table, part)) for part, frame in table.parts.items()}
    classes = named_classes(rows["train"])
    numbered = classes or tuple(map(str, range(len(rows["train"][0]))))
    if len(numbered) < 2:
        raise DataError(
            f"target {name!r} has the class {', '.join(numbered) or 'of no list'} alone; lists are for two or more "
            "classes: give a column with one class for each row"
        )
    columns = tuple(f"{name}: {one}" for one in numbered)
    parts: dict[PartName, TableRows] = {}
    for part, frame in table.parts.items():
        labels = labels_of_rows(rows[part], classes, _place(table, part)).numpy()
        rest = frame.drop(columns=name)
        if isinstance(rest, DiskRows):
            parts[part] = rest.assign(**dict(zip(columns, labels.T, strict=True)))
            continue
        made = pd.DataFrame(labels, columns=pd.Index(columns), index=rest.index)
        parts[part] = pd.concat([rest, made], axis=1)
    return replace(table, parts=parts, targets=columns, classes=numbered)


def kind_of_columns(frame: TableRows, columns: Sequence[str], kind: str | None) -> str:
    """Decide between classes that a row may have together and several numbers.

    Args:
        frame: the training rows.
        columns: the columns that are predicted.
        kind: what the user says; None lets the values decide.

    Returns:
        "labels" or "regression".

    Raises:
        DataError: it can be neither.
    """
    if kind is not None:
        return "labels" if kind == "classification" else kind
    if all(_first_wrong(frame[column]) is None for column in columns):
        return "labels"
    for column in columns:
        if not pd.api.types.is_numeric_dtype(frame[column]):
            value = next(value for value in texts_of(frame[column]).values if value not in ("0", "1"))
            raise DataError(
                f"target {column!r} holds {value!r}; several target columns hold 0 or 1 for each class, or numbers; "
                "or give one column with lists of the classes of each row"
            )
    return "regression"


def classes_in(frame: TableRows, columns: Sequence[str], place: str) -> Array:
    """Read the classes of rows.

    Args:
        frame: the rows.
        columns: the column of each class.
        place: names the rows in messages.

    Returns:
        (n, k), uint8: 1 where a row has a class.

    Raises:
        DataError: a value is neither 0 nor 1.
    """
    found: Array = np.zeros((len(frame), len(columns)), np.uint8)
    for number, column in enumerate(columns):
        wrong = _first_wrong(frame[column])
        if wrong is not None:
            value = texts_of(frame[column].iloc[[wrong]]).values[0]
            raise DataError(f"{place}: target {column!r}, row {wrong} is {value}; it must be {_RULE}")
        found[:, number] = frame[column].astype(float)
    return found


def constant_classes(labels: torch.Tensor, classes: Sequence[str]) -> list[str]:
    """Look for classes that all or none of the training rows have.

    Args:
        labels: (n, k), of the training rows.
        classes: their names.

    Returns:
        A note where all rows have a class.

    Raises:
        DataError: no row has a class.
    """
    often = labels.long().sum(0).tolist()
    absent = [name for name, count in zip(classes, often, strict=True) if not count]
    if absent:
        raise DataError(
            f"no training row has the class {', '.join(absent[:10])}; add rows of it, or leave it out of the target"
        )
    always = [name for name, count in zip(classes, often, strict=True) if count == len(labels)]
    return [f"every training row has the class {', '.join(always[:10])}"] if always else []


def _first_wrong(column: pd.Series[Any]) -> int | None:
    """The first row that is neither 0 nor 1, nor a truth value."""
    if pd.api.types.is_bool_dtype(column):
        return None
    if not pd.api.types.is_numeric_dtype(column):
        return 0
    wrong = np.flatnonzero(~column.isin([0, 1]).to_numpy())
    return int(wrong[0]) if len(wrong) else None


def _lists(column: pd.Series[Any], place: str) -> list[tuple[Any, ...]]:
    rows = []
    for row, cell in enumerate(column):
        if not isinstance(cell, _LISTS):
            raise DataError(
                f"{place}, row {row}: {cell!r:.60} is no list, and other rows have lists; give each row the list of "
                "its classes, which may be empty"
            )
        rows.append(tuple(np.asarray(cell).tolist()) if isinstance(cell, np.ndarray) else tuple(cell))
    return rows


def _place(table: RawTable, part: PartName) -> str:
    return f"{table.name}, {part} rows" if len(table.parts) > 1 else table.name
