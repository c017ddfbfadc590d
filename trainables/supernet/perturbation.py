"""Selection by perturbation (DARTS-PT, Wang et al. 2021, arXiv 2108.04392): how much worse is the supernet without it?

The strength of an operation says little about its worth. Instead, one decision after another, in random order, each
member is left out in turn; the one without which the supernet is worst is taken for good, and the supernet may train a
little before the next. When all operations stand, the inputs of nodes are decided likewise: those go whose loss costs
least, until as many are left as may be chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch

from trainables.errors import TrainableError
from trainables.supernet.decisions import Decision
from trainables.supernet.supernet import Supernet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["discretize_by_perturbation"]


def discretize_by_perturbation(
    supernet: Supernet,
    score: Callable[[], float],
    generator: torch.Generator,
    tune: Callable[[], object] | None = None,
) -> Architecture:
    """The architecture whose parts the supernet misses most.

    Args:
        supernet: trained, of a method that mixes all options; it is as before afterwards, but for what `tune` did.
        score: of the supernet as it stands, greater is better, such as its validation accuracy.
        generator: draws the order of the decisions; on the CPU.
        tune: trains the weights a little, called after each decision; None leaves them as they are.
    """
    if supernet.method.is_hard:
        kind = type(supernet.method).__name__
        raise TrainableError(f"{kind} computes one option, and none can be left out of it; select by magnitude")
    limits = dict(supernet.limits)
    taken: dict[str, tuple[int, ...]] = {}
    try:
        for decision in _in_order(supernet, generator):
            taken[decision.name] = _decided(supernet, decision, score)
            _settle(supernet, decision, taken[decision.name])
            if tune is not None:
                tune()
    finally:
        supernet.limits = limits
        supernet.fixed.clear()
    return supernet.member(taken)


def _in_order(supernet: Supernet, generator: torch.Generator) -> Iterator[Decision]:
    """Operations, then nodes, each kind in random order."""
    for is_node in (False, True):
        decisions = [decision for decision in supernet.decisions.values() if decision.is_node == is_node]
        yield from (decisions[index] for index in torch.randperm(len(decisions), generator=generator).tolist())


def _decided(supernet: Supernet, decision: Decision, score: Callable[[], float]) -> tuple[int, ...]:
    """The options to take: so many of those that are missed most as may be chosen."""
    left = tuple(index for index in supernet.method.left(decision) if index in decision.members)
    if decision.high >= len(left):
        return left
    missed = []
    for index in left:
        with _without(supernet, decision, index):
            missed.append((score(), index))
    return tuple(sorted(index for _, index in sorted(missed)[: decision.high]))


def _settle(supernet: Supernet, decision: Decision, taken: tuple[int, ...]) -> None:
    if decision.high == 1:
        supernet.fixed[decision.name] = taken
    else:
        # Weights of edges stay what they are, of inputs that are added up too.
        supernet.limits[decision.name] = taken


@contextmanager
def _without(supernet: Supernet, decision: Decision, index: int) -> Iterator[None]:
    """Inside, one option counts for nothing; the weights of the others stay."""
    supernet.limits[decision.name] = tuple(i for i in supernet.method.left(decision) if i != index)
    try:
        yield
    finally:
        del supernet.limits[decision.name]
