"""The evidence about one objective: the decisions of trials, and their values after equally long trainings.

Values after different numbers of epochs do not compare, and the trials that a scheduler lets train on are a selected
sample: the decision that matters most is the same in all of them. So the evidence takes the values of the last epoch
that all trials reached, or those of the full training where none was stopped early. It also names the decisions that
all survivors share.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from nas_tune.objectives.objective import Objective
from nas_tune.results import Run
from nas_tune.results.decisions import bare_space
from search_spaces import Space, SpaceError
from search_spaces.architecture import Scalar

__all__ = ["Evidence", "evidence", "finals"]

_ENOUGH = 20
"""With at least so many complete trials, shorter ones are not needed."""
_STOPPED = ("pruned", "paused")
_CHANCE = 0.05
_MOST_NAMED = 8


@dataclass(frozen=True)
class Evidence:
    """Trials with their decisions and scores; `numbers`, `decisions` and `scores` have one entry for each trial.

    Attributes:
        objective: the objective that the scores are of.
        epochs: the epoch after which the values were reported; None for the final values of complete trials.
        numbers: the numbers of the trials.
        decisions: the active parameters of each trial, by name.
        scores: the values, negated where the mode is min, so that greater is better.
        survivors: how many trials trained in full while others were stopped early; None where none was stopped.
        constant: decisions that all survivors share, the other trials do not, and chance hardly explains.
    """

    objective: Objective
    epochs: int | None
    numbers: tuple[int, ...]
    decisions: tuple[Mapping[str, Scalar], ...]
    scores: tuple[float, ...]
    survivors: int | None = None
    constant: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def source(self) -> str:
        """A description of the values: how many trials, after which training."""
        trials = f"{len(self.numbers)} trial{'s' if len(self.numbers) != 1 else ''}"
        if self.epochs is None:
            return f"{trials} that trained in full"
        return f"{trials} after epoch {self.epochs}"

    @property
    def selection(self) -> str:
        """What early stopping did to the sample, in words; empty where nothing was stopped."""
        if self.survivors is None:
            return ""
        if self.epochs is None:
            return "other trials were stopped early: those that trained in full are a selected sample"
        trained = "no trial" if self.survivors == 0 else f"{self.survivors} of {len(self.numbers)} trials"
        said = f"{trained} trained in full"
        if self.survivors:
            said += ": a sample selected by values, so all trials are compared after the last epoch that each reached"
        if not self.constant:
            return said
        named = [f"{name} = {json.dumps(value)}" for name, value in list(self.constant.items())[:_MOST_NAMED]]
        more = f" and {len(self.constant) - len(named)} more" if len(self.constant) > len(named) else ""
        return f"{said}; only {', '.join(named)}{more} survived"


def evidence(run: Run, objective: Objective) -> Evidence:
    """Gather the evidence of a run about one objective.

    Args:
        run: the run.
        objective: one of its objectives.

    Returns:
        The evidence. It has no trials where none has reported a value.
    """
    trials, epochs = run.trials(), run.epochs()
    complete = _complete(run, trials, objective)
    shared = _shared_epoch(trials, epochs, objective.metric)
    stopped = bool(trials["state"].isin(_STOPPED).any())
    if shared is None or (not stopped and (len(complete) >= _ENOUGH or len(shared[1]) <= len(complete))):
        return _made(run, objective, None, complete, trials, len(complete) if stopped else None)
    return _made(run, objective, *shared, trials, len(complete) if stopped else None)


def finals(run: Run, objective: Objective) -> Evidence:
    """Gather the evidence of complete trials alone, since a winner is judged by its final value.

    Args:
        run: the run.
        objective: one of its objectives.

    Returns:
        The evidence of the complete trials, or that of `evidence` where fewer than 20 are complete.
    """
    trials = run.trials()
    complete = _complete(run, trials, objective)
    if len(complete) < _ENOUGH:
        return evidence(run, objective)
    stopped = bool(trials["state"].isin(_STOPPED).any())
    return _made(run, objective, None, complete, trials, len(complete) if stopped else None)


def _complete(run: Run, trials: pd.DataFrame, objective: Objective) -> dict[int, float]:
    column = "value" if objective.metric == run.metric else objective.metric
    ended = trials[trials["trial"].isin(run.contending())]
    return _finite(ended["trial"], ended[column])


def _shared_epoch(trials: pd.DataFrame, epochs: pd.DataFrame, metric: str) -> tuple[int, dict[int, float]] | None:
    """The latest epoch for which all complete, pruned and paused trials have a value, and the values by trial.

    Failed and running trials do not count, unless there are no others. Where no epoch has a value of every trial, the
    latest one that at least half of the trials reached is taken.
    """
    reported = epochs[epochs[metric].notna()]
    ended = trials.loc[trials["state"].isin((*_STOPPED, "complete")), "trial"]
    counted = reported[reported["trial"].isin(ended)]
    counted = reported if counted.empty else counted
    if counted.empty:
        return None
    counts = counted.groupby("epoch")["trial"].nunique()
    among = counted["trial"].nunique()
    reached = counts.index[counts == among]
    latest = int(reached.max() if len(reached) else counts.index[counts >= among / 2].max())
    rows = reported[reported["epoch"] == latest]
    return latest, _finite(rows["trial"], rows[metric])


def _finite(numbers: pd.Series[Any], values: pd.Series[Any]) -> dict[int, float]:
    pairs = zip(numbers, values, strict=True)
    found: dict[int, float] = {}
    for n, value in pairs:
        if pd.notna(value) and math.isfinite(value):
            found[int(n)] = float(value)
    return found


def _made(
    run: Run,
    objective: Objective,
    epochs: int | None,
    values: dict[int, float],
    trials: pd.DataFrame,
    survivors: int | None,
) -> Evidence:
    space = bare_space(run.meta.get("space"))
    trees = dict(zip(trials["trial"].astype(int), trials["architecture"], strict=True))
    decided = {number: _decisions(space, trees[number]) for number in values}
    numbers = tuple(number for number in values if decided[number])
    made = tuple(decided[number] for number in numbers)
    constant: dict[str, Scalar] = {}
    if survivors is not None and epochs is not None:
        complete = set(trials.loc[trials["state"] == "complete", "trial"].astype(int))
        constant = _constant(made, [one for number, one in zip(numbers, made, strict=True) if number in complete])
    scores = tuple(objective.score(values[number]) for number in numbers)
    return Evidence(objective, epochs, numbers, made, scores, survivors, constant)


def _constant(made: Sequence[Mapping[str, Scalar]], kept: Sequence[Mapping[str, Scalar]]) -> dict[str, Scalar]:
    """Decisions that all `kept` trials share, unless as many trials drawn from `made` would easily share them."""
    found = {}
    for name, value in kept[0].items() if kept else ():
        if any(one.get(name) != value for one in kept):
            continue
        share = sum(one.get(name) == value for one in made) / len(made)
        if share ** len(kept) < _CHANCE / len(kept[0]):
            found[name] = value
    return found


def _decisions(space: Space | None, text: object) -> dict[str, Scalar]:
    if space is None or not isinstance(text, str):
        return {}
    try:
        return space.params(json.loads(text))
    except SpaceError:
        return {}
