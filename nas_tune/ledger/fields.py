"""The rules of the fields of events: type and range, checked for every event that is read from a file.

A ledger may come from another machine, or from a disk that has lost a bit. Fields that keep the rules can be counted,
sorted and written to any table. A text for the user that no table could hold is mended; every other violation is
refused.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from search_spaces.names import IDENTIFIER_RULE, is_identifier

__all__ = [
    "DEEPEST",
    "EARLIEST",
    "LATEST",
    "depth",
    "is_plain_report",
    "keys_in",
    "problem_of",
    "shown_ascii",
]

DEEPEST = 100
"""The greatest depth of nested lists and tables in an event."""

_LARGEST = 2**63
_LONGEST_ID = 256
EARLIEST, LATEST = -62_135_596_800.0, 253_402_300_800.0
"""The years 1 and 10,000, in seconds since 1970: what a calendar can show."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The rule of a field.

    Attributes:
        fits: tells whether a value keeps the rule.
        expected: the rule in words, for messages.
    """

    fits: Callable[[Any], bool]
    expected: str


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_number(value: Any) -> bool:
    return type(value) is float or (type(value) is int and -_LARGEST <= value < _LARGEST)


def _is_finite(value: Any) -> bool:
    return _is_number(value) and isfinite(value)


def _is_text(value: Any) -> bool:
    return type(value) is str


_known_names: set[tuple[str, ...]] = set()


def _is_metrics(value: Any) -> bool:
    """Check metrics; names that many reports share are checked once."""
    if type(value) is not dict:
        return False
    names = tuple(value)
    if names not in _known_names:
        if not all(map(is_identifier, names)):
            return False
        _known_names.add(names)
    # This loop runs for every number of every epoch: a generator would take three times as long.
    for number in value.values():  # noqa: SIM110
        if type(number) is not float and not _is_number(number):
            return False
    return True


def is_plain_report(event: Any) -> bool:
    """Check a report faster than by one rule after another, since nearly all events are reports.

    Args:
        event: a report.

    Returns:
        True if it keeps all rules; False if a rule must decide, as for a node that is not ASCII.
    """
    trial, epoch, metrics, seconds, node = event
    return (
        type(trial) is int
        and type(epoch) is int
        and 0 <= trial < _LARGEST > epoch >= 1
        and type(seconds) is float
        and isfinite(seconds)
        and type(node) is str
        and node.isascii()
        and _is_metrics(metrics)
    )


def _is_curve(value: Any) -> bool:
    if type(value) is not list or not value:
        return False
    if not all(type(point) is list and len(point) == 2 and all(map(_is_finite, point)) for point in value):
        return False
    epochs = [epoch for epoch, _ in value]
    return epochs[0] >= 1 and all(one < other for one, other in itertools.pairwise(epochs))


def _are_texts(value: Any) -> bool:
    return type(value) is dict and all(type(text) is str for text in value.values())


_COUNT = Rule(_is_count, "a whole number, 0 or more")
_FLAG = Rule(lambda value: type(value) is bool, "true or false")
_TEXT = Rule(_is_text, "a string")
_TEXT_OR_NONE = Rule(lambda value: value is None or type(value) is str, "a string, or nothing")
_VALUE_OR_NONE = Rule(lambda value: value is None or _is_number(value), "a number, or nothing")
_RUNG = Rule(
    lambda value: value in ("connected", "counted", "predicted", "measured"),
    "one of 'connected', 'counted', 'predicted', 'measured'",
)
_TREE = Rule(lambda value: depth(value) <= DEEPEST, f"an architecture of at most {DEEPEST} levels")
_RULES: Mapping[str, Rule] = {
    "trial": _COUNT,
    "number": _COUNT,
    "ask": _COUNT,
    "seed": _COUNT,
    "pid": _COUNT,
    "epoch": Rule(lambda value: type(value) is int and 1 <= value < _LARGEST, "a whole number, at least 1"),
    "seconds": Rule(_is_finite, "a finite number"),
    "metrics": Rule(_is_metrics, f"a table of numbers by name ({IDENTIFIER_RULE})"),
    "value": _VALUE_OR_NONE,
    "curve": Rule(_is_curve, "a list of [epoch, value] with rising epochs and finite values"),
    "tree": _TREE,
    "id": Rule(
        lambda value: type(value) is str and 0 < len(value) <= _LONGEST_ID and value.isprintable(),
        f"a string of 1 to {_LONGEST_ID} characters",
    ),
    "searches": _FLAG,
    "worker": _FLAG,
    "rung": _RUNG,
    "quantity": Rule(lambda value: value == "" or (type(value) is str and is_identifier(value)), IDENTIFIER_RULE),
    "bound": _VALUE_OR_NONE,
    "more": _COUNT,
    "costs": Rule(_is_metrics, f"a table of numbers by name ({IDENTIFIER_RULE})"),
    "device": _TEXT,
    "failure": _TEXT_OR_NONE,
    "message": _TEXT_OR_NONE,
    "traceback": _TEXT_OR_NONE,
    "versions": Rule(_are_texts, "a table of strings"),
    "changes": Rule(lambda value: type(value) is dict and depth(value) <= DEEPEST, "a table"),
    "node": _TEXT,
    "reason": _TEXT,
    "text": _TEXT,
    "host": _TEXT,
    "run": _TEXT,
}
_OF_KIND: Mapping[tuple[str, str], Rule] = {
    ("noted", "trial"): Rule(
        lambda value: (value == -1 and type(value) is int) or _is_count(value), "the number of a trial, or -1"
    ),
    ("ended", "state"): Rule(
        lambda value: value in ("complete", "pruned", "failed"), "one of 'complete', 'pruned', 'failed'"
    ),
    ("known", "state"): Rule(lambda value: value in ("complete", "pruned"), "one of 'complete', 'pruned'"),
    ("refused", "ask"): Rule(lambda value: value is None or _is_count(value), "a whole number, 0 or more, or nothing"),
    ("paused", "value"): Rule(_is_finite, "a finite number"),
    ("session_ended", "message"): _TEXT,
}


def rules_of(kind: str, names: Iterable[str]) -> tuple[tuple[str, Callable[[Any], bool], str], ...]:
    """Look up the rules of an event's fields.

    Args:
        kind: the kind of the event.
        names: the names of its fields.

    Returns:
        (name, test, rule in words) for each field, in order.
    """
    rules = [(name, _OF_KIND.get((kind, name)) or _RULES[name]) for name in names]
    return tuple((name, rule.fits, rule.expected) for name, rule in rules)


def problem_of(event: Any, rules: Iterable[tuple[str, Callable[[Any], bool], str]]) -> str | None:
    """Find the first field that breaks its rule.

    Args:
        event: the event.
        rules: the rules of its kind, from `rules_of`.

    Returns:
        The problem, such as `epoch is '1' (str), expected ..`; None if all rules are kept.
    """
    for name, fits, expected in rules:
        value = getattr(event, name)
        if not fits(value):
            return f"{name} is {shown_ascii(value)}, expected {expected}"
    return None


def shown_ascii(value: object, limit: int = 60) -> str:
    """Format a value for a message, with its type.

    Args:
        value: the value.
        limit: the greatest number of characters; a longer text is cut (default: 60).

    Returns:
        The text, in ASCII.
    """
    text = ascii(value)
    return f"{text if len(text) <= limit else text[:limit] + '...'} ({type(value).__name__})"


def depth(value: object, enough: int = DEEPEST) -> int:
    """Count the levels of nested lists and tables.

    Args:
        value: a value from JSON.
        enough: the count stops at one more than this (default: 100).

    Returns:
        The number of levels; 0 for a plain value.
    """
    level, deepest = [value], 0
    while deepest <= enough:
        below: list[object] = []
        for outer in level:
            if isinstance(outer, dict):
                below.extend(outer.values())
            elif isinstance(outer, list):
                below.extend(outer)
        if not below:
            break
        level, deepest = below, deepest + 1
    return deepest


def keys_in(value: object) -> int:
    """Count the keys of all tables in a value, at every level.

    Args:
        value: a value from JSON.

    Returns:
        The number of keys.
    """
    if type(value) is dict:
        return len(value) + sum(keys_in(inner) for inner in value.values() if type(inner) in (dict, list))
    if type(value) is list:
        return sum(keys_in(inner) for inner in value if type(inner) in (dict, list))
    return 0
