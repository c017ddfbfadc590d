"""Decisions as numbers: the place of an option, or the place of a number on its scale."""

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
    """Convert one value of a parameter to a number.

    Args:
        parameter: the parameter.
        value: its value.

    Returns:
        The place of an option, from 0; or a number from 0 to 1, on a logarithmic scale where the space has one.
    """
    if parameter.choices is not None:
        return float(parameter.choices.index(parameter.read(value)))
    return parameter.to_units(value)[0]


def column(parameter: Parameter, decisions: Sequence[Mapping[str, Scalar]]) -> Numbers:
    """Convert the values of a parameter in every trial to numbers.

    Args:
        parameter: the parameter.
        decisions: the active parameters of each trial, by name.

    Returns:
        The units (n,); NaN where the parameter is inactive.
    """
    found = [unit(parameter, made[parameter.name]) if parameter.name in made else np.nan for made in decisions]
    return np.array(found, dtype=float)


def binned(parameter: Parameter, units: Numbers) -> Numbers:
    """Reduce the units of a parameter to a few levels.

    Args:
        parameter: the parameter.
        units: its units (n,); NaN where it is inactive.

    Returns:
        The levels (n,): numbers with more than eight distinct values in five bins of equal counts; else the units.
    """
    known = units[~np.isnan(units)]
    if parameter.choices is not None or len(np.unique(known)) <= _VALUES:
        return units
    edges = np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])
    return np.where(np.isnan(units), np.nan, np.searchsorted(edges, units).astype(float))
