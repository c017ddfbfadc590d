"""Measured costs of members of a space, read from a frame: each row is checked, and repeated members are averaged."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from search_spaces.architecture import Architecture
from search_spaces.errors import SpaceError
from search_spaces.notation import reader
from search_spaces.space import Space
from trainables.errors import DataError
from trainables.hardware.operation_counts import FloatArray

__all__ = ["CostValues", "read_values"]

_SHOWN = 3
"""Rows with a problem that a message shows."""
_ARCHITECTURE = "architecture"


@dataclass(frozen=True, slots=True)
class CostValues:
    """Measured costs of different members.

    Attributes:
        name: of what was measured, such as "latency_ms".
        architectures: the members.
        values: the cost of each, (n,), above 0.
    """

    name: str
    architectures: tuple[Architecture, ...]
    values: FloatArray

    def keys(self) -> list[str]:
        """Identify each member by its tree.

        Returns:
            The JSON of each.
        """
        return [architecture.to_json() for architecture in self.architectures]

    def joined(self, more: CostValues) -> CostValues:
        """Add further values; a member that is in both gets the mean.

        Args:
            more: values of the same cost.

        Returns:
            All values, those of `self` first.
        """
        architectures = [*self.architectures, *more.architectures]
        return _averaged(self.name, architectures, [*self.values, *more.values])

    def taken(self, places: Sequence[int]) -> CostValues:
        """Take some members.

        Args:
            places: of the members, from 0.

        Returns:
            Those members, in the order of the places.
        """
        return CostValues(self.name, tuple(self.architectures[place] for place in places), self.values[list(places)])

    def without(self, keys: set[str]) -> CostValues:
        """Leave members out.

        Args:
            keys: those of the members to leave out.

        Returns:
            The other ones.
        """
        return self.taken([place for place, key in enumerate(self.keys()) if key not in keys])


def read_values(
    space: Space, frame: pd.DataFrame, *, architecture: str | None = None, value: str | None = None
) -> CostValues:
    """Read measured costs.

    Args:
        space: of the members.
        frame: a row for each measurement. An architecture is an `Architecture`, its tree, the JSON of its tree, or a
            text in the notation of the space.
        architecture: the column of architectures; by default "architecture", else the first column.
        value: the column of costs, numbers above 0; by default the only other column.

    Returns:
        The values; a member that has several rows gets their mean.

    Raises:
        DataError: the columns are not clear, a row has no member of the space, or no number above 0; the message names
            the rows.
    """
    of, cost = _columns(frame, architecture, value)
    read = reader(space)
    members: list[Architecture] = []
    numbers: list[float] = []
    problems: list[str] = []
    for label, given, number in zip(frame.index, frame[of], frame[cost], strict=True):
        try:
            members.append(read(given))
        except SpaceError as error:
            problems.append(f"row {label}: {error}")
            continue
        problem = _number_problem(number)
        if problem:
            problems.append(f"row {label}: {cost} is {number!r}, {problem}")
        else:
            numbers.append(float(number))
    if problems:
        more = f"\nand {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise DataError(
            f"{len(problems)} of {len(frame)} rows cannot be used; correct them or leave them out:\n"
            + "\n".join(problems[:_SHOWN])
            + more
        )
    return _averaged(cost, members, numbers)


def _columns(frame: pd.DataFrame, architecture: str | None, value: str | None) -> tuple[str, str]:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"the measured values are a {type(frame).__name__}; give a pandas DataFrame")
    names = list(frame.columns)
    if len(set(names)) < len(names):
        raise DataError(f"the columns {names} have equal names; give each its own")
    if not names:
        raise DataError("the frame has no columns; give one of architectures and one of values")
    of = architecture if architecture is not None else _ARCHITECTURE if _ARCHITECTURE in names else names[0]
    others = [name for name in names if name != of]
    if value is None and len(others) != 1:
        raise DataError(f"the frame has the columns {names}; say which one has the values")
    cost = others[0] if value is None else value
    for name in (of, cost):
        if name not in names:
            raise DataError(f"the frame has no column {name!r}; it has {', '.join(map(str, names))}")
    return of, cost


def _number_problem(number: object) -> str:
    if isinstance(number, bool | np.bool_ | str) or number is None or number is pd.NA:
        return "which is no number"
    try:
        plain = float(number)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return "which is no number"
    return "" if math.isfinite(plain) and plain > 0 else "and must be a number above 0"


def _averaged(name: str, members: list[Architecture], numbers: list[float]) -> CostValues:
    """One value for each tree, in the order of their first rows."""
    found: dict[str, tuple[Architecture, list[float]]] = {}
    for member, number in zip(members, numbers, strict=True):
        found.setdefault(member.to_json(), (member, []))[1].append(number)
    values = np.array([np.mean(several) for _, several in found.values()], dtype=np.float64)
    return CostValues(str(name), tuple(member for member, _ in found.values()), values)
