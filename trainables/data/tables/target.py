"""The target of a table: what kind of task it is, its classes or its scale, and what makes it useless."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from trainables.data.numbers import as_float32
from trainables.data.tables.columns import Texts, numbers_of, texts_of
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
        name: the column.
        classes: the classes as texts in the order of their numbers; empty for a regression.
        mean: of the training rows, or of their logarithms; 0 for a classification.
        std: their standard deviation; 1 for a classification.
        log: whether the two are of logarithms.
    """

    name: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    std: float = 1.0
    log: bool = False

    @classmethod
    def fit(cls, series: pd.Series[Any], kind: str, *, log: bool) -> Target:
        """Fit the target.

        Args:
            series: the target of the training rows, which `check_target` has checked.
            kind: "classification" or "regression".
            log: whether to predict the logarithm.

        Returns:
            The target.

        Raises:
            DataError: all training rows have the same value, or a logarithm of a value does not exist.
        """
        name = str(series.name)
        if series.nunique() < 2:
            raise DataError(
                f"target {name!r} is {texts_of(series).values[0]!r} in all training rows; there is "
                "nothing to learn: give rows with other values, or another target"
            )
        if kind == "classification":
            return cls(name, _sorted(texts_of(series)))
        numbers = numbers_of(series, "training rows")
        if log and numbers.min() <= 0:
            row = int(numbers.argmin())
            raise DataError(
                f"target {name!r}, row {row}: {numbers[row]:g} has no logarithm, which is that of numbers above 0; "
                "give log_target=false, or add a number to all"
            )
        scaled = np.log(numbers) if log else numbers
        return cls(name, (), float(scaled.mean()), float(scaled.std()), log)

    def encode(self, series: pd.Series[Any], place: str) -> Array:
        """Encode the target of rows.

        Args:
            series: the target.
            place: names the rows in messages.

        Returns:
            (n,): numbers of classes, int64; or the values, float32.

        Raises:
            DataError: a class is not one of the training rows, or a logarithm does not exist.
        """
        if not self.classes:
            values = numbers_of(series, place)
            if self.log and values.min() <= 0:
                raise DataError(
                    f"{place}: target {self.name!r} is {values.min():g}; a logarithm is that of numbers above 0; give "
                    "log_target=false"
                )
            return as_float32(values, f"{place}: target {self.name!r}")
        places = {name: place for place, name in enumerate(self.classes)}
        texts = texts_of(series)
        unknown = [text for text in texts.values if text not in places]
        if unknown:
            raise DataError(
                f"{place} have the class {unknown[0]!r} of target {self.name!r}, which no training row has (it has "
                f"{', '.join(map(repr, self.classes[:_SHOWN]))}); add training rows of it, or leave these rows out"
            )
        numbers: Array = np.array([places[text] for text in texts.values], dtype=np.int64)
        return np.take(numbers, texts.codes)

    def to_dict(self) -> dict[str, Any]:
        """Return the target as plain data.

        Returns:
            What JSON can hold, and `from_dict` reads.
        """
        plain = {"mean": self.mean, "std": self.std, "log": self.log}
        return {"name": self.name, "classes": list(self.classes), **plain}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Target:
        """Read a target.

        Args:
            plain: what `to_dict` returned.

        Returns:
            The target.
        """
        return cls(**{**plain, "classes": tuple(plain["classes"])})


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


def _sorted(texts: Texts) -> tuple[str, ...]:
    """Classes in the order of their numbers where all are numbers, else of their texts."""
    try:
        return tuple(sorted(texts.values, key=float))
    except ValueError:
        return tuple(sorted(texts.values))
