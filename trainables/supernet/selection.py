"""From a supernet to an architecture: by the strengths that its method has learned.

`discretize` takes of every decision the strongest member; of inputs so many of the strongest as may be chosen.
`pruned` leaves the strongest options of every decision, for methods that go on with fewer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from trainables.supernet.decisions import Decision
from trainables.supernet.supernet import Supernet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["discretize", "pruned", "strongest"]

Scores = dict[str, Tensor]
"""By decision that has a vector, how strong each option is; on the CPU."""


def discretize(supernet: Supernet) -> Architecture:
    """The architecture that the supernet prefers, a member of `supernet.space`.

    Where the method allows no more than so many skip connections in a kind of cell, the weakest of those taken
    give way to the next best, one after another. Reads numbers of the device.
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
    """The indices of the options to take, in their order; the first of equals.

    Where a number of inputs is a range, those are taken that are at least as strong as the mean.
    """
    ranked = sorted(decision.members, key=lambda index: (-scores[index], index))
    mean = sum(scores) / len(scores)
    count = sum(scores[index] >= mean for index in ranked)
    return tuple(sorted(ranked[: min(max(count, decision.low), decision.high)]))


def pruned(supernet: Supernet, count: int) -> dict[str, tuple[int, ...]]:
    """By decision, the `count` strongest options of those that are left, a member among them."""
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
    """What is taken of every decision."""
    strengths = supernet.with_nodes(own).items()
    return {name: strongest(supernet.decisions[name], strength.tolist()) for name, strength in strengths}


def _weakest_skip(
    supernet: Supernet, own: Scores, taken: dict[str, tuple[int, ...]], most: int
) -> tuple[str, int] | None:
    """The weakest skip connection of a kind of cell that has more than `most` of them."""
    read = supernet.taken(supernet.member(taken))
    groups: dict[str, list[tuple[float, str, int]]] = {}
    for name, indices in read.items():
        decision = supernet.decisions[name]
        for index in indices:
            if decision.kind == "layer" and index in decision.skips and len(decision.members) > 1:
                groups.setdefault(decision.group, []).append((float(own[name][index]), name, index))
    crowded = [sorted(skips) for skips in groups.values() if len(skips) > most]
    usable = [skip for skips in crowded for skip in skips if skip[0] >= 0]
    return (usable[0][1], usable[0][2]) if usable else None
