"""Names that models written for NNI use; see the docstring of `search_spaces.nn`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from search_spaces.nn.values import Value, ValueChoice

__all__ = ["WITHOUT_COUNTERPART", "Categorical", "MutableExpression", "basic_unit", "choice", "model_wrapper"]

Categorical = ValueChoice
MutableExpression = Value

_CELL = "build it of InputChoice(.., layers=[LayerChoice(..), ..]), or take a cell of search_spaces.get(..)"
WITHOUT_COUNTERPART = dict.fromkeys(("Cell", "NasBench101Cell", "NasBench201Cell"), _CELL)
"""Modules of NNI without a counterpart here, and what to write instead."""

Decorated = TypeVar("Decorated", bound=type)


def choice(label: str, candidates: Sequence[Any]) -> ValueChoice:
    """Make a labelled `ValueChoice`, with the arguments in the order of `nni.choice`.

    Args:
        label: the name of the decision.
        candidates: the values to choose from.

    Returns:
        The choice.
    """
    return ValueChoice(candidates, label=label)


def model_wrapper(cls: Decorated) -> Decorated:
    """Return the class of a model unchanged: a model needs no wrapper here.

    Returns:
        The class.
    """
    return cls


def basic_unit(cls: Decorated) -> Decorated:
    """Return the class of a module unchanged: modules are copied whole, and the choices inside count too.

    Returns:
        The class.
    """
    return cls
