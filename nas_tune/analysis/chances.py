"""What chance alone would do: a p-value for every decision, and for what two do together.

Of a random sample by Kruskal and Wallis's test (1952) between the options of a decision. The trials of a search that
learns, and what somebody enqueued, are no sample; then a model answers (`nas_tune.analysis.model`). Inactive decisions
are tested among the trials in which they were active. All are corrected for their number (Holm 1979); of a random
sample, decisions and pairs share the level, since an explanation errs if either does. The model needs no such share: it
is more careful than its p-values say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kruskal

from nas_tune.analysis.evidence import Evidence
from nas_tune.analysis.model import Model, likeness
from nas_tune.analysis.pairs import pairs
from nas_tune.analysis.scores import even
from nas_tune.analysis.significance import holm
from nas_tune.analysis.units import Numbers, binned, column
from search_spaces import Parameter

__all__ = ["tested", "title", "trials_tested"]

_MODELLED, _MODELLED_OF_MANY, _MANY = 150, 90, 24
"""Trials that the model is of, the first of the run, since those of a search that learns grow alike; fewer of spaces
with more decisions than so many, of which every one costs time."""
_FAMILIES = 2
"""Tests of decisions, and tests of pairs."""


def title(parameter: Parameter) -> str:
    """The decision that a parameter belongs to: the flags of a subset are one."""
    return parameter.group or parameter.name


def trials_tested(known: Evidence, parameters: Sequence[Parameter], *, sample: bool) -> int:
    """Of how many trials, the first of the run, the p-values are: of all of a random sample, else of some."""
    most = _MODELLED if len(parameters) <= _MANY else _MODELLED_OF_MANY
    return len(known.numbers) if sample else min(most, len(known.numbers))


def tested(
    known: Evidence, parameters: Sequence[Parameter], *, sample: bool
) -> tuple[Mapping[str, float], pd.DataFrame]:
    """The p-value of every decision, by its title, and the table of pairs.

    Args:
        known: the evidence.
        parameters: those that vary in it.
        sample: whether its trials were drawn at random.
    """
    order = np.argsort(known.numbers, kind="stable")[: trials_tested(known, parameters, sample=sample)]
    decisions = [known.decisions[place] for place in order]
    scores = even(known.scores)[order]
    columns = [column(parameter, decisions) for parameter in parameters]
    levels = [binned(parameter, units) for parameter, units in zip(parameters, columns, strict=True)]
    names = [title(parameter) for parameter in parameters]
    model = None if sample else _model(parameters, columns, scores)
    if model is None:
        raw = [_between(one, scores) for one in levels]
    else:
        raw = [model.decision(place) for place in range(len(parameters))]
    families = _FAMILIES if sample and len(set(names)) > 1 else 1
    chances: dict[str, float] = {}
    for name, p in zip(names, holm(raw, families), strict=True):
        chances[name] = min(p, chances.get(name, 1.0))
    return chances, pairs(names, levels, scores, model, families)


def _model(parameters: Sequence[Parameter], columns: Sequence[Numbers], scores: Numbers) -> Model:
    alike = [
        likeness(units, ordered=parameter.choices is None) for parameter, units in zip(parameters, columns, strict=True)
    ]
    return Model(alike, scores)


def _between(levels: Numbers, scores: Numbers) -> float:
    """Kruskal and Wallis's p for one decision among the trials in which it is active."""
    active = ~np.isnan(levels)
    groups = [scores[levels == level] for level in np.unique(levels[active])]
    if len(groups) < 2 or np.ptp(scores[active]) == 0:
        return 1.0
    return float(kruskal(*groups).pvalue)
