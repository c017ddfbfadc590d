"""The target of a table: what kind of task it is, its classes or its scales, and what makes it useless."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from trainables.data.numbers import as_float32
from trainables.data.tables.columns import Texts, numbers_of, texts_of
from trainables.data.tables.on_disk import TableRows
from trainables.data.tables.several import classes_in
from trainables.errors import DataError

__all__ = ["Target", "check_target", "kind_of_target"]

_FEW_CLASSES = 20
_ROWS_A_CLASS = 5
_SHOWN = 5
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """What is predicted.

    Attributes:
        name: the column; of several the names, separated by commas.
        classes: the classes as texts in the order of their numbers; empty for a regression.
        mean: of each number in the training rows, or of its logarithm; 0 for a classification.
        std: their standard deviations; 1 for a classification.
        log: whether the two are of logarithms.
        columns: the columns where there are several; else empty.
        multi_label: whether a row may have several of the classes.
    """

    name: str
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    log: bool = False
    columns: tuple[str, ...] = ()
    multi_label: bool = False

    @classmethod
    def fit(cls, frame: TableRows, columns: Sequence[str], kind: str, *, log: bool) -> Target:
        """Fit the target.

        Args:
            frame: the training rows, whose targets `check_target` has checked.
            columns: the columns that are predicted.
            kind: "classification", "labels" for classes that a row may have together, or "regression".
            log: whether to predict the logarithm.

        Returns:
            The target.

        Raises:
            DataError: all training rows have the same value, or a logarithm of a value does not exist.
        """
        name, several = ", ".join(columns), tuple(columns) if len(columns) > 1 else ()
        if kind == "labels":
            return cls(name, several, columns=several, multi_label=True)
        for column in columns:
            if frame[column].nunique() < 2:
                raise DataError(
                    f"target {column!r} is {texts_of(frame[column]).values[0]!r} in all training rows; there is "
                    "nothing to learn: give rows with other values, or another target"
                )
        if kind == "classification":
            return cls(name, _sorted(texts_of(frame[columns[0]])))
        scaled = [_scaled(frame[column], log) for column in columns]
        mean, std = tuple(float(one.mean()) for one in scaled), tuple(float(one.std()) for one in scaled)
        return cls(name, (), mean, std, log, several)

    def encode(self, frame: TableRows, place: str) -> Array:
        """Encode the target of rows.

        Args:
            frame: the rows.
            place: names the rows in messages.

        Returns:
            (n,): numbers of classes, int64; (n, k): 0 or 1 for each class, uint8; or the values, float32, of which
            several are (n, k).

        Raises:
            DataError: a class is not one of the training rows, or a logarithm does not exist.
        """
        if self.multi_label:
            return classes_in(frame, self.columns, place)
        if not self.classes:
            values = [self._values(frame[column], place) for column in self.columns or (self.name,)]
            return np.stack(values, 1) if self.columns else values[0]
        places = {name: place for place, name in enumerate(self.classes)}
        texts = texts_of(frame[self.name])
        unknown = [text for text in texts.values if text not in places]
        if unknown:
            raise DataError(
                f"{place} have the class {unknown[0]!r} of target {self.name!r}, which no training row has (it has "
                f"{', '.join(map(repr, self.classes[:_SHOWN]))}); add training rows of it, or leave these rows out"
            )
        numbers: Array = np.array([places[text] for text in texts.values], dtype=np.int64)
        return np.take(numbers, texts.codes)

    def _values(self, series: pd.Series[Any], place: str) -> Array:
        values = numbers_of(series, place)
        if self.log and values.min() <= 0:
            raise DataError(
                f"{place}: target {series.name!r} is {values.min():g}; a logarithm is that of numbers above 0; give "
                "log_target=false"
            )
        return as_float32(values, f"{place}: target {series.name!r}")

    def standardized(self, values: Tensor) -> Tensor:
        """Bring numbers to the scale on which networks learn them.

        Args:
            values: (n,), or (n, k) of several numbers, in their units.

        Returns:
            The same shape.
        """
        found = values.log() if self.log else values
        if not self.columns:
            return found.sub(self.mean[0]).div(self.std[0])
        scales = zip(found.unbind(1), self.mean, self.std, strict=True)
        return torch.stack([one.sub(mean).div(std) for one, mean, std in scales], 1)

    def in_units(self, outputs: Tensor) -> Tensor:
        """Bring outputs of a network to the units of the numbers.

        Args:
            outputs: (n, k), standardized.

        Returns:
            (n,), or (n, k) of several numbers, float64.
        """
        scales = zip(outputs.double().unbind(1), self.mean, self.std, strict=True)
        found = torch.stack([one * std + mean for one, mean, std in scales], 1)
        found = found.exp() if self.log else found
        return found if self.columns else found[:, 0]

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain data.

        Returns:
            What JSON can hold, and `from_dict` reads. One number has its mean and deviation alone, as in files of
            earlier versions.
        """
        scales = (list(self.mean), list(self.std)) if len(self.mean) > 1 else (self.mean[0], self.std[0])
        plain = {"name": self.name, "classes": list(self.classes), "mean": scales[0], "std": scales[1], "log": self.log}
        return plain | ({"columns": list(self.columns), "multi_label": self.multi_label} if self.columns else {})

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Target:
        """Read a target.

        Args:
            plain: what `to_dict` returned.

        Returns:
            The target.
        """
        found = dict(plain)
        for name in ("mean", "std"):
            found[name] = tuple(found[name]) if isinstance(found[name], list) else (found[name],)
        for name in ("classes", "columns"):
            found[name] = tuple(found.get(name, ()))
        return cls(**found)


