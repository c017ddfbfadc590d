"""The best so far of a run, against trials and against time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_tune.results import Run

__all__ = ["Course", "course"]


@dataclass(frozen=True)
class Course:
    """What complete trials came to, and others whose values compare with theirs, in the order in which they ended.

    Attributes:
        trials: how many trials were over by then, pruned and failed ones too.
        seconds: since the first trial began.
        values: theirs; `best`: the best of them so far.
    """

    trials: NDArray[np.int64]
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    best: NDArray[np.float64]

    def best_after(self, trials: int) -> float | None:
        """The best after so many trials; None before the first complete one."""
        place = int(np.searchsorted(self.trials, trials, side="right")) - 1
        return float(self.best[place]) if place >= 0 else None


def course(run: Run) -> Course:
    """The course of a run in its leading objective; empty without a complete trial."""
    trials = run.trials()
    over = trials[trials["ended"].notna()].sort_values("ended", kind="stable")
    told = over["trial"].isin(run.contending()).to_numpy()
    values = over["value"].to_numpy(dtype=float, na_value=np.nan)[told]
    start = trials["started"].min()
    seconds = (over["ended"] - start).dt.total_seconds().to_numpy(dtype=float)[told]
    gather = np.maximum.accumulate if run.mode == "max" else np.minimum.accumulate
    return Course(np.arange(1, len(over) + 1)[told], seconds, values, gather(values) if len(values) else values)
