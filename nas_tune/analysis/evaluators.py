"""How much each decision explains of the scores, by three evaluators that are asked about rows of decisions.

All of them see one code: an option of a choice by its place, a number by its place on its own scale (logarithmic where
the space says so), and decisions in one order with names of their own. So neither the spelling of names nor the order
in which an engine sorts them can move an importance to another decision.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nas_tune.analysis.units import Numbers, unit
from search_spaces import Parameter
from search_spaces.architecture import Scalar

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

__all__ = ["EVALUATORS", "Rows", "evaluate"]

_TREES, _DEPTH = 8, 10
_QUARTER = 0.25
_BACKGROUND = 64
"""Rows over which an effect is averaged."""
_LEVELS = 8
"""Of a number, and options of a choice: more are thinned out evenly."""
_AT_ONCE = 20_000


@dataclass(frozen=True)
class Rows:
    """Decisions and scores of trials, one a row; every row decides every parameter."""

    parameters: Sequence[Parameter]
    decisions: Sequence[Mapping[str, Scalar]]
    scores: Sequence[float]

    @cached_property
    def units(self) -> Numbers:
        """A row a trial, a column a parameter: the place of an option, or of a number on its scale (0 to 1)."""
        columns = [[unit(p, made[p.name]) for made in self.decisions] for p in self.parameters]
        return np.array(columns, dtype=float).T

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The parameter of every feature."""
        return np.repeat(np.arange(len(self.parameters)), [_features(p) for p in self.parameters])

    def features(self, units: Numbers) -> Numbers:
        """Units as a forest wants them: a column an option of a choice, and one a number."""
        parts = []
        for column, parameter in zip(units.T, self.parameters, strict=True):
            options = np.arange(_features(parameter))
            parts.append(column[:, None] == options if len(options) > 1 else column[:, None])
        return np.concatenate(parts, axis=1).astype(float)


def evaluate(name: str, rows: Rows, seed: int) -> dict[str, float]:
    """The share of every parameter; they add up to 1, or are all 0 where nothing varies."""
    found = np.maximum(np.nan_to_num(EVALUATORS[name](rows, seed), posinf=0.0), 0.0)
    total = float(found.sum())
    shares = found / total if total > 0 else np.zeros(len(found))
    return {parameter.name: float(share) for parameter, share in zip(rows.parameters, shares, strict=True)}


def _fanova(rows: Rows, seed: int) -> Numbers:
    """The variance that each decision alone has in a forest, over all else that is decided independently."""
    forest = _forest(rows, seed)
    levels = [_levels(column) for column in rows.units.T]
    rng = np.random.default_rng(seed)
    background = np.stack([rng.choice(level, _BACKGROUND) for level in levels], axis=1)
    effects = np.zeros(len(levels))
    for places in _chunks([len(level) for level in levels]):
        asked = np.concatenate([_with(background, place, levels[place]) for place in places])
        answers = forest.predict(rows.features(asked)).reshape(-1, _BACKGROUND).mean(axis=1)
        ends = np.cumsum([len(levels[place]) for place in places])
        effects[places] = [part.var() for part in np.split(answers, ends[:-1])]
    return effects


def _impurity(rows: Rows, seed: int) -> Numbers:
    """How much the splits on each decision reduce the variance in a forest."""
    found = np.zeros(len(rows.parameters))
    np.add.at(found, rows.owners, _forest(rows, seed).feature_importances_)
    return found


def _ped_anova(rows: Rows, seed: int) -> Numbers:
    """By Optuna, under names that sort as the parameters stand."""
    import optuna

    names = [f"{place:06}" for place in range(len(rows.parameters))]
    known: dict[str, optuna.distributions.BaseDistribution] = {
        name: optuna.distributions.CategoricalDistribution(range(_features(p)))
        if p.kind == "choice"
        else optuna.distributions.FloatDistribution(0.0, 1.0)
        for name, p in zip(names, rows.parameters, strict=True)
    }
    with _silent():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        for units, score in zip(rows.units, rows.scores, strict=True):
            params = {
                name: int(unit) if p.kind == "choice" else float(unit)
                for name, unit, p in zip(names, units, rows.parameters, strict=True)
            }
            study.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=score))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=_QUARTER)
        found = evaluator.evaluate(study, params=names)
    return np.array([found[name] for name in names])


EVALUATORS: dict[str, Callable[[Rows, int], Numbers]] = {
    "fanova": _fanova,
    "mdi": _impurity,
    "ped_anova": _ped_anova,
}
"""By name: a decision's own share of the variance in the trees of a forest (fanova; Hutter et al. 2014), how much
splits on it reduce the variance (mdi; Louppe et al. 2013), and how much it tells the best quarter from the rest
(ped_anova; Watanabe et al. 2023). Forests are small, because they are asked of many resamples."""


def _forest(rows: Rows, seed: int) -> RandomForestRegressor:
    from sklearn.ensemble import RandomForestRegressor

    forest = RandomForestRegressor(n_estimators=_TREES, max_depth=_DEPTH, random_state=seed)
    return forest.fit(rows.features(rows.units), np.asarray(rows.scores, dtype=float))


def _features(parameter: Parameter) -> int:
    return len(parameter.choices) if parameter.choices is not None else 1


def _levels(column: Numbers) -> Numbers:
    """The values of a column, thinned out evenly."""
    seen: Numbers = np.unique(column)
    if len(seen) <= _LEVELS:
        return seen
    return np.take(seen, np.linspace(0, len(seen) - 1, _LEVELS).round().astype(int))


def _with(background: Numbers, place: int, levels: Numbers) -> Numbers:
    """The background once for every level of a decision."""
    asked: Numbers = np.tile(background, (len(levels), 1))
    asked[:, place] = np.repeat(levels, len(background))
    return asked


def _chunks(counts: Sequence[int]) -> Iterator[list[int]]:
    """Consecutive places, so many at a time as one prediction has room for."""
    chunk: list[int] = []
    for place in range(len(counts)):
        chunk.append(place)
        if sum(counts[one] for one in chunk) * _BACKGROUND >= _AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


@contextmanager
def _silent() -> Iterator[None]:
    """Without Optuna's lines about the study that is made, and its warnings of evaluators that may change."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
