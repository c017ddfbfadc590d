"""Three evaluators of how much of the scores each decision explains.

All evaluators see the same encoding: an option of a choice is its place, a number is its place on its scale
(logarithmic where the space says so), and a decision is identified by its place. So neither the spelling of names nor
the order in which an engine sorts them can move an importance to another decision.
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

from nas_tune.analysis.units import Numbers, column
from search_spaces import Parameter
from search_spaces.architecture import Scalar

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

__all__ = ["EVALUATORS", "Rows", "importance_shares"]

_TREES, _DEPTH = 8, 10
_QUARTER = 0.25
_BACKGROUND = 64
"""The number of rows over which an effect is averaged."""
_LEVELS = 8
"""The most values of one decision that are evaluated. More are thinned out evenly."""
_AT_ONCE = 20_000
"""Rows of one prediction, about."""


@dataclass(frozen=True)
class Rows:
    """Decisions and scores of trials, one a row; every row decides every parameter.

    Attributes:
        parameters: the parameters of the space that vary.
        decisions: the value of every parameter by its name, for each row.
        scores: the score of each row; greater is better.
    """

    parameters: Sequence[Parameter]
    decisions: Sequence[Mapping[str, Scalar]]
    scores: Sequence[float]

    @cached_property
    def units(self) -> Numbers:
        """The decisions as numbers, (trials, parameters): the place of an option, or of a number on its scale."""
        return np.array([column(parameter, self.decisions) for parameter in self.parameters], dtype=float).T

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The place of the parameter that each feature belongs to, (features,)."""
        return np.repeat(np.arange(len(self.parameters)), [_features(p) for p in self.parameters])

    def features(self, units: Numbers) -> Numbers:
        """Encode units as features of a forest: a column for each option of a choice, and one for a number.

        Args:
            units: decisions as in `units`, (rows, parameters).

        Returns:
            The features, (rows, features).
        """
        parts = []
        for values, parameter in zip(units.T, self.parameters, strict=True):
            options = np.arange(_features(parameter))
            parts.append(values[:, None] == options if len(options) > 1 else values[:, None])
        return np.concatenate(parts, axis=1).astype(float)


def importance_shares(name: str, rows: Rows, seed: int) -> dict[str, float]:
    """Compute the share of the scores' variation that each parameter explains.

    Args:
        name: an evaluator of `EVALUATORS`.
        rows: the decisions and scores.
        seed: the seed of the forest.

    Returns:
        The share of every parameter by its name; shares add up to 1, or all are 0 where nothing is explained.
    """
    found = np.maximum(np.nan_to_num(EVALUATORS[name](rows, seed), posinf=0.0), 0.0)
    total = float(found.sum())
    shares = found / total if total > 0 else np.zeros(len(found))
    return {parameter.name: float(share) for parameter, share in zip(rows.parameters, shares, strict=True)}


def _fanova(rows: Rows, seed: int) -> Numbers:
    """The variance of a forest's mean prediction as one decision varies, averaged over the other decisions."""
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
    """Optuna's PED-ANOVA, with parameter names that sort in the order of the parameters."""
    import optuna

    names = [f"{place:06}" for place in range(len(rows.parameters))]
    is_choice = [parameter.kind == "choice" for parameter in rows.parameters]
    known: dict[str, optuna.distributions.BaseDistribution] = {}
    for name, parameter, choice in zip(names, rows.parameters, is_choice, strict=True):
        if choice:
            known[name] = optuna.distributions.CategoricalDistribution(range(_features(parameter)))
        else:
            known[name] = optuna.distributions.FloatDistribution(0.0, 1.0)
    with _silent():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        for units, score in zip(rows.units, rows.scores, strict=True):
            params: dict[str, float] = {}
            for name, unit, choice in zip(names, units, is_choice, strict=True):
                params[name] = int(unit) if choice else float(unit)
            study.add_trial(optuna.trial.create_trial(params=params, distributions=known, value=score))
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=_QUARTER)
        found = evaluator.evaluate(study, params=names)
    return np.array([found[name] for name in names])


EVALUATORS: dict[str, Callable[[Rows, int], Numbers]] = {
    "fanova": _fanova,
    "mdi": _impurity,
    "ped_anova": _ped_anova,
}
"""The evaluators by name. fanova (Hutter et al. 2014): the decision's own share of the variance in a forest. mdi
(Louppe et al. 2013): how much splits on the decision reduce the variance. ped_anova (Watanabe et al. 2023): how well
the decision separates the best quarter from the rest. Forests are small, because one is fitted to each resample."""


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
    """The background rows repeated for every level of a decision, with that decision set to the level."""
    asked: Numbers = np.tile(background, (len(levels), 1))
    asked[:, place] = np.repeat(levels, len(background))
    return asked


def _chunks(counts: Sequence[int]) -> Iterator[list[int]]:
    """Consecutive places, as many at a time as one prediction has room for."""
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
    """Silence Optuna's log lines about the new study, and its warnings about experimental evaluators."""
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
