"""Which trial is better than which: one order for `Run.best` and for the progress display."""

from __future__ import annotations

import math

from nas_tune.ledger import TrialRecord

__all__ = ["Rank", "rank"]

Rank = tuple[int, int, float, int]
"""Smaller is better; comparable between all trials of a run."""


def rank(trial: TrialRecord, mode: str) -> Rank | None:
    """The place of a trial that is over or paused; None for one without a value (failed, diverged, still running).

    Complete trials come first, by value. Pruned and paused ones follow: their values were reached after fewer
    epochs and do not compare with those, so a longer training beats a shorter one and then the value decides.
    Among equals the older trial is the better one.
    """
    if trial.state not in ("complete", "pruned", "paused") or trial.value is None or not math.isfinite(trial.value):
        return None
    loss = -trial.value if mode == "max" else trial.value
    if trial.state == "complete":
        return (0, 0, loss, trial.number)
    return (1, -trial.epochs, loss, trial.number)
