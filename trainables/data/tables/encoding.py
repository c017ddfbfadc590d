"""The encoding of rows: which columns are numbers, which are categories, and what the training rows decided about them.

It is fitted on the training rows alone and is plain data, so that an exported file can hold it. Numbers stay as they
are until `scaling.Scaling` scales them. Categories become codes: 0 stands for values that no training row has, then a
code for missing values where the training rows have some, then one for each value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from search_spaces.names import did_you_mean
from trainables.data.numbers import as_float32
from trainables.data.tables.columns import Column, Texts, numbers_of, texts_of
from trainables.data.tables.on_disk import TableRows
from trainables.errors import DataError

__all__ = ["MOST_CATEGORIES", "CategoryColumn", "Encoding", "NumberColumn"]

MOST_CATEGORIES = 1_000
"""A column with more categories is hashed to this many codes."""
_VERSION = 1
Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class NumberColumn:
    """A column of numbers.

    Attributes:
        name: its name.
        missing: whether training rows lack the number; then the network also sees whether it is there.
    """

    name: str
    missing: bool


@dataclass(frozen=True, slots=True)
class CategoryColumn:
    """A column of categories.

    Attributes:
        name: its name.
        values: the texts of its categories in the order of their codes; empty where they are hashed.
        missing: whether training rows lack the category; then missing values have a code of their own.
        buckets: the number of codes of a hashed column; 0 for other columns.
    """

    name: str
    values: tuple[str, ...]
    missing: bool
    buckets: int = 0

    @property
    def cardinality(self) -> int:
        """The number of codes."""
        return 1 + self.missing + (self.buckets or len(self.values))

    def codes(self, texts: Texts) -> Array:
        """Encode categories.

        Args:
            texts: the column.

        Returns:
            (n,), int64, each at least 0 and below `cardinality`.
        """
        first = 1 + self.missing
        if self.buckets:
            known = [first + _bucket(text, self.buckets) for text in texts.values]
        else:
            places = {text: first + place for place, text in enumerate(self.values)}
            known = [places.get(text, 0) for text in texts.values]
        # The last entry is what the code -1, a missing value, becomes.
        table: Array = np.array([*known, 1 if self.missing else 0], dtype=np.int64)
        return np.take(table, texts.codes)


def _bucket(text: str, buckets: int) -> int:
    """A number below `buckets` that is the same in every process and on every machine."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") % buckets


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the columns of a table become numbers and codes.

    Attributes:
        numbers: the columns of numbers.
        categories: the columns of categories.
    """

    numbers: tuple[NumberColumn, ...]
    categories: tuple[CategoryColumn, ...]

    @classmethod
    def fit(cls, frame: TableRows, columns: Sequence[Column], notes: list[str]) -> Encoding:
        """Fit an encoding.

        Args:
            frame: the training rows.
            columns: the columns that become inputs, and their kinds.
            notes: gets a line for each column that is hashed.

        Returns:
            The encoding.

        Raises:
            DataError: a cell of a column of numbers is not a number.
        """
        numbers, categories = [], []
        for column in columns:
            series = frame[column.name]
            missing = bool(series.isna().any())
            if column.kind == "number":
                numbers_of(series, "training rows")
                numbers.append(NumberColumn(column.name, missing))
                continue
            values = sorted(texts_of(series).values)
            hashed = len(values) > MOST_CATEGORIES
            if hashed:
                notes.append(f"column {column.name!r} has {len(values)} categories, hashed to {MOST_CATEGORIES} codes")
            kept = () if hashed else tuple(values)
            categories.append(CategoryColumn(column.name, kept, missing, MOST_CATEGORIES if hashed else 0))
        return cls(tuple(numbers), tuple(categories))

    @property
    def columns(self) -> list[str]:
        """The names of all columns, those of numbers first."""
        return [one.name for one in self.numbers] + [one.name for one in self.categories]

    @property
    def cardinalities(self) -> tuple[int, ...]:
        """The number of codes of each column of categories."""
        return tuple(column.cardinality for column in self.categories)

    def encode(self, frame: TableRows, place: str) -> tuple[Array, Array]:
        """Encode rows. Columns that are not inputs are ignored.

        Args:
            frame: the rows, with the columns in any order.
            place: names the rows in messages.

        Returns:
            The numbers as they are, (n, columns), float32, NaN where one is missing; and the codes, (n, columns),
            int64.

        Raises:
            DataError: a column is missing, or a cell of a column of numbers is not a finite number.
        """
        known = [str(column) for column in frame.columns]
        for name in self.columns:
            if name not in known:
                hint = did_you_mean(name, known) or ";"
                raise DataError(f"{place} lack the column {name!r}, which training had{hint} add it")
        numbers = np.empty((len(frame), len(self.numbers)), np.float32)
        for index, values in enumerate(self.columns_of_numbers(frame, place)):
            numbers[:, index] = values
        return numbers, self._codes(frame)

    def encode_piece(self, frame: pd.DataFrame, place: str) -> tuple[Array, Array]:
        """Encode some rows of a column whose numbers were checked as a whole by `columns_of_numbers`.

        Args:
            frame: the rows.
            place: names the rows in messages.

        Returns:
            As of `encode`.

        Raises:
            DataError: a cell of a column of numbers is not a finite number.
        """
        numbers = np.empty((len(frame), len(self.numbers)), np.float32)
        for index, number in enumerate(self.numbers):
            numbers[:, index] = numbers_of(frame[number.name], place)
        return numbers, self._codes(frame)

    def columns_of_numbers(self, rows: TableRows, place: str) -> Iterator[Array]:
        """Go through the columns of numbers.

        Args:
            rows: the rows.
            place: names the rows in messages.

        Yields:
            (n,), float32: the numbers as they are, NaN where one is missing.

        Raises:
            DataError: a cell is not a finite number, or float32 cannot tell the numbers of a column apart.
        """
        for number in self.numbers:
            yield as_float32(numbers_of(rows[number.name], place), f"{place}: column {number.name!r}")

    def _codes(self, frame: TableRows) -> Array:
        codes = np.empty((len(frame), len(self.categories)), np.int64)
        for index, category in enumerate(self.categories):
            codes[:, index] = category.codes(texts_of(frame[category.name]))
        return codes

    def to_dict(self) -> dict[str, Any]:
        """Return the encoding as plain data.

        Returns:
            What JSON can hold, and `from_dict` reads.
        """
        return {
            "version": _VERSION,
            "numbers": [{"name": one.name, "missing": one.missing} for one in self.numbers],
            "categories": [
                {"name": one.name, "values": list(one.values), "missing": one.missing, "buckets": one.buckets}
                for one in self.categories
            ],
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Encoding:
        """Read an encoding.

        Args:
            plain: what `to_dict` returned.

        Returns:
            The encoding.

        Raises:
            DataError: it was written by a later version.
        """
        if plain["version"] != _VERSION:
            raise DataError(f"the encoding has version {plain['version']}, and {_VERSION} is known; update the program")
        categories = [CategoryColumn(**{**one, "values": tuple(one["values"])}) for one in plain["categories"]]
        return cls(tuple(NumberColumn(**one) for one in plain["numbers"]), tuple(categories))
