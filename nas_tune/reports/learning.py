"""The learning curves of every metric that changes, and the rungs at which trials were judged."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nas_tune.errors import NasTuneError
from nas_tune.results import Run
from nas_tune.schedulers import make
from trainables.trial.repeated import SPREAD

__all__ = ["curves", "rungs_of", "sized"]

_MOST_METRICS = 6
_ABOUT_AN_EPOCH = ("trial", "epoch", "time", "seconds", "node", "state", "architecture_id")


def curves(run: Run, epochs: pd.DataFrame) -> dict[str, Any]:
    """Gather the learning curves of every metric that changes during training, at most six metrics.

    Args:
        run: the run.
        epochs: its epochs, as `Run.epochs` returns them.

    Returns:
        `metrics`: for every metric a list of values by trial, the optimized metrics first, then those that most trials
        report. `epochs`: the list of epochs by trial.
    """
    if epochs.empty:
        return {"metrics": {}, "epochs": {}}
    by_trial = [(int(group["trial"].iloc[0]), group) for _, group in epochs.groupby("trial", sort=True)]
    metrics: dict[str, dict[int, list[float | None]]] = {}
    for name in _changing(run, epochs):
        metrics[name] = {number: [sized(value) for value in group[name]] for number, group in by_trial}
    numbers = {number: [int(epoch) for epoch in group["epoch"]] for number, group in by_trial}
    return {"metrics": metrics, "epochs": numbers}


def rungs_of(run: Run) -> list[int]:
    """Find the rungs of the run's scheduler.

    Args:
        run: the run.

    Returns:
        The epochs of the rungs in ascending order; empty without rungs, or where the scheduler cannot be made here.
    """
    config = run.config
    try:
        scheduler = make(config.scheduler.name, config.max_epochs, config.scheduler.settings)
    except NasTuneError:
        return []
    found: set[int] = set()
    for bracket in (scheduler, *getattr(scheduler, "brackets", ())):
        found.update(int(rung) for rung in getattr(bracket, "rungs", ()))
    return sorted(found)


def sized(value: Any) -> float | None:
    """Round a number to six significant digits, which is all that a picture can show.

    Args:
        value: the number.

    Returns:
        The rounded number; None if it is missing or infinite.
    """
    if pd.isna(value) or not math.isfinite(float(value)):
        return None
    number = float(f"{float(value):.6g}")
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _changing(run: Run, epochs: pd.DataFrame) -> list[str]:
    """The metrics that change within a trial, at most six, in the order of `curves`."""
    optimized = [one.metric for one in run.objectives]
    others: list[str] = []
    for name in map(str, epochs):
        is_decision, is_spread = name.startswith("arch."), name.endswith(SPREAD)
        if not (name in _ABOUT_AN_EPOCH or name in optimized or is_decision or is_spread):
            others.append(name)
    others.sort(key=lambda name: len(epochs[name].dropna()), reverse=True)
    by_trial = epochs.groupby("trial")
    return [name for name in (*optimized, *others) if (by_trial[name].nunique() > 1).any()][:_MOST_METRICS]
