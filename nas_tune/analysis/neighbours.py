"""What one change to the winner did according to the trials, or would probably do according to a model of them.

A neighbour with a trial has the value of that trial. For the others a Gaussian process over the trials predicts a value
with its uncertainty (the predictor of the strategies, `nas_tune.strategies.predictors`). Cross-validation says how well
such predictions agree with trials that were held out. A prediction is not a measurement.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from nas_tune.analysis.evidence import Evidence
from nas_tune.analysis.scores import Scale
from nas_tune.results import Run
from nas_tune.strategies.predictors import Candidates, FeatureBlocks, GaussianModel
from search_spaces import Architecture, Space

__all__ = ["NEIGHBOURS", "Neighbours", "neighbours"]

NEIGHBOURS = {
    "change": "object",
    "seen": "bool",
    "trial": "Int64",
    "value": "float64",
    "low": "float64",
    "high": "float64",
    "gain": "float64",
    "architecture_id": "object",
}
_FEWEST, _MOST = 8, 300
_FOLDS = 5
_SHAPES = 5
_WIDE = 1.645
"""Standard deviations on each side of the mean of a 90 % interval."""


@dataclass(frozen=True)
class Neighbours:
    """Architectures one decision away from the winner.

    Attributes:
        table: a row for each neighbour, the best first: `change`; `seen`, whether a trial has tried it; the number of
            that `trial`; its `value`, measured where it was seen, else predicted with a 90 % interval from `low` to
            `high`; and `gain`, how much better than the winner it is (negative: worse).
        winner: the winner's value after the same training; None where it has none.
        model: how accurate the predictions are, or why there are none.
        source: a description of the values: how many trials, after which training.
        count: how many neighbours there are. Those that were neither tried nor predicted have no row.
    """

    table: pd.DataFrame
    winner: float | None
    model: str
    source: str
    count: int


def neighbours(run: Run, space: Space, winner: Architecture, number: int, known: Evidence) -> Neighbours:
    """Find the neighbours of the winner, with the values that trials or a model give them.

    Args:
        run: the run.
        space: its space.
        winner: the best architecture.
        number: the number of its trial.
        known: the evidence that values and predictions come from.

    Returns:
        The neighbours, one decision away from `winner`.
    """
    sign = known.objective.score(1.0)
    scores = dict(zip(known.numbers, known.scores, strict=True))
    by_id, members = _tried(run, space, known)
    around = {one.id: one for one in space.neighbors(winner) if one.id != winner.id}
    over = _over_limits(run, space) & around.keys()
    around = {name: one for name, one in around.items() if name not in over}
    unseen = [one for one in around.values() if one.id not in by_id]
    guesses, model = _guessed(space, [members[n] for n in members], [scores[n] for n in members], unseen)
    own = scores.get(number)
    trials = run.trials()
    kept = dict(zip(trials["trial"].astype(int), trials["architecture_id"], strict=True))
    rows = []
    for one in around.values():
        change = "; ".join(space.diff(winner, one).splitlines())
        trial = by_id.get(one.id)
        if trial is None and one.id not in guesses:
            continue
        mean, half = (scores[trial], np.nan) if trial is not None else guesses[one.id]
        gain = np.nan if own is None else mean - own
        ends = sorted((sign * (mean - half), sign * (mean + half)))
        named = kept[trial] if trial is not None else one.id
        if trial is None and run.left_out:
            named = None  # Without the space's own rules only a trial knows the id.
        rows.append((change, trial is not None, trial, sign * mean, *ends, gain, named))
    table = pd.DataFrame(rows, columns=list(NEIGHBOURS)).astype(NEIGHBOURS)
    table = table.sort_values("value", ascending=sign < 0, kind="stable").reset_index(drop=True)
    source = known.source
    if known.epochs is None and known.selection:
        source += ", a sample selected by values"
    if over:
        model += f"; {len(over)} neighbour{'s' if len(over) > 1 else ''} over a limit left out"
    return Neighbours(table, None if own is None else sign * own, model, source, len(around))


def _over_limits(run: Run, space: Space) -> set[str]:
    """The ids of the architectures that the search knows to break a limit; what it has not counted is missing."""
    trials, within = run.trials(), run.within_limits()
    texts = [*run.refused()["architecture"], *trials.loc[~trials["trial"].isin(within), "architecture"].dropna()]
    return {space.validate(json.loads(text)).id for text in texts} if run.limits else set()


def _tried(run: Run, space: Space, known: Evidence) -> tuple[dict[str, int], dict[int, Architecture]]:
    """The best trial of every architecture that has one, and the architectures by trial."""
    trials = run.trials()
    trees = dict(zip(trials["trial"].astype(int), trials["architecture"], strict=True))
    members = {number: space.validate(json.loads(trees[number])) for number in known.numbers}
    ordered = sorted(zip(known.scores, known.numbers, strict=True))
    return {members[number].id: number for _, number in ordered}, members


def _guessed(
    space: Space, members: Sequence[Architecture], scores: Sequence[float], asked: Sequence[Architecture]
) -> tuple[dict[str, tuple[float, float]], str]:
    """The mean and half the width of the 90 % interval of each asked architecture, by id; and how accurate they are."""
    by_id: dict[str, list[float]] = {}
    for one, score in zip(members, scores, strict=True):
        by_id.setdefault(one.id, []).append(score)
    if len(by_id) < _FEWEST:
        few = f"{len(by_id)} architectures are too few, at least {_FEWEST} are needed"
        return {}, f"what was not tried gets no prediction: {few}"
    if not asked:
        return {}, "every neighbour has a trial"
    kept = dict(list({one.id: one for one in members}.items())[-_MOST:])
    scale = Scale.of(scores)
    values = np.array([np.mean(scale.even(by_id[name])) for name in kept])
    if np.ptp(values) == 0:
        return {}, "what was not tried gets no prediction: all trials came to the same value"
    candidates = Candidates.of(space)
    blocks = candidates.described(kept.values()).blocks
    model = GaussianModel(blocks, values, most=_SHAPES)
    described = candidates.described(asked)
    means, deviations = model.predict(described.blocks)
    pairs = zip(described.architectures, means, deviations, strict=True)
    found = {
        one.id: (scale.score(float(mean)), scale.length(_WIDE * float(deviation))) for one, mean, deviation in pairs
    }
    return found, _trust(blocks, values, model)


def _trust(blocks: FeatureBlocks, values: np.ndarray, model: GaussianModel) -> str:
    """The rank correlation of predictions with held-out values, by five-fold cross-validation, in words."""
    fold = np.random.default_rng(0).permutation(len(values)) % _FOLDS
    guesses = np.empty(len(values))
    for number in range(_FOLDS):
        out = fold == number
        left = GaussianModel(_rows(blocks, ~out), values[~out], hyperparameters=model.hyperparameters)
        guesses[out] = left.predict(_rows(blocks, out))[0]
    rho = float(spearmanr(guesses, values).statistic) if np.ptp(guesses) > 0 else 0.0
    word = "good" if rho >= 0.7 else "fair" if rho >= 0.4 else "poor: do not rely on them"
    return (
        f"guesses of a Gaussian process on {len(values)} architectures; held-out ones it ranks with a correlation of "
        f"{rho:.2f} ({word})"
    )


def _rows(blocks: FeatureBlocks, chosen: np.ndarray) -> FeatureBlocks:
    return FeatureBlocks(blocks.decisions[chosen], blocks.pooled[chosen], blocks.paths[chosen])
