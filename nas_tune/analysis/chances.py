"""A p-value for every decision, and for every pair of decisions.

In a random sample, Kruskal and Wallis's test (1952) compares the options of a decision. The trials of a search that
learns are not a random sample, and neither are enqueued architectures: there a model gives the p-values
(`nas_tune.analysis.model`). A decision is tested among the trials in which it was active. All p-values are corrected
for their number (Holm 1979). In a random sample decisions and pairs share one level, since an explanation is wrong if
either test is. The model needs no such share: its p-values are conservative.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kruskal

from nas_tune.analysis.evidence import Evidence
from nas_tune.analysis.model import Model, likeness
from nas_tune.analysis.pairs import pairs
from nas_tune.analysis.scores import even_units
from nas_tune.analysis.significance import holm
from nas_tune.analysis.units import Numbers, binned, column
from search_spaces import Parameter

__all__ = ["tested", "title", "trials_tested"]

_MODELLED, _MODELLED_OF_MANY, _MANY = 150, 90, 24
"""The model uses the first 150 trials of a run, since later trials of a search that learns resemble each other. In
spaces with more than 24 decisions it uses 90, because each decision costs time."""
_FAMILIES = 2
"""Two families of tests share one level: those of decisions and those of pairs."""


def title(parameter: Parameter) -> str:
    """Name the decision that a parameter belongs to; the flags of a subset are one decision.

    Args:
        parameter: a parameter of the space.

    Returns:
        The name of its group, or its own name where it has no group.
    """
    return parameter.group or parameter.name


def trials_tested(known: Evidence, parameters: Sequence[Parameter], *, sample: bool) -> int:
    """Count the trials that the p-values are computed from.

    Args:
        known: the evidence.
        parameters: the parameters that vary in it.
        sample: whether the trials were drawn at random.

    Returns:
        All trials of a random sample; else at most 150, or at most 90 with more than 24 parameters.
    """
    most = _MODELLED if len(parameters) <= _MANY else _MODELLED_OF_MANY
    return len(known.numbers) if sample else min(most, len(known.numbers))


def tested(
    known: Evidence, parameters: Sequence[Parameter], *, sample: bool
) -> tuple[Mapping[str, float], pd.DataFrame]:
    """Test every decision and every pair of decisions against chance.

    Args:
        known: the evidence.
        parameters: the parameters that vary in it.
        sample: whether its trials were drawn at random.

    Returns:
        The corrected p-value of every decision, by its `title`, and the table of `pairs`.
    """
    order = np.argsort(known.numbers, kind="stable")[: trials_tested(known, parameters, sample=sample)]
    decisions = [known.decisions[place] for place in order]
    scores = even_units(known.scores)[order]
    columns = [column(parameter, decisions) for parameter in parameters]
    levels = [binned(parameter, units) for parameter, units in zip(parameters, columns, strict=True)]
    names = [title(parameter) for parameter in parameters]
    model = None
    if sample:
        raw = [_between(one, scores) for one in levels]
    else:
        ordered = [parameter.choices is None for parameter in parameters]
        alike = [likeness(units, ordered=one) for units, one in zip(columns, ordered, strict=True)]
        model = Model(alike, scores)
        raw = [model.decision(place) for place in range(len(parameters))]
    families = _FAMILIES if sample and len(set(names)) > 1 else 1
    chances: dict[str, float] = {}
    for name, p in zip(names, holm(raw, families), strict=True):
        chances[name] = min(p, chances.get(name, 1.0))
    return chances, pairs(names, levels, scores, model, families)


def _between(levels: Numbers, scores: Numbers) -> float:
    """Kruskal and Wallis's p for one decision among the trials in which it is active."""
    active = ~np.isnan(levels)
    groups = [scores[levels == level] for level in np.unique(levels[active])]
    if len(groups) < 2 or np.ptp(scores[active]) == 0:
        return 1.0
    return float(kruskal(*groups).pvalue)