def check_target(series: pd.Series[Any], place: str) -> None:
    """Check that each row has a target.

    Args:
        series: the target.
        place: names the rows in messages.

    Raises:
        DataError: a row has none.
    """
    missing = np.flatnonzero(series.isna())
    if len(missing):
        where = ", ".join(str(row) for row in missing[:_SHOWN]) + (", .." if len(missing) > _SHOWN else "")
        raise DataError(
            f"{place}: target {series.name!r} is missing (NaN or empty) in {len(missing)} of {len(series)} rows: row "
            f"{where}; leave these rows out, or fill them in"
        )


def kind_of_target(series: pd.Series[Any], kind: str | None) -> str:
    """Decide between classification and regression.

    Args:
        series: the target of the training rows.
        kind: what the user says; None lets the values decide.

    Returns:
        "classification" or "regression".

    Raises:
        DataError: it can be neither.
    """
    distinct = series.nunique()
    types = pd.api.types
    is_number = types.is_numeric_dtype(series) and not types.is_bool_dtype(series)
    if kind is not None or not is_number:
        if kind != "regression" and distinct > max(2, len(series) // 2):
            raise DataError(
                f"target {series.name!r} has {distinct} different values in {len(series)} rows, too many for classes; "
                'give another target, or kind="regression" if they are numbers'
            )
        return kind or "classification"
    few = distinct <= _FEW_CLASSES and len(series) >= _ROWS_A_CLASS * distinct
    whole = few and bool((series == np.floor(series.astype(float))).all())
    return "classification" if whole else "regression"


def _scaled(series: pd.Series[Any], log: bool) -> Array:
    numbers = numbers_of(series, "training rows")
    if log and numbers.min() <= 0:
        row = int(numbers.argmin())
        raise DataError(
            f"target {series.name!r}, row {row}: {numbers[row]:g} has no logarithm, which is that of numbers above 0; "
            "give log_target=false, or add a number to all"
        )
    found: Array = np.log(numbers) if log else numbers
    return found


def _sorted(texts: Texts) -> tuple[str, ...]:
    """Classes in the order of their numbers where all are numbers, else of their texts."""
    try:
        return tuple(sorted(texts.values, key=float))
    except ValueError:
        return tuple(sorted(texts.values))
