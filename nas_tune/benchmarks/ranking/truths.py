"""The architectures by which a supernet is judged, and their true values in a table."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nas_tune.benchmarks.tables import digits
from nas_tune.benchmarks.tables.columns import numbers_of, read_columns, read_names
from nas_tune.benchmarks.tables.surrogate import SurrogateBenchmark
from nas_tune.benchmarks.tables.table import find_table
from nas_tune.errors import ConfigError
from search_spaces import Architecture, Space, SpaceError
from search_spaces.notation import reader

__all__ = ["BUILT_IN", "Sample", "TruthTable", "drawn"]

FloatArray = NDArray[np.float64]

BUILT_IN = "digits"
"""The name of the table in the package."""
_USUAL = "architecture"
_LISTED = 50_000
"""Trees of a space up to which all of them are listed and shuffled."""
_TRIES = 100
"""Draws for each architecture that is wanted from a larger space, because some have the same id."""


@dataclass(frozen=True)
class Sample:
    """Architectures with their true values.

    Attributes:
        architectures: no two of them compute the same.
        truth: the true value of each, (n,), finite.
        beside: other numbers of each that the table has, (n,), by the name of the column.
        notes: what a reader should know.
    """

    architectures: Sequence[Architecture]
    truth: FloatArray
    beside: dict[str, FloatArray] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def drawn(space: Space, count: int, seed: int) -> list[Architecture]:
    """Draw different members of a space. A greater count begins with the members of a smaller one.

    Args:
        space: the space.
        count: how many.
        seed: of the draws.

    Returns:
        At most `count` members, no two with the same id; all of a space that has no more.
    """
    rng = random.Random(seed)
    if space.trees is not None and space.trees <= _LISTED:
        listed = list(space.enumerate())
        rng.shuffle(listed)
        return list(itertools.islice(_different(listed), count))
    return list(itertools.islice(_different(space.sample(rng) for _ in range(_TRIES * count)), count))


class TruthTable:
    """A table of trained architectures. The names of its columns are checked at once, the rows when a sample is drawn.

    Args:
        file: a Parquet or CSV file, or an ONNX surrogate, here or below `NAS_TUNE_TABLES`; "digits" is the table of the
            package.
        architecture: the column of architectures, in the notation of their space or as JSON; by default "architecture".
        truth: the column of true values.
        beside: further columns to be judged as scores.

    Raises:
        ConfigError: there is no such file or column, or the true values are not named.
    """

    def __init__(
        self, file: str, architecture: str | None = None, truth: str | None = None, beside: Sequence[str] = ()
    ) -> None:
        if file == BUILT_IN:
            file, architecture, truth = str(digits.TABLE["file"]), architecture or "cell", truth or "test"
        self.file = find_table(file)
        self.is_surrogate = self.file.suffix.lower() == ".onnx"
        self._architecture, self._truth, self._beside = architecture or _USUAL, truth or "", list(beside)
        if self.is_surrogate:
            named = [one for one in (architecture, truth, *beside) if one is not None]
            if named:
                raise ConfigError(
                    f"table {self.file} is a surrogate without columns, whose truth is its last epoch; leave out "
                    f"{', '.join(named)}"
                )
            return
        known = ", ".join(read_names(self.file))
        if truth is None:
            raise ConfigError(f"table {self.file}: say which column has the true values (truth); it has: {known}")
        if architecture is None and _USUAL not in read_names(self.file):
            raise ConfigError(
                f"table {self.file}: say which column has the architectures; it has no column {_USUAL!r}, but: {known}"
            )
        self._rows = read_columns(self.file, [self._architecture, truth, *beside])
        self._numbers = {name: numbers_of(self._rows[name], name) for name in (truth, *beside)}

    def check(self, space: Space) -> None:
        """Refuse the table of another space by its first architecture, before anything is loaded.

        Args:
            space: the space of the supernet.

        Raises:
            ConfigError: the table is not of the space.
        """
        if self.is_surrogate:
            SurrogateBenchmark(self.file, space)
        elif len(self._rows):
            self._member(space, str(self._rows[self._architecture][0].as_py()))

    def _member(self, space: Space, text: str) -> Architecture:
        try:
            return reader(space)(text)
        except SpaceError as error:
            raise ConfigError(
                f"table {self.file}: {self._architecture} has {text!r:.120}, which is no member of the supernet's "
                f"space {space.name}: {error}; take a table of that space (with equal options), or a supernet of "
                "the table's"
            ) from error

    def sample(self, space: Space, count: int, seed: int, *, is_max: bool) -> Sample:
        """Draw different architectures of the table. Several rows of one are averaged.

        Args:
            space: the space of the supernet.
            count: how many; all where the table has fewer.
            seed: of the draws.
            is_max: whether more of the true value is better.

        Returns:
            The sample.

        Raises:
            ConfigError: an architecture of the table is no member of the space.
        """
        if self.is_surrogate:
            return self._predicted(space, count, seed)
        means = self._means()
        texts = list(means)
        random.Random(seed).shuffle(texts)
        chosen, seen = dict[str, Architecture](), set[str]()
        for text in texts:
            member = self._member(space, text)
            if member.id not in seen:
                seen.add(member.id)
                chosen[text] = member
            if len(chosen) == count:
                break
        if not chosen:
            raise ConfigError(
                f"table {self.file} has no row with a number in {self._truth}; take another column or table"
            )
        values = {name: np.array([means[text][name] for text in chosen]) for name in self._numbers}
        every = [row[self._truth] for row in means.values()]
        return Sample(
            list(chosen.values()),
            values[self._truth],
            {name: values[name] for name in self._beside},
            self._notes(values[self._truth], every, is_max),
        )

    def _notes(self, truth: FloatArray, every: Sequence[float], is_max: bool) -> tuple[str, ...]:
        best = max if is_max else min
        found = [
            f"{len(truth)} of the {len(every)} architectures of {self.file.name}; true values: {self._truth}, the best "
            f"of the sample {best(truth):.4g}, of the table {best(every):.4g}"
        ]
        lost = int((~np.isfinite(self._numbers[self._truth])).sum())
        if lost:
            found.append(f"{lost} rows without a number in {self._truth} are left out")
        return tuple(found)

    def _means(self) -> dict[str, dict[str, float]]:
        """The mean of each column by the text of the architecture; rows without a true value are left out."""
        texts = [str(one) for one in self._rows[self._architecture].to_pylist()]
        groups: dict[str, list[int]] = {}
        for row, (text, truth) in enumerate(zip(texts, self._numbers[self._truth], strict=True)):
            if np.isfinite(truth):
                groups.setdefault(text, []).append(row)
        found: dict[str, dict[str, float]] = {}
        for text, rows in groups.items():
            found[text] = {name: float(column[rows].mean()) for name, column in self._numbers.items()}
        return found

    def _predicted(self, space: Space, count: int, seed: int) -> Sample:
        surrogate = SurrogateBenchmark(self.file, space)
        architectures = drawn(space, count, seed)
        truth = np.array([surrogate.curve(one, 0).values[-1] for one in architectures])
        note = (
            f"{len(truth)} architectures of {space.name}; true values: what {self.file.name} predicts of the last epoch"
        )
        return Sample(architectures, truth, notes=(note,))


def _different(members: Iterator[Architecture] | Sequence[Architecture]) -> Iterator[Architecture]:
    seen: set[str] = set()
    for member in members:
        if member.id not in seen:
            seen.add(member.id)
            yield member
