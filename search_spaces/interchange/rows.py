"""Rows of tables as architectures, and back. pandas is imported when a frame is made.

A row is a pandas Series or any mapping. If columns begin with `arch.`, as in `run.trials()`, they hold the
architecture, and it is an error if one of them is not a parameter of the space. Else the columns with names of
parameters hold it, and all others (metrics, say) are ignored. None, NaN and NA stand for an inactive decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from search_spaces.algebra.flat import Categorical, IntegerRange, Parameter
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.interchange.reading import member
from search_spaces.names import did_you_mean
from search_spaces.space import Space

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["PREFIX", "from_frame", "from_row", "to_frame", "to_row"]

PREFIX = "arch."


def from_row(space: Space, row: Mapping[str, Any] | pd.Series[Any]) -> Architecture:
    """Read the architecture of one row.

    Args:
        space: the space.
        row: a value by column.

    Returns:
        The member.

    Raises:
        ArchitectureError: the space does not have a column or a value, or an active decision is missing.
    """
    columns = {str(key): value for key, value in row.items()}
    prefixed = {key[len(PREFIX) :]: value for key, value in columns.items() if key.startswith(PREFIX)}
    if not prefixed:
        return member(space, columns, str, "the row")
    unknown = next((name for name in prefixed if name not in space._by_name), None)
    if unknown is not None:
        close = did_you_mean(unknown, space._by_name)
        raise ArchitectureError(unknown, f"the space has no parameter for column {PREFIX + unknown!r}{close}")
    return member(space, prefixed, lambda name: PREFIX + name, "the row")


def to_row(space: Space, architecture: object, prefix: str = PREFIX) -> dict[str, Scalar]:
    """Write an architecture as one row.

    Args:
        space: the space.
        architecture: a member, or its tree.
        prefix: the text before each parameter's name.

    Returns:
        A value for each parameter of the space, by column; None where it is inactive.
    """
    active = space.params(architecture)
    return {f"{prefix}{parameter.name}": active.get(parameter.name) for parameter in space.parameters}


def from_frame(space: Space, frame: pd.DataFrame) -> list[Architecture]:
    """Read the architectures of a table.

    Args:
        space: the space.
        frame: a row for each architecture.

    Returns:
        The members, in the order of the rows.

    Raises:
        ArchitectureError: as for `from_row`; the message has the index of the row.
    """
    rows: list[dict[Any, Any]] = frame.astype(object).to_dict("records")
    members: list[Architecture] = []
    for index, row in zip(frame.index, rows, strict=True):
        try:
            members.append(from_row(space, row))
        except ArchitectureError as error:
            raise ArchitectureError(error.path, f"row {index!r}: {error.reason}") from None
    return members


def to_frame(space: Space, architectures: Iterable[object], prefix: str = PREFIX) -> pd.DataFrame:
    """Write architectures as a table.

    Args:
        space: the space.
        architectures: members, or their trees.
        prefix: the text before each parameter's name.

    Returns:
        One row each, in columns of pandas' nullable types; of type object where the options have several types.
    """
    import pandas as pd

    rows = [to_row(space, architecture, prefix) for architecture in architectures]
    columns: dict[str, pd.Series[Any]] = {}
    for parameter in space.parameters:
        name = f"{prefix}{parameter.name}"
        columns[name] = pd.Series([row[name] for row in rows], dtype=_kind(parameter))
    return pd.DataFrame(columns)


def _kind(parameter: Parameter) -> Any:
    if isinstance(parameter, Categorical):
        kinds = {type(choice) for choice in parameter.choices}
        names = {bool: "boolean", int: "Int64", float: "Float64", str: "string"}
        return names.get(kinds.pop(), "object") if len(kinds) == 1 else "object"
    return "Int64" if isinstance(parameter, IntegerRange) else "Float64"
