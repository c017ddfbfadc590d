"""What runs in place of a choice while its module is a supernet: a weighted sum of options, or some of them.

Before every forward the supernet says for each decision a `Mix`; every choice of that decision follows it. Of
options whose weight is not in the mix nothing is computed, and of a candidate that gives zeros never anything,
as long as another one stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    """What to take of a decision's options.

    Attributes:
        indices: the options to compute.
        weights: one for every option (of all, computed or not), by which values are multiplied before they are
            added up; None takes what is computed as it is.
        skip_dropout: probability with which, in training, each value that an identity passes on is dropped.
    """

    indices: tuple[int, ...]
    weights: Tensor | None = None
    skip_dropout: float = 0.0


Mixes = Mapping[str, Mix]


class LayerMixer:
    """Stands for the `LayerChoice` of the decision called `name`."""

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
    """Stands for the `InputChoice` of the decision called `name`."""

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
    """Says which candidate of the `ValueChoice` called `name` counts."""

    def __init__(self, name: str, mixes: Mixes) -> None:
        self.name, self.mixes = name, mixes

    def __call__(self) -> int:
        (index,) = self.mixes[self.name].indices
        return index


class RepeatMixer:
    """Stands for the `Repeat` whose depth is called `name`; its options are numbers of blocks."""

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
    """What runs in place of `choice`, or decides a value."""
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
    _check_shapes(name, values, names)
    return _sum(values if weights is None else _weighted(values, weights))


def _weighted(values: list[tuple[int, Tensor]], weights: Tensor) -> Iterator[tuple[int, Tensor]]:
    # One unbind for all: its backward is one stack, that of indexing a zero-filled vector for each option.
    parts = weights.unbind()
    return ((index, value * parts[index].to(value.dtype)) for index, value in values)


def _sum(values: Any) -> Tensor:
    (_, total), *others = values
    for _, value in others:
        total = total + value
    result: Tensor = total
    return result


def _check_shapes(name: str, values: list[tuple[int, Any]], names: Sequence[str]) -> None:
    """Adding up what is not alike would fail far from its cause, or spread one shape over another in silence."""
    for index, value in values:
        if not isinstance(value, Tensor):
            said = f"{names[index]} gives a {type(value).__name__}"
            raise TrainableError(f"{name}: {said}, and only tensors can be mixed; let it give one tensor")
    if len({value.shape for _, value in values}) > 1:
        shapes = ", ".join(f"{names[index]} gives {tuple(value.shape)}" for index, value in values)
        raise TrainableError(f"{name}: {shapes}; what is mixed must have one shape: change the candidates that differ")
