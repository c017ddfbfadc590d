"""Failed trials grouped by cause, so that a thousand equal messages are one line."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pandas as pd

from nas_tune.results.redaction import without_secrets

__all__ = ["FailureGroup", "failures"]

_NUMBERS = re.compile(r"\d+(?:\.\d+)?(?:e[+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Trials that failed for the same cause.

    Attributes:
        kind: the kind of the failure, such as oom.
        message: the error message of the first trial.
        traceback: the traceback of the first trial.
        trials: the numbers of the trials.
    """

    kind: str
    message: str
    traceback: str
    trials: tuple[int, ...]


def failures(trials: pd.DataFrame) -> list[FailureGroup]:
    """Group failed trials by cause. Messages that differ in numbers only have the same cause.

    Args:
        trials: the trials of a run, as `Run.trials` returns them.

    Returns:
        The causes, the most frequent first, with secrets removed from their texts.
    """
    found: dict[tuple[str, str], list[int]] = {}
    first: dict[tuple[str, str], tuple[str, str]] = {}
    failed = trials[trials["state"] == "failed"]
    rows = zip(failed["trial"], *(failed[name].fillna("") for name in ("failure", "message", "traceback")), strict=True)
    for number, kind, message, traceback in rows:
        key = (kind, _NUMBERS.sub("#", message))
        found.setdefault(key, []).append(int(number))
        first.setdefault(key, (message, traceback))
    grouped = []
    for (kind, alike), numbers in found.items():
        message, traceback = first[kind, alike]
        shown = without_secrets(message), without_secrets(traceback)
        grouped.append(FailureGroup(kind or "error", *shown, tuple(numbers)))
    return sorted(grouped, key=lambda failure: -len(failure.trials))
