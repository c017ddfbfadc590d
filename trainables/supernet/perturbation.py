"""Selection by perturbation (DARTS-PT, Wang et al. 2021, arXiv 2108.04392): how much worse is the supernet without it?

The strength of an operation says little about its worth. Instead, for one decision after another in random order, each
option is left out in turn. The option without which the supernet is worst is chosen, and the supernet may train for a
few steps before the next decision. After all operations, the inputs of nodes are decided in the same way: those inputs
stay without which the supernet is worst, as many as may be chosen.
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
    """Select the architecture of the options without which the supernet is worst.

    Args:
        supernet: a trained supernet of a method that mixes all options; afterwards it is the same, except for what
            `tune` has changed.
        score: returns a score of the supernet in its current state, such as its validation accuracy; higher is better.
        generator: draws the order of the decisions; on the CPU.
        tune: trains the weights for a few steps, called after each decision; None trains nothing.

    Returns:
        The architecture, a member of the supernet's space.

    Raises:
        TrainableError: the method computes one option of a decision only.
    """
    if supernet.method.is_hard:
        kind = type(supernet.method).__name__
        raise TrainableError(f"{kind} computes one option, so that none can be left out; select by magnitude")
    limits = dict(supernet.limits)
    taken: dict[str, tuple[int, ...]] = {}
    try:
        for is_node in (False, True):
            decisions = [decision for decision in supernet.decisions.values() if decision.is_node == is_node]
            for place in torch.randperm(len(decisions), generator=generator).tolist():
                decision = decisions[place]
                taken[decision.name] = _decided(supernet, decision, score)
                _fix(supernet, decision, taken[decision.name])
                if tune is not None:
                    tune()
    finally:
        supernet.limits = limits
        supernet.fixed.clear()
    return supernet.member(taken)


def _decided(supernet: Supernet, decision: Decision, score: Callable[[], float]) -> tuple[int, ...]:
    """Return the options to take: those without which the supernet is worst, as many as may be chosen."""
    left = tuple(index for index in supernet.method.left(decision) if index in decision.members)
    if decision.high >= len(left):
        return left
    scores = []
    for index in left:
        with _without(supernet, decision, index):
            scores.append((score(), index))
    return tuple(sorted(index for _, index in sorted(scores)[: decision.high]))


def _fix(supernet: Supernet, decision: Decision, taken: tuple[int, ...]) -> None:
    """Let the supernet compute only the taken options of a decision from now on."""
    if decision.high == 1:
        supernet.fixed[decision.name] = taken
    else:
        # The weights of edges, and of inputs that are added up, stay the same.
        supernet.limits[decision.name] = taken


@contextmanager
def _without(supernet: Supernet, decision: Decision, index: int) -> Iterator[None]:
    """Leave one option out for the duration of a block; the weights of the others stay."""
    supernet.limits[decision.name] = tuple(i for i in supernet.method.left(decision) if i != index)
    try:
        yield
    finally:
        del supernet.limits[decision.name]
