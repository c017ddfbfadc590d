"""Options that print alike: a table, a CSV file or SQL could not tell them apart, so no new space may have both.

A column has one type. Where the options of a choice have several, it holds their text, and what reads the text may
take it for a number (`"01"` for 1, `"1e-1"` for 0.1), a truth (`"true"`) or a missing value (`"None"`, `"NA"`, `""`).
Options that are all strings are safe: what reads them as something else is refused, not taken for another option.
Numbers are alike where 15 digits do not tell them apart, which is as far as readers of CSV files go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Scalar
from search_spaces.errors import SpaceError

__all__ = ["alike", "refuse_alike", "texts_of"]

_MISSING = frozenset(("", "#n/a", "#na", "-nan", "<na>", "n/a", "na", "nan", "none", "null"))


def refuse_alike(parameters: Iterable[Parameter]) -> None:
    """`SpaceError` for the first choice of which two options print alike."""
    for parameter in parameters:
        for one, other in combinations(parameter.choices or (), 2):
            if alike(one, other):
                raise SpaceError(
                    f"space at {parameter.path or 'its root'}: {one!r} and {other!r}: these options print alike, so a "
                    "table or a CSV file cannot tell them apart; keep one, or name them otherwise"
                )


def alike(one: Scalar, other: Scalar) -> bool:
    """Whether a text may mean either of two different options."""
    if isinstance(one, str) and isinstance(other, str):
        return _written(one) == _written(other)
    return not texts_of(one).isdisjoint(texts_of(other))


def texts_of(value: Scalar) -> set[str]:
    """Everything that a reader may take the printed value for."""
    return set(_texts(value))


def _texts(value: Scalar) -> Iterator[str]:
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
    """As a column holds it: lone surrogates are escaped."""
    return text.encode(errors="backslashreplace").decode()
