"""Selection of an architecture from a supernet, by the strengths that its method has learned.

`discretize` takes the strongest member of every decision; of inputs, as many of the strongest as may be chosen.
`strongest_options` keeps the strongest options of every decision, for methods whose next stage has fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from trainables.supernet.decisions import Decision
from trainables.supernet.supernet import Supernet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["discretize", "strongest", "strongest_options"]

Scores = dict[str, Tensor]
"""The strengths (options,) of each decision that has a vector, on the CPU."""


def discretize(supernet: Supernet) -> Architecture:
    """Select the architecture of the strongest options.

    If the method limits the skip connections in a kind of cell, the weakest of those taken are replaced by the next
    best option, one after another. The host waits for the device.

    Args:
        supernet: a trained supernet.

    Returns:
        The architecture, a member of `supernet.space`.
    """
    own = {name: strength.cpu() for name, strength in supernet.method.strengths().items()}
    taken = _taken(supernet, own)
    most = supernet.method.most_skips
    while most is not None:
        surplus = _weakest_skip(supernet, own, taken, most)
        if surplus is None:
            break
        name, index = surplus
        own[name][index] = -1.0
        taken = _taken(supernet, own)
    return supernet.member(taken)


def strongest(decision: Decision, scores: list[float]) -> tuple[int, ...]:
    """Select the strongest options of a decision; of equals the first.

    If a decision may take a range of numbers of inputs, it takes those that are at least as strong as the mean.

    Args:
        decision: the decision.
        scores: the strength of each of its options.

    Returns:
        The indices of the taken options, ascending.
    """
    ranked = sorted(decision.members, key=lambda index: (-scores[index], index))
    mean = sum(scores) / len(scores)
    count = sum(scores[index] >= mean for index in ranked)
    return tuple(sorted(ranked[: min(max(count, decision.low), decision.high)]))


def strongest_options(supernet: Supernet, count: int) -> dict[str, tuple[int, ...]]:
    """Keep the strongest options of each decision on an operation, at least one member among them.

    Args:
        supernet: a trained supernet.
        count: how many of the options that are left to keep.

    Returns:
        The indices of the kept options, ascending, by decision.
    """
    left = {}
    for name, strength in supernet.method.strengths().items():
        decision, scores = supernet.decisions[name], strength.tolist()
        if decision.kind != "layer":
            continue
        ranked = sorted(supernet.method.left(decision), key=lambda index: (-scores[index], index))[:count]
        if not set(ranked) & set(decision.members):
            ranked[-1:] = strongest(decision, scores)
        left[name] = tuple(sorted(ranked))
    return left


def _taken(supernet: Supernet, own: Scores) -> dict[str, tuple[int, ...]]:
    """Return the strongest options of every decision, given the strengths of those with a vector."""
    strengths = supernet.with_nodes(own).items()
    return {name: strongest(supernet.decisions[name], strength.tolist()) for name, strength in strengths}


def _weakest_skip(
    supernet: Supernet, own: Scores, taken: dict[str, tuple[int, ...]], most: int
) -> tuple[str, int] | None:
    """Return decision and index of the weakest skip connection in a kind of cell that has more than `most` of them."""
    read = supernet.taken(supernet.member(taken))
    groups: dict[str, list[tuple[float, str, int]]] = {}
    for name, indices in read.items():
        decision = supernet.decisions[name]
        for index in indices:
            if decision.kind == "layer" and index in decision.skips and len(decision.members) > 1:
                groups.setdefault(decision.group, []).append((float(own[name][index]), name, index))
    for skips in groups.values():
        usable = sorted(skip for skip in skips if skip[0] >= 0)  # a negative strength: given up before
        if len(skips) > most and usable:
            _, name, index = usable[0]
            return name, index
    return None
