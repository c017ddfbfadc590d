"""A table of trained architectures in a Parquet or CSV file: a row for each training, columns for every fidelity."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nas_tune.benchmarks.tables.benchmark import Curve, Fidelity
from nas_tune.benchmarks.tables.columns import numbers_of, read_columns
from nas_tune.benchmarks.tables.encodings import reader
from nas_tune.errors import ConfigError
from search_spaces import Architecture, ArchitectureError, Space

__all__ = ["ParquetBenchmark"]


class ParquetBenchmark:
    """Answers from a file. An architecture that is not in it is found as an isomorphic one, by the canonical id.

    Args:
        file: the Parquet or CSV file.
        space: of the architectures.
        column: the column of the architectures.
        encoding: how the column writes them (see `encodings`).
        fidelities: rising in epochs. Several rows of an architecture are repeated trainings.
        test: the column of the test score, which no search sees; None without one.
        costs: the columns of costs by the name of the cost. Of repeated trainings the first row counts.

    Raises:
        ConfigError: no such file or column, or a row that is not an architecture of the space.
    """

    def __init__(
        self,
        file: Path,
        space: Space,
        *,
        column: str,
        encoding: str,
        fidelities: Sequence[Fidelity],
        test: str | None = None,
        costs: Mapping[str, str] | None = None,
    ) -> None:
        self._file, self._space = file, space
        self.epochs = tuple(fidelity.epoch for fidelity in fidelities)
        if not self.epochs or list(self.epochs) != sorted(set(self.epochs)):
            raise ConfigError(f"fidelities {self.epochs}: give at least one, with epochs in increasing order")
        numbers = [name for fidelity in fidelities for name in (fidelity.value, fidelity.cost)]
        columns = dict(costs or {})
        table = read_columns(file, [column, *numbers, *([test] if test else []), *columns.values()])
        if not len(table):
            raise ConfigError(f"table {file} has no rows; it needs one for each architecture that may be asked for")
        self._values = _columns(table, [fidelity.value for fidelity in fidelities])
        self._seconds = _columns(table, [fidelity.cost for fidelity in fidelities])
        self._costs = {name: numbers_of(table[of], of) for name, of in columns.items()}
        self._test = _columns(table, [test])[:, 0] if test else None
        self._rows: dict[Architecture, list[int]] = {}
        self._ids: dict[str, Architecture] | None = None
        self._enter(table[column].to_pylist(), column, encoding)

    @property
    def architectures(self) -> list[Architecture]:
        """Every architecture of the table, once."""
        return list(self._rows)

    def curve(self, architecture: Architecture, seed: int) -> Curve:
        rows = self._found(architecture)
        row = rows[seed % len(rows)]
        return Curve(tuple(self._values[row].tolist()), tuple(self._seconds[row].tolist()))

    def costs(self, architecture: Architecture) -> Mapping[str, float]:
        row = self._found(architecture)[0]
        return {name: float(column[row]) for name, column in self._costs.items()}

    def test(self, architecture: Architecture) -> float | None:
        return None if self._test is None else float(self._test[self._found(architecture)].mean())

    def best(self, mode: Literal["max", "min"], judged_by: Literal["test", "validation"]) -> float | None:
        """Of all rows by validation; by test of all architectures, whose rows are averaged."""
        if judged_by == "validation":
            scores = self._values[:, -1]
        elif self._test is None:
            return None
        else:
            scores = np.array([self._test[rows].mean() for rows in self._rows.values()])
        known = scores[np.isfinite(scores)]
        return float(known.max() if mode == "max" else known.min()) if len(known) else None

    def _enter(self, texts: Sequence[str], column: str, encoding: str) -> None:
        read = reader(self._space, encoding)
        for row, text in enumerate(texts):
            try:
                architecture = read(text)
            except ArchitectureError as error:
                raise ConfigError(f"{self._file}, row {row}, column {column}: {error}") from error
            self._rows.setdefault(architecture, []).append(row)

    def _found(self, architecture: Architecture) -> list[int]:
        rows = self._rows.get(architecture)
        if rows is not None:
            return rows
        if self._ids is None:
            self._ids = {known.id: known for known in self._rows}
        known = self._ids.get(self._space.validate(architecture).id)
        if known is None:
            raise ArchitectureError("", f"{architecture.to_json()} is not in {self._file.name}")
        return self._rows[known]


def _columns(table: Any, names: Sequence[str]) -> NDArray[np.float64]:
    return np.column_stack([numbers_of(table[name], name) for name in names])
