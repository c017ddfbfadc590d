"""The kinds of columns: number or category, decided by their type and their training values, or by the user."""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from search_spaces.names import did_you_mean
from trainables.data.tables.on_disk import TableRows
from trainables.errors import DataError

__all__ = ["Column", "Texts", "check_known", "kinds_of", "numbers_of", "texts_of"]

Kind = Literal["number", "category"]
_FEW_VALUES = 10
"""Whole numbers with at most so many different values are categories .."""
_ROWS_A_VALUE = 10
""".. if there are at least so many rows for each value on average."""
_MOSTLY = 0.9
"""The share of texts that are numbers from which a column of texts is probably one of numbers."""
_SECONDS_A_DAY = 86_400
_PLAIN = (str, bool, int, float, np.generic, decimal.Decimal, datetime.date, datetime.time, datetime.timedelta)


@dataclass(frozen=True, slots=True)
class Column:
    """A column that becomes an input.

    Attributes:
        name: its name.
        kind: "number" or "category".
    """

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of categories as texts.

    Attributes:
        codes: the position in `values` of each row, (n,); -1 where the value is missing.
        values: the different texts, in the order of their first rows.
    """

    codes: np.ndarray[Any, Any]
    values: list[str]


def check_known(frame: TableRows, setting: str, names: Sequence[str], place: str) -> None:
    """Check that a table has the columns that a setting names.

    Args:
        frame: the table.
        setting: the name of the setting.
        names: the columns.
        place: names the table.

    Raises:
        DataError: a column does not exist; the message has a close name.
    """
    known = [str(column) for column in frame.columns]
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or ";"
            shown = ", ".join(known[:20]) + (", .." if len(known) > 20 else "")
            raise DataError(f"{setting} is {name!r}, and {place} has no such column{hint} its columns: {shown}")


def kinds_of(frame: TableRows, numeric: Sequence[str], categorical: Sequence[str], notes: list[str]) -> list[Column]:
    """Decide which columns are numbers and which are categories; columns of one value are left out.

    Args:
        frame: the training rows, without the target.
        numeric: columns that the user calls numbers.
        categorical: columns that the user calls categories.
        notes: gets a line for each column that is left out, that looks like an identifier, or that is probably read
            in another way than meant.

    Returns:
        The columns in the order of the table.

    Raises:
        DataError: a cell is neither a number nor a text, or no column is left.
    """
    columns: list[Column] = []
    for name in map(str, frame.columns):
        series = frame[name]
        _check_cells(series)
        distinct = series.nunique(dropna=False)
        if distinct < 2:
            notes.append(f"column {name!r} is left out, because all training rows have {_said(series.iloc[0])}")
            continue
        given: Kind | None = "number" if name in numeric else "category" if name in categorical else None
        kind = given or _kind(series)
        columns.append(Column(name, kind))
        if given is None:
            _warn(series, kind, distinct, notes)
    if not columns:
        raise DataError("no column is left to predict from: each has one value, or is left out; give other columns")
    return columns


def _kind(series: pd.Series[Any]) -> Kind:
    types = pd.api.types
    if types.is_bool_dtype(series) or isinstance(series.dtype, pd.CategoricalDtype):
        return "category"
    if types.is_datetime64_any_dtype(series) or types.is_timedelta64_dtype(series):
        return "number"
    if not types.is_numeric_dtype(series):
        return "number" if _are_numbers(series) else "category"
    values = series.dropna()
    distinct = values.nunique()
    few = distinct <= _FEW_VALUES and len(values) >= _ROWS_A_VALUE * distinct
    return "category" if few and bool((values == np.floor(values.astype(float))).all()) else "number"


def _are_numbers(series: pd.Series[Any]) -> bool:
    """Whether a column of Python objects holds numbers or dates."""
    values = series.dropna()
    number = (int, float, np.number, decimal.Decimal, datetime.date)
    return len(values) > 0 and all(isinstance(value, number) and not isinstance(value, bool) for value in values)


def _check_cells(series: pd.Series[Any]) -> None:
    if series.dtype != object:
        return
    for row, value in series.items():
        if value is not None and not isinstance(value, _PLAIN) and value is not pd.NA and value is not pd.NaT:
            raise DataError(
                f"column {series.name!r}, row {row}: {value!r:.60} is a {type(value).__name__}; a cell is a number, a "
                f"text, true or false, or a date: give drop=[{series.name!r}], or columns of its parts"
            )


def _warn(series: pd.Series[Any], kind: Kind, distinct: int, notes: list[str]) -> None:
    """Note what is probably no feature, or is probably read in another way than meant."""
    name, rows = series.name, len(series)
    whole = pd.api.types.is_integer_dtype(series)
    if rows >= 20 and distinct == rows and (kind == "category" or whole):
        notes.append(
            f"warning: column {name!r} has another value in each training row, as an identifier or free text has; it "
            f"teaches nothing about new rows: give drop=[{name!r}]"
        )
        return
    if kind == "category" and pd.api.types.is_string_dtype(series):
        texts = series.dropna().unique()
        parsed = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna()
        if len(texts) > _FEW_VALUES and parsed.mean() >= _MOSTLY:
            odd = [text for text, is_number in zip(texts, parsed, strict=True) if not is_number]
            remedy = f"numeric=[{name!r}]" + (f" and missing=[{odd[0]!r}]" if odd else "")
            notes.append(f"warning: column {name!r} is a category, though most of its texts are numbers; give {remedy}")


def numbers_of(series: pd.Series[Any], place: str) -> np.ndarray[Any, Any]:
    """Read a column as numbers.

    Args:
        series: the column; dates become days since 1970, and durations days.
        place: names the rows in messages.

    Returns:
        (n,), float64; NaN where the value is missing.

    Raises:
        DataError: a text is not a number, or a number is infinite.
    """
    if series.dtype == object and len(series) and isinstance(series.dropna().iloc[:1].squeeze(), datetime.date):
        series = pd.to_datetime(series)
    if pd.api.types.is_datetime64_any_dtype(series):
        moments = pd.to_datetime(series, utc=True).dt.tz_localize(None)
        return np.asarray((moments - pd.Timestamp(0)) / pd.Timedelta(1, "D"), dtype=np.float64)
    if pd.api.types.is_timedelta64_dtype(series):
        return np.asarray(series.dt.total_seconds() / _SECONDS_A_DAY, dtype=np.float64)
    plain = series.astype(object) if isinstance(series.dtype, pd.CategoricalDtype) else series
    parsed = pd.to_numeric(plain, errors="coerce")
    wrong = parsed.isna() & series.notna()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(
            f"{place}: column {series.name!r}, row {row}: {series.iloc[row]!r} is not a number; correct it, give "
            f"missing=[{str(series.iloc[row])!r}] if it stands for a missing value, or categorical=[{series.name!r}]"
        )
    values = np.asarray(parsed.astype("float64"), dtype=np.float64)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise DataError(
            f"{place}: column {series.name!r}, row {row}: {values[row]} is not a finite number; correct it, or leave "
            "the cell empty"
        )
    return values


def texts_of(series: pd.Series[Any]) -> Texts:
    """Read a column as categories. Numbers that are equal give one text, such as 3 and 3.0.

    Args:
        series: the column.

    Returns:
        The texts.
    """
    codes, uniques = pd.factorize(series.astype(object), use_na_sentinel=True)
    places: dict[str, int] = {}
    same = np.array([places.setdefault(_text(value), len(places)) for value in uniques] + [-1])
    return Texts(same[codes], list(places))


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _said(value: object) -> str:
    return "no value" if pd.isna(value) else repr(_text(value))  # type: ignore[call-overload]
