"""Whether the trials of a run were drawn at random, without regard to what earlier ones came to.

Only then are they a sample, and tests of samples hold. A strategy that learns tries again what was good, with all that
stood beside it; an architecture that somebody enqueued was chosen, too.
"""

from __future__ import annotations

from contextlib import closing

from nas_tune.ledger import Ledger
from nas_tune.ledger.events import Enqueued
from nas_tune.results import Run

__all__ = ["is_sample", "stopped_early"]


def is_sample(run: Run) -> bool:
    """Whether every trial was drawn at random: by random search, or by a grid in shuffled order."""
    strategy = run.config.strategy
    shuffled = strategy.name == "grid" and strategy.settings.get("order", "shuffled") == "shuffled"
    if strategy.name != "random" and not shuffled:
        return False
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        return next(iter(ledger.events(kind=Enqueued.kind)), None) is None


def stopped_early(run: Run) -> bool:
    """Whether a scheduler ended or paused any trial before its full training."""
    counts = run.state.counts
    return bool(counts["pruned"] or counts["paused"])
