"""The learning curves of every metric that changes, and the rungs at which trials were judged."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from nas_tune.errors import NasTuneError
from nas_tune.results import Run
from nas_tune.schedulers import make

__all__ = ["curves", "rungs", "sized"]

_MOST_METRICS = 6
_ABOUT_AN_EPOCH = ("trial", "epoch", "time", "seconds", "node", "state", "architecture_id")


def curves(run: Run, epochs: pd.DataFrame) -> dict[str, Any]:
    """Every trial's epochs and, for each metric that changes while training, its values: lists of lists by trial.

    The optimized metrics come first; of the others those that most trials report, six metrics in all.
    """
    if epochs.empty:
        return {"metrics": {}, "epochs": {}}
    by_trial = [(int(group["trial"].iloc[0]), group) for _, group in epochs.groupby("trial", sort=True)]
    metrics = {name: {number: _values(group[name]) for number, group in by_trial} for name in _moving(run, epochs)}
    return {"metrics": metrics, "epochs": {number: [int(e) for e in group["epoch"]] for number, group in by_trial}}


def rungs(run: Run) -> list[int]:
    """The epochs after which the scheduler judges, where it has such; none where it cannot be made here."""
    config = run.config
    try:
        scheduler = make(config.scheduler.name, config.max_epochs, config.scheduler.settings)
    except NasTuneError:
        return []
    judges = [scheduler, *getattr(scheduler, "brackets", ())]
    return sorted({int(rung) for judge in judges for rung in getattr(judge, "rungs", ())})


def sized(value: Any) -> float | None:
    """A number with six significant digits, which is what a picture can show; None if it is missing or infinite."""
    if pd.isna(value) or not math.isfinite(float(value)):
        return None
    number = float(f"{float(value):.6g}")
    return int(number) if number.is_integer() and abs(number) < 1e15 else number


def _values(column: pd.Series[Any]) -> list[float | None]:
    return [sized(value) for value in column]


def _moving(run: Run, epochs: pd.DataFrame) -> list[str]:
    optimized = [one.metric for one in run.objectives]
    others = [
        str(name) for name in epochs if name not in (*_ABOUT_AN_EPOCH, *optimized) and not str(name).startswith("arch.")
    ]
    others.sort(key=lambda name: len(epochs[name].dropna()), reverse=True)
    changing = [name for name in (*optimized, *others) if _changes(epochs, name)]
    return changing[:_MOST_METRICS]


def _changes(epochs: pd.DataFrame, name: str) -> bool:
    return bool((epochs.groupby("trial")[name].nunique() > 1).any())
