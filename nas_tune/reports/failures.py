"""Failed trials, those of one cause together, so that a thousand equal messages are one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from nas_tune.results.redaction import without_secrets

__all__ = ["Failure", "failures"]

_NUMBERS = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Failure:
    """Trials that failed alike: their kind, and the message and traceback of the first."""

    kind: str
    message: str
    traceback: str
    trials: tuple[int, ...]


def failures(trials: pd.DataFrame) -> list[Failure]:
    """The causes, the most frequent first; messages that differ in numbers only count as one."""
    found: dict[tuple[str, str], list[int]] = {}
    first: dict[tuple[str, str], tuple[str, str]] = {}
    failed = trials[trials["state"] == "failed"]
    rows = zip(failed["trial"], *(failed[name].fillna("") for name in ("failure", "message", "traceback")), strict=True)
    for number, kind, message, traceback in rows:
        key = (kind, _NUMBERS.sub("#", message))
        found.setdefault(key, []).append(int(number))
        first.setdefault(key, (message, traceback))
    ordered = sorted(found, key=lambda key: -len(found[key]))
    return [_failure(key[0], *first[key], found[key]) for key in ordered]


def _failure(kind: str, message: str, traceback: str, trials: list[int]) -> Failure:
    return Failure(kind or "error", without_secrets(message), without_secrets(traceback), tuple(trials))
