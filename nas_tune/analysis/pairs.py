"""Interactions: what two decisions do together, beyond the sum of what each does alone.

Where the effect of x depends on y, as in x xor y, neither decision matters by itself. So every pair of decisions is
tested. In a random sample the test asks whether a table of both explains more than the two alone (analysis of
variance); for a search that learns the model tests it (`nas_tune.analysis.model`). Both are corrected for the number of
pairs (Holm 1979).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher

from nas_tune.analysis.model import Model
from nas_tune.analysis.significance import holm
from nas_tune.analysis.units import Numbers

__all__ = ["PAIRS", "pairs"]

PAIRS = {"one": "object", "other": "object", "share": "float64", "p": "float64", "stands_out": "bool"}

_SURE = 0.05
_LEAST_LEFT = 10
"""The fewest degrees of freedom of the residual: with fewer a table of two decisions explains any values."""
_SHOWN = 20


def pairs(
    names: Sequence[str], levels: Sequence[Numbers], scores: Numbers, model: Model | None, families: int
) -> pd.DataFrame:
    """Test every pair of decisions for an interaction.

    Args:
        names: the name of each decision. Flags of one subset share a name and form no pair.
        levels: a number for each trial (n,), for every decision; NaN where it is inactive.
        scores: the scores of the trials (n,).
        model: the model of the trials, where they are not a random sample.
        families: how many families of tests share one level, this one included.

    Returns:
        A row for each pair, the lowest p first, at most 20: one, other, share (of the variance), p (corrected) and
        stands_out (p below 0.05).
    """
    tested = {}
    for one, other in combinations(range(len(names)), 2):
        if names[one] != names[other]:
            tested[one, other] = _beyond(levels[one], levels[other], scores)
    places = list(tested)
    raw = [p for _, p in tested.values()]
    if model is not None:
        raw = [model.pair(*pair) for pair in places]
    rows = []
    for (one, other), p in zip(places, holm(raw, families), strict=True):
        rows.append((names[one], names[other], tested[one, other][0], p, p < _SURE))
    table = pd.DataFrame(rows, columns=list(PAIRS)).astype(PAIRS)
    table = table.sort_values(["p", "share"], ascending=[True, False], kind="stable")
    return table.drop_duplicates(["one", "other"]).head(_SHOWN).reset_index(drop=True)


def _beyond(one: Numbers, other: Numbers, scores: Numbers) -> tuple[float, float]:
    """The share of the variance that a table of both explains beyond their sum, and its p by Fisher's F."""
    active = ~(np.isnan(one) | np.isnan(other))
    if active.sum() <= _LEAST_LEFT:
        return 0.0, 1.0
    rows, columns, values = _codes(one[active]), _codes(other[active]), scores[active]
    cells = _codes(rows * (columns.max() + 1.0) + columns)
    design = np.concatenate([_indicators(rows), _indicators(columns)[:, 1:]], axis=1)
    fit, _, rank, _ = np.linalg.lstsq(design, values, rcond=None)
    alone = float(((values - design @ fit) ** 2).sum())
    counts = np.bincount(cells)
    means = np.bincount(cells, values) / counts
    left = float(((values - means[cells]) ** 2).sum())
    more, free = len(counts) - int(rank), len(values) - len(counts)
    whole = float(((values - values.mean()) ** 2).sum())
    if more < 1 or free < _LEAST_LEFT or whole <= 0 or alone - left <= 1e-12 * whole:
        return 0.0, 1.0
    if left <= 1e-12 * whole:
        return (alone - left) / whole, 0.0
    ratio = (alone - left) / more / (left / free)
    return max(0.0, (alone - left - more * left / free) / whole), float(fisher.sf(ratio, more, free))


def _codes(values: Numbers) -> NDArray[np.int64]:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _indicators(codes: NDArray[np.int64]) -> Numbers:
    found: Numbers = (codes[:, None] == np.arange(codes.max() + 1)).astype(float)
    return found
