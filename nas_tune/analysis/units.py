"""Decisions as numbers: the place of an option, or of a number on its own scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from search_spaces import Parameter
from search_spaces.architecture import Scalar

__all__ = ["Numbers", "binned", "column", "unit"]

Numbers = NDArray[np.float64]

_VALUES, _BINS = 8, 5


def unit(parameter: Parameter, value: Scalar) -> float:
    """The place of an option from 0, or a number between 0 and 1 (on a logarithmic scale where the space has one)."""
    if parameter.choices is not None:
        return float(parameter.choices.index(parameter.read(value)))
    return parameter.to_units(value)[0]


def column(parameter: Parameter, decisions: Sequence[Mapping[str, Scalar]]) -> Numbers:
    """The units of a parameter in every trial; NaN where it is inactive."""
    found = [unit(parameter, made[parameter.name]) if parameter.name in made else np.nan for made in decisions]
    return np.array(found, dtype=float)


def binned(parameter: Parameter, units: Numbers) -> Numbers:
    """The same in few levels: numbers of more than eight values in five bins of equal counts."""
    known = units[~np.isnan(units)]
    if parameter.choices is not None or len(np.unique(known)) <= _VALUES:
        return units
    edges = np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.where(np.isnan(units), np.nan, np.searchsorted(edges, units).astype(float))
