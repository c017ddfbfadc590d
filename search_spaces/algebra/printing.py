"""Options that print alike: a table, a CSV file or SQL could not tell them apart, so a new space may not have both.

A column has one type. Where the options of a choice have several types, the column holds their texts, and a reader may
take a text for a number (`"01"` for 1, `"1e-1"` for 0.1), a truth value (`"true"`) or a missing value (`"None"`,
`"NA"`, `""`). Options that are all strings are safe: a value of another type is refused, and never taken for one of
them. Numbers print alike if they agree in 15 digits, which is all that readers of CSV files keep.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Scalar
from search_spaces.errors import SpaceError

__all__ = ["alike", "refuse_alike"]

_MISSING = frozenset(("", "#n/a", "#na", "-nan", "<na>", "n/a", "na", "nan", "none", "null"))


def refuse_alike(parameters: Iterable[Parameter]) -> None:
    """Refuse choices with options that print alike.

    Args:
        parameters: the parameters of a space.

    Raises:
        SpaceError: two options of a choice print alike; the first such pair is named.
    """
    for parameter in parameters:
        for one, other in combinations(parameter.choices or (), 2):
            if alike(one, other):
                raise SpaceError(
                    f"space at {parameter.path or 'its root'}: {one!r} and {other!r}: these options print alike, so a "
                    "table or a CSV file cannot tell them apart; keep one, or name them otherwise"
                )


def alike(one: Scalar, other: Scalar) -> bool:
    """Tell whether a text in a table may mean either of two different options.

    Args:
        one: an option.
        other: another one; the order does not matter.

    Returns:
        True if they share a printed form, or a value that a reader may take it for.
    """
    if isinstance(one, str) and isinstance(other, str):
        return _written(one) == _written(other)
    return not set(_readings(one)).isdisjoint(_readings(other))


def _readings(value: Scalar) -> Iterator[str]:
    """Everything that a reader may take the printed value for."""
    if value is None:
        yield "missing"
    elif isinstance(value, bool):
        yield f"truth {value}".lower()
    elif isinstance(value, int | float):
        yield _number(value)
    else:
        yield f"text {_written(value)}"
        if value.strip().lower() in _MISSING:
            yield "missing"
        if value.strip().lower() in ("true", "false"):
            yield f"truth {value.strip().lower()}"
        try:
            yield _number(float(value))
        except ValueError:
            return


def _number(value: float) -> str:
    try:
        return f"number {float(value):.15g}"
    except OverflowError:
        return f"number {value}"


def _written(text: str) -> str:
    """The text as a column holds it, lone surrogates escaped."""
    return text.encode(errors="backslashreplace").decode()
