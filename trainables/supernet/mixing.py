"""Mixers, which run in place of the choices of a supernet: a weighted sum of options, or some of the options.

Before every forward, the supernet sets a `Mix` for each decision, and every choice of that decision follows it. Options
outside the mix are not computed, nor is a candidate that returns zeros if the mix has any other one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from search_spaces.nn import InputChoice, LayerChoice, Repeat, ValueChoice
from search_spaces.nn.plain import reduced
from trainables.errors import TrainableError

__all__ = ["InputMixer", "LayerMixer", "Mix", "RepeatMixer", "ValueMixer", "mixer_of"]


@dataclass(frozen=True, slots=True)
class Mix:
    """The options of a decision that a forward computes, and their weights.

    Attributes:
        indices: the options to compute.
        weights: (options,), for all options whether computed or not: the factors of their values in the sum; None for
            a factor of 1.
        skip_dropout: the probability with which each value of an identity is dropped in training.
    """

    indices: tuple[int, ...]
    weights: Tensor | None = None
    skip_dropout: float = 0.0


Mixes = Mapping[str, Mix]
"""By decision; a supernet changes it before every forward."""


class LayerMixer:
    """Runs in place of a `LayerChoice`.

    Args:
        choice: the choice.
        name: its decision.
        mixes: by decision, the mix of the current forward.
    """

    def __init__(self, choice: LayerChoice, name: str, mixes: Mixes) -> None:
        self.choice, self.name, self.mixes = choice, name, mixes
        self.skips = frozenset(i for i, candidate in enumerate(choice) if isinstance(candidate, nn.Identity))
        self.silent = frozenset(i for i, candidate in enumerate(choice) if getattr(candidate, "gives_zeros", False))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        mix = self.mixes[self.name]
        indices = [index for index in mix.indices if index not in self.silent] or mix.indices[:1]
        candidates = list(self.choice)
        values = [(index, candidates[index](*args, **kwargs)) for index in indices]
        if mix.skip_dropout and self.choice.training:
            values = [(i, functional.dropout(v, mix.skip_dropout) if i in self.skips else v) for i, v in values]
        if mix.weights is None and len(values) == 1:
            return values[0][1]
        return _total(self.name, values, mix.weights, [str(name) for name in self.choice.names])


class InputMixer:
    """Runs in place of an `InputChoice`.

    Args:
        choice: the choice.
        name: its decision.
        mixes: by decision, the mix of the current forward.
    """

    def __init__(self, choice: InputChoice, name: str, mixes: Mixes) -> None:
        self.choice, self.name, self.mixes = choice, name, mixes

    def __call__(self, inputs: Sequence[Tensor]) -> Any:
        mix = self.mixes[self.name]
        layers = self.choice.layers
        values = [(i, inputs[i] if layers is None else layers[i](inputs[i])) for i in mix.indices]
        names = [f"input_{index}" for index in range(len(inputs))]
        if mix.weights is not None:
            return _total(self.name, values, mix.weights, names)
        if self.choice.reduction in ("sum", "mean"):
            _check_shapes(self.name, values, names)
        return reduced([value for _, value in values], self.choice.reduction)


class ValueMixer:
    """Returns the index of the current candidate of a `ValueChoice`.

    Args:
        name: the decision.
        mixes: by decision, the mix of the current forward.
    """

    def __init__(self, name: str, mixes: Mixes) -> None:
        self.name, self.mixes = name, mixes

    def __call__(self) -> int:
        (index,) = self.mixes[self.name].indices
        return index


class RepeatMixer:
    """Runs in place of a `Repeat`; the options of its decision are numbers of blocks.

    Args:
        choice: the choice.
        name: its decision.
        mixes: by decision, the mix of the current forward.
    """

    def __init__(self, choice: Repeat, name: str, mixes: Mixes) -> None:
        self.choice, self.name, self.mixes = choice, name, mixes

    def __call__(self, x: Any) -> Any:
        (index,) = self.mixes[self.name].indices
        for block in self.choice.blocks[: self.choice.low + index]:
            x = block(x)
        return x


def mixer_of(
    choice: nn.Module | ValueChoice, name: str, mixes: Mixes
) -> LayerMixer | InputMixer | RepeatMixer | ValueMixer:
    """Make the mixer of a choice.

    Args:
        choice: a choice of a module.
        name: its decision.
        mixes: by decision, the mix of the current forward.

    Returns:
        The mixer that runs in its place or, for a value, decides it.

    Raises:
        TrainableError: there is no mixer for choices of this class.
    """
    if isinstance(choice, ValueChoice):
        return ValueMixer(name, mixes)
    if isinstance(choice, LayerChoice):
        return LayerMixer(choice, name, mixes)
    if isinstance(choice, InputChoice):
        return InputMixer(choice, name, mixes)
    if isinstance(choice, Repeat):
        return RepeatMixer(choice, name, mixes)
    raise TrainableError(f"{name}: a {type(choice).__name__} cannot be mixed")


def _total(name: str, values: list[tuple[int, Any]], weights: Tensor | None, names: Sequence[str]) -> Tensor:
    """Add up the values of options, each times its weight."""
    _check_shapes(name, values, names)
    if weights is not None:
        # One unbind for all options: its backward is one stack; indexing fills a vector of zeros for each option.
        parts = weights.unbind()
        values = [(index, value * parts[index].to(value.dtype)) for index, value in values]
    total: Tensor = values[0][1]
    for _, value in values[1:]:
        total = total + value
    return total


def _check_shapes(name: str, values: list[tuple[int, Any]], names: Sequence[str]) -> None:
    """Refuse values that cannot be added up: torch would fail far from the cause, or broadcast without an error."""
    for index, value in values:
        if not isinstance(value, Tensor):
            said = f"{names[index]} gives a {type(value).__name__}"
            raise TrainableError(f"{name}: {said}, and only tensors can be mixed; let it give one tensor")
    if len({value.shape for _, value in values}) > 1:
        shapes = ", ".join(f"{names[index]} gives {tuple(value.shape)}" for index, value in values)
        raise TrainableError(f"{name}: {shapes}; what is mixed must have one shape: change the candidates that differ")
