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
"""Modules of NNI that there are none of here, and what to write."""

Decorated = TypeVar("Decorated", bound=type)


def choice(label: str, candidates: Sequence[Any]) -> ValueChoice:
    """A labelled `ValueChoice`, with the arguments in the order of `nni.choice`."""
    return ValueChoice(candidates, label=label)


def model_wrapper(cls: Decorated) -> Decorated:
    """The class itself: a model needs no wrapper here."""
    return cls


def basic_unit(cls: Decorated) -> Decorated:
    """The class itself: every module is copied as it is, and its inside is looked into for choices."""
    return cls
