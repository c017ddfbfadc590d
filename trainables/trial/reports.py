"""The report of an epoch: a flat mapping of names to numbers, and what is wrong with one that is not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_spaces.names import IDENTIFIER_RULE, is_identifier

__all__ = ["RESERVED_NAMES", "BadResultError", "is_reserved", "reported_numbers"]

RESERVED_NAMES = frozenset(
    [
        "trial",
        "state",
        "failure",
        "message",
        "value",
        "epochs",
        "architecture",
        "architecture_id",
        "found",
        "found_id",
        "seed",
        "started",
        "ended",
        "seconds",
        "time",
        "node",
        "lost",
        "traceback",
    ]
)
"""Columns of the result tables; no metric may have one of these names."""


def is_reserved(name: str) -> bool:
    """Return whether a metric may not have this name because a column of the result tables has it.

    Args:
        name: the name of a metric; upper and lower case are the same, as in SQL.

    Returns:
        True if the name is a column. Only "epoch" in lower case is free: a report says by it which epoch it is for.
    """
    return name.lower() in RESERVED_NAMES or (name != "epoch" and name.lower() == "epoch")


class BadResultError(Exception):
    """A report that is not a flat mapping of names to numbers."""


def reported_numbers(report: object) -> tuple[dict[str, float], dict[str, str]]:
    """Read the numbers of a report.

    Args:
        report: what a training reported of an epoch.

    Returns:
        The numbers by name, and by name the reason why another value is not a usable number.

    Raises:
        BadResultError: the report is not a mapping of names to numbers, or holds no number.
    """
    if not isinstance(report, Mapping) or not report:
        raise BadResultError(
            f"an epoch reported {_shown(report)}; it must be a dict of metric names to numbers, not empty"
        )
    numbers: dict[str, float] = {}
    unusable: dict[str, str] = {}
    for given, value in report.items():
        name = _metric_name(given)
        try:
            numbers[name] = _number(name, value)
        except BadResultError as error:
            unusable[name] = str(error)
    _refuse_equal_names([*numbers, *unusable])
    if not numbers or "epoch" in unusable:
        raise BadResultError(unusable.get("epoch") or next(iter(unusable.values())))
    return numbers, unusable


def _refuse_equal_names(names: Sequence[str]) -> None:
    """Refuse names that differ only in case: to SQL and many file formats they are the same."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise BadResultError(f"metrics are called {other!r} and {name!r}, which differ only in case; rename one")


def _metric_name(name: object) -> str:
    if not is_identifier(name):
        raise BadResultError(f"a metric is called {_shown(name)}; {IDENTIFIER_RULE}")
    if is_reserved(str(name)):
        raise BadResultError(f"a metric is called {name!r}, which is a column of the result tables; rename it")
    return str(name)


def _number(name: str, value: object) -> float:
    """Return a reported value as a number; a tensor or array of one element is one, a bool is not."""
    plain = value
    size = getattr(value, "numel", None) or getattr(value, "size", None)
    if hasattr(value, "item") and size is not None and (size() if callable(size) else size) == 1:
        plain = value.item()
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise BadResultError(f"metric {name!r} is {_shown(value)}; a number or a one-element tensor is needed")
    try:
        return plain if isinstance(plain, int) and abs(plain) < 2**53 else float(plain)
    except OverflowError:
        raise BadResultError(
            f"metric {name!r} is {_shown(value)}, larger than any float; report a smaller one"
        ) from None


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} of type {type(value).__name__}"
