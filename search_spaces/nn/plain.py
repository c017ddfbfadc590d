"""The module that replaces an `InputChoice` in a frozen module. It has no choices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor
from torch.nn import Module, ModuleList

from search_spaces.errors import SpaceError

__all__ = ["REDUCTIONS", "Reduction", "SelectInputs", "check_inputs", "reduced"]

Reduction: TypeAlias = Literal["sum", "mean", "concat", "none"]
REDUCTIONS: tuple[Reduction, ...] = ("sum", "mean", "concat", "none")


class SelectInputs(Module):
    """Selects some of several tensors, passes each through its layer if there are layers, and reduces them to one.

    The state dict names the layers `layers.0`, `layers.1`, .. in the order of the indices.

    Args:
        n_candidates: the number of tensors.
        indices: the indices of the selected tensors.
        reduction: "sum", "mean", "concat" (along dimension 1), or "none": the list of the tensors, or the tensor itself
            for one index.
        layers: one module for each index; None for none.
    """

    def __init__(
        self,
        n_candidates: int,
        indices: Sequence[int],
        reduction: Reduction = "sum",
        layers: Iterable[Module] | None = None,
    ) -> None:
        super().__init__()
        self.n_candidates = n_candidates
        self.indices = tuple(indices)
        self.reduction: Reduction = reduction
        self.layers = None if layers is None else ModuleList(layers)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor | list[Tensor]:
        check_inputs(inputs, self.n_candidates)
        chosen = [inputs[index] for index in self.indices]
        if self.layers is not None:
            chosen = [layer(x) for layer, x in zip(self.layers, chosen, strict=True)]
        return reduced(chosen, self.reduction)

    def extra_repr(self) -> str:
        return f"{list(self.indices)} of {self.n_candidates}, reduction={self.reduction!r}"


def reduced(tensors: list[Tensor], reduction: Reduction) -> Tensor | list[Tensor]:
    """Reduce several tensors to one.

    Args:
        tensors: at least one tensor. All have one shape; for "concat", dimension 1 may differ.
        reduction: "sum", "mean", "concat" (along dimension 1), or "none".

    Returns:
        The tensor; for "none" the list, unless it has one tensor only.
    """
    if len(tensors) == 1:
        return tensors[0]
    if reduction == "none":
        return tensors
    if reduction == "concat":
        return torch.cat(tensors, dim=1)
    total = sum(tensors[1:], start=tensors[0])
    return total / len(tensors) if reduction == "mean" else total


def check_inputs(inputs: Sequence[Tensor], n_candidates: int) -> None:
    """Check the inputs of an `InputChoice`.

    Args:
        inputs: the inputs of the forward.
        n_candidates: their expected number.

    Raises:
        SpaceError: `inputs` is not a list of that length.
    """
    if not isinstance(inputs, list | tuple):
        raise SpaceError(
            f"an InputChoice of {n_candidates} inputs got a {type(inputs).__name__}; give one list of them"
        )
    if len(inputs) != n_candidates:
        raise SpaceError(f"an InputChoice of {n_candidates} inputs got {len(inputs)}; give n_candidates={len(inputs)}")
