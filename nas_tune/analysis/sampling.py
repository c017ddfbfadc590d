"""Whether the trials of a run were drawn at random, without regard to the values of earlier trials.

Only then are they a random sample, which tests of groups assume. A strategy that learns repeats good options together
with the other decisions of the same architecture, and an enqueued architecture was chosen by a person.
"""

from __future__ import annotations

from contextlib import closing

from nas_tune.ledger import Ledger
from nas_tune.ledger.events import Enqueued
from nas_tune.results import Run

__all__ = ["is_sample", "stopped_early"]


def is_sample(run: Run) -> bool:
    """Check whether every trial was drawn at random.

    Args:
        run: the run.

    Returns:
        True for random search and for a grid in shuffled order, without any enqueued architecture.
    """
    strategy = run.config.strategy
    shuffled = strategy.name == "grid" and strategy.settings.get("order", "shuffled") == "shuffled"
    if strategy.name != "random" and not shuffled:
        return False
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        return next(iter(ledger.events(kind=Enqueued.kind)), None) is None


def stopped_early(run: Run) -> bool:
    """Check whether a scheduler ended or paused any trial before its full training.

    Args:
        run: the run.

    Returns:
        Whether the run has pruned or paused trials.
    """
    counts = run.state.counts
    return bool(counts["pruned"] or counts["paused"])
