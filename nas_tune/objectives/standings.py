"""Which result is better, where trainings are of different lengths: stopped early, ended by themselves, or in full.

The rule: complete trainings stand by their scores, however long they took. A stopped one stands behind every training
that was longer, and among all others by its scores. Both cannot always hold: a stopped training may be better than
a short complete one that is better than a long one. Then the first half of the rule decides.

With several objectives "by its scores" means by fronts and crowding (`nas_tune.objectives.pareto`). Every order of
trials in this package comes from here, so that a run, its strategies and its checkpoints agree on who is best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nas_tune.objectives.pareto import best_first, places

__all__ = ["Result", "contenders", "in_order", "standings", "uneven"]

_Judge = Callable[[list[int], int], list[tuple[int, int]]]
"""The members of a block, the best first, each with its place; the block begins at the place that is given."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a training came to.

    Attributes:
        scores: in every objective, greater is better.
        epochs: how many it trained.
        complete: whether it ended by itself or at the last epoch; else it was stopped, or is paused.
    """

    scores: Sequence[float]
    epochs: float
    complete: bool


def uneven(results: Sequence[Result]) -> bool:
    """Whether some complete training is no longer than some stopped one."""
    shortest = min((one.epochs for one in results if one.complete), default=math.inf)
    return any(one.epochs >= shortest for one in results if not one.complete)


def contenders(results: Sequence[Result]) -> list[int]:
    """Those that no longer training keeps back: the complete ones, and stopped ones at least as long as all of them.

    Without a complete training there are none.
    """
    longest = max((one.epochs for one in results if one.complete), default=math.inf)
    return [place for place, one in enumerate(results) if one.complete or one.epochs >= longest]


def in_order(results: Sequence[Result], count: int | None = None) -> list[int]:
    """The places of the best `count` results (of all), the best first; of equals the earlier one."""
    if not results or len(results[0].scores) == 1:
        keys = _keys(results)
        return sorted(range(len(results)), key=lambda place: (keys[place], place))[:count]

    def judged(members: list[int], start: int) -> list[tuple[int, int]]:
        enough = None if count is None else count - start
        return [(members[at], start) for at in best_first([results[member].scores for member in members], enough)]

    return [member for member, _ in _blocks(results, judged, count)][:count]


def standings(results: Sequence[Result]) -> list[int]:
    """How many results are better than each; equals share a place."""
    if not results or len(results[0].scores) == 1:
        first: dict[tuple[float, ...], int] = {}
        keys = _keys(results)
        for place, key in enumerate(sorted(keys)):
            first.setdefault(key, place)
        return [first[key] for key in keys]

    def judged(members: list[int], start: int) -> list[tuple[int, int]]:
        rows = [results[member].scores for member in members]
        found = places(rows)
        return [(members[at], start + int(found[at])) for at in best_first(rows)]

    placed = dict(_blocks(results, judged))
    return [placed[member] for member in range(len(results))]


def _keys(results: Sequence[Result]) -> list[tuple[float, ...]]:
    """What sorts results of one objective: a stopped one counts no more than the worst of the longer ones."""
    worst: dict[float, float] = {}
    for one in results:
        worst[one.epochs] = min(one.scores[0], worst.get(one.epochs, math.inf))
    ceilings: dict[float, float] = {}
    lowest = math.inf
    for epochs in sorted(worst, reverse=True):
        ceilings[epochs] = lowest
        lowest = min(lowest, worst[epochs])
    beyond = 1 + max((one.epochs for one in results if not one.complete), default=-1)
    keys: list[tuple[float, ...]] = []
    for one in results:
        counted = one.scores[0] if one.complete else min(one.scores[0], ceilings[one.epochs])
        keys.append((-counted, -min(one.epochs, beyond), -one.scores[0], not one.complete))
    return keys


def _blocks(results: Sequence[Result], judged: _Judge, count: int | None = None) -> list[tuple[int, int]]:
    """Several objectives: the complete ones as a block, then stopped ones, the longest first, sorted into its end."""
    found = judged([place for place, one in enumerate(results) if one.complete], 0)
    for epochs in sorted({one.epochs for one in results if not one.complete}, reverse=True):
        longer = [place for place, (member, _) in enumerate(found) if results[member].epochs > epochs]
        start = 1 + longer[-1] if longer else 0
        if count is not None and start >= count:
            break
        stopped = [place for place, one in enumerate(results) if not one.complete and one.epochs == epochs]
        found[start:] = judged(sorted([member for member, _ in found[start:]] + stopped), start)
    return found
