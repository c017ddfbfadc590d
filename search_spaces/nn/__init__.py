"""`import search_spaces.nn as nn`: torch.nn plus choices, and the space and the networks that they declare.

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            width = nn.ValueChoice([16, 32], label="width")
            self.conv = nn.LayerChoice({"conv3": nn.Conv2d(3, width, 3, padding=1), "conv1": nn.Conv2d(3, width, 1)})
            self.blocks = nn.Repeat(lambda: nn.Conv2d(width, width, 3, padding=1), (1, 3))

    space = nn.space_of(Net())
    network = nn.freeze(Net(), space.sample(0))

Every other name is that of torch.nn, and its layers take a `ValueChoice` for an argument. A module with choices runs
before it is frozen: with the first candidate, the first inputs, the largest values and the greatest depth.

A model written for NNI keeps its class and changes the import: `import search_spaces.nn as nn` replaces
`import nni.retiarii.nn.pytorch as nn`. For NNI 3.0, `from search_spaces.nn import ModelSpace, LayerChoice,
MutableConv2d, ..` replaces those of `nni.nas.nn.pytorch`, and `import search_spaces.nn as nni` that of `nni.choice`.
`MutableExpression` and `Categorical` of `nni.mutable` are here too; `Cell` is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch.nn
from torch.nn import Module as ModelSpace

from search_spaces.names import did_you_mean
from search_spaces.nn.choices import ChoiceModule, InputChoice, LayerChoice, Repeat
from search_spaces.nn.compatibility import (
    WITHOUT_COUNTERPART,
    Categorical,
    MutableExpression,
    basic_unit,
    choice,
    model_wrapper,
)
from search_spaces.nn.elastic import make_elastic
from search_spaces.nn.freezing import Choices, choices_of, freeze, space_of
from search_spaces.nn.layers import Arguments, layer_type
from search_spaces.nn.plain import SelectInputs
from search_spaces.nn.values import Derived, Value, ValueChoice, current

if TYPE_CHECKING:
    from torch.nn import *  # noqa: F403

__all__ = [
    "Arguments",
    "Categorical",
    "ChoiceModule",
    "Choices",
    "Derived",
    "InputChoice",
    "LayerChoice",
    "ModelSpace",
    "MutableExpression",
    "Repeat",
    "SelectInputs",
    "Value",
    "ValueChoice",
    "basic_unit",
    "choice",
    "choices_of",
    "current",
    "freeze",
    "make_elastic",
    "model_wrapper",
    "space_of",
]

MUTABLE = "Mutable"


def __getattr__(name: str) -> Any:
    """The attribute of torch.nn with this name; a layer takes choices. `MutableConv2d` is `Conv2d`."""
    plain = name.removeprefix(MUTABLE) or name
    if name.startswith("__") or not hasattr(torch.nn, plain):
        remedy = WITHOUT_COUNTERPART.get(name)
        close = did_you_mean(name, __dir__()) if remedy is None else f"; {remedy}"
        raise AttributeError(f"neither search_spaces.nn nor torch.nn has {name!r}{close}")
    if plain not in globals():
        globals()[plain] = layer_type(getattr(torch.nn, plain))
    return globals()[plain]


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(torch.nn)})
