"""What the trials say about one objective: their decisions and their values after equally long trainings.

Values after different numbers of epochs do not compare. So the evidence is of one length of training: the full one
where that leaves enough trials, else the longest that at least half of the trials reached.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nas_tune.objectives import Objective
from nas_tune.results import Run
from nas_tune.results.decisions import bare_space
from search_spaces import Space, SpaceError
from search_spaces.architecture import Scalar

__all__ = ["Evidence", "evidence"]

_ENOUGH = 20
"""Complete trials that need no shorter ones beside them."""


@dataclass(frozen=True)
class Evidence:
    """Trials and what they came to.

    Attributes:
        objective: of which the values are.
        epochs: after so many; None where it is the end of complete trials.
        numbers: of the trials.
        decisions: the active parameters of each, by name.
        scores: greater is better (the values, negated where the mode is min).
    """

    objective: Objective
    epochs: int | None
    numbers: tuple[int, ...]
    decisions: tuple[Mapping[str, Scalar], ...]
    scores: tuple[float, ...]

    @property
    def source(self) -> str:
        """What the values are, in words."""
        trials = f"{len(self.numbers)} trial{'s' if len(self.numbers) != 1 else ''}"
        if self.epochs is None:
            return f"{trials} that trained in full"
        return f"{trials} after epoch {self.epochs}"


def evidence(run: Run, objective: Objective) -> Evidence:
    """The evidence of a run on one of its objectives; without trials where there are none with a value."""
    trials, epochs = run.trials(), run.epochs()
    complete = _complete(run, trials, objective)
    space = bare_space(run.meta.get("space"))
    shared = _shared_epoch(epochs, objective.metric)
    if len(complete) >= _ENOUGH or shared is None or len(shared[1]) <= len(complete):
        return _made(run, objective, None, complete, trials, space)
    return _made(run, objective, shared[0], shared[1], trials, space)


def _complete(run: Run, trials: pd.DataFrame, objective: Objective) -> dict[int, float]:
    column = "value" if objective.metric == run.metric else objective.metric
    ended = trials[trials["trial"].isin(run.contending())]
    return _finite(ended["trial"], ended[column])


def _shared_epoch(epochs: pd.DataFrame, metric: str) -> tuple[int, dict[int, float]] | None:
    """The latest epoch with a value of at least half of the trials that have one, and those values."""
    told = epochs[epochs[metric].notna()]
    if told.empty:
        return None
    counts = told.groupby("epoch")["trial"].nunique()
    half = told["trial"].nunique() / 2
    latest = int(counts.index[counts >= half].max())
    rows = told[told["epoch"] == latest]
    return latest, _finite(rows["trial"], rows[metric])


def _finite(numbers: pd.Series[Any], values: pd.Series[Any]) -> dict[int, float]:
    pairs = zip(numbers, values, strict=True)
    return {int(n): float(value) for n, value in pairs if pd.notna(value) and math.isfinite(value)}


def _made(
    run: Run,
    objective: Objective,
    epochs: int | None,
    values: dict[int, float],
    trials: pd.DataFrame,
    space: Space | None,
) -> Evidence:
    trees = dict(zip(trials["trial"].astype(int), trials["architecture"], strict=True))
    decided = {number: _decisions(space, trees[number]) for number in values}
    numbers = tuple(number for number in values if decided[number])
    return Evidence(
        objective,
        epochs,
        numbers,
        tuple(decided[number] for number in numbers),
        tuple(objective.score(values[number]) for number in numbers),
    )


def _decisions(space: Space | None, text: object) -> dict[str, Scalar]:
    if space is None or not isinstance(text, str):
        return {}
    try:
        return space.params(json.loads(text))
    except SpaceError:
        return {}
