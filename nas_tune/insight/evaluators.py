"""Optuna's evaluators of importance, asked about rows of decisions and scores."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.importance import (
    FanovaImportanceEvaluator,
    MeanDecreaseImpurityImportanceEvaluator,
    PedAnovaImportanceEvaluator,
)

from search_spaces import Parameter
from search_spaces.architecture import Scalar
from search_spaces.translation.optuna import distributions

__all__ = ["EVALUATORS", "Rows", "evaluate"]

_TREES, _DEPTH = 3, 8

EVALUATORS: dict[str, Callable[[int], Any]] = {
    "fanova": lambda seed: FanovaImportanceEvaluator(n_trees=_TREES, max_depth=_DEPTH, seed=seed),
    "mdi": lambda seed: MeanDecreaseImpurityImportanceEvaluator(n_trees=_TREES, max_depth=_DEPTH, seed=seed),
    "ped_anova": lambda seed: PedAnovaImportanceEvaluator(target_quantile=0.25),
}
"""By name: a decision's own share of the variance in the trees of a forest (fanova; Hutter et al. 2014), how much
splits on it reduce the variance (mdi; Louppe et al. 2013), and how much it tells the best quarter from the rest
(ped_anova; Watanabe et al. 2023). Forests are small, because they are asked of many resamples."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Decisions and scores of trials, one a row; every row decides every parameter."""

    parameters: Sequence[Parameter]
    decisions: Sequence[Mapping[str, Scalar]]
    scores: Sequence[float]


def evaluate(name: str, rows: Rows, seed: int) -> dict[str, float]:
    """The share of every parameter; they add up to 1, or are all 0 where nothing varies."""
    known = distributions(rows.parameters)
    with _silent():
        study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), direction="maximize")
        study.add_trials(
            [
                optuna.trial.create_trial(params=dict(made), distributions=known, value=score)
                for made, score in zip(rows.decisions, rows.scores, strict=True)
            ]
        )
        found = EVALUATORS[name](seed).evaluate(study, params=list(known))
    clean = {key: float(value) if math.isfinite(value) else 0.0 for key, value in found.items()}
    total = sum(clean.values())
    return {key: value / total if total > 0 else 0.0 for key, value in clean.items()}


@contextmanager
def _silent() -> Iterator[None]:
    """Without Optuna's lines about the study that is made, and its warnings of evaluators that may change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
