"""The best so far of a run, against trials and against time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nas_tune.results import Run

__all__ = ["Course", "course"]


@dataclass(frozen=True)
class Course:
    """The best value so far of one run, at the end of each contending trial.

    Contending trials are the complete ones, and those that were stopped after at least as many epochs. All four arrays
    have one entry for each of them, in the order in which they ended.

    Attributes:
        trials: how many trials had ended by then, pruned and failed ones included.
        seconds: the time since the first trial began.
        values: the value of each trial.
        best: the best value so far.
    """

    trials: NDArray[np.int64]
    seconds: NDArray[np.float64]
    values: NDArray[np.float64]
    best: NDArray[np.float64]

    def best_after(self, trials: int) -> float | None:
        """Look up the best value after a number of trials.

        Args:
            trials: how many trials have ended, of any state.

        Returns:
            The value, or None before the first contending trial.
        """
        place = int(np.searchsorted(self.trials, trials, side="right")) - 1
        return float(self.best[place]) if place >= 0 else None


def course(run: Run) -> Course:
    """Compute the course of a run in its leading objective.

    Args:
        run: the run.

    Returns:
        The course; its arrays are empty where no trial is complete.
    """
    trials = run.trials()
    over = trials[trials["ended"].notna()].sort_values("ended", kind="stable")
    contending = over["trial"].isin(run.contending()).to_numpy()
    values = over["value"].to_numpy(dtype=float, na_value=np.nan)[contending]
    start = trials["started"].min()
    seconds = (over["ended"] - start).dt.total_seconds().to_numpy(dtype=float)[contending]
    best_so_far = np.maximum.accumulate if run.mode == "max" else np.minimum.accumulate
    best = best_so_far(values) if len(values) else values
    return Course(np.arange(1, len(over) + 1)[contending], seconds, values, best)
