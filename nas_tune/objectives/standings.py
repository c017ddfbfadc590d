"""Orders the results of trainings of different lengths: stopped early, ended by themselves, or in full.

Complete trainings are ordered by their scores, however long they took. A stopped training comes behind every longer
training, and is ordered by its scores among the others. Both rules cannot always hold: a stopped training may be better
than a short complete one that is better than a longer one. It then comes behind the longer one.

Results that break limits come behind all others, ordered by how much they break (Deb 2000).

With several objectives the order by scores is that by front and crowding distance (`nas_tune.objectives.pareto`). Every
order of trials in this package comes from here, so that a run, its strategies and its checkpoints agree on the best.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nas_tune.objectives.pareto import best_first, places

__all__ = ["Result", "contenders", "in_order", "standings", "uneven"]

_Judge = Callable[[list[int], int], list[tuple[int, int]]]
"""Takes the members of a block and its first place; returns the members, the best first, each with its place."""


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a training.

    Attributes:
        scores: one for each objective; greater is better.
        epochs: how many it trained; infinite for a complete training of unknown length.
        complete: whether it ended by itself or at the last epoch; False if it was stopped or is paused.
        broken: by how much it breaks limits (`nas_tune.objectives.limits.violation`); 0 if it keeps them.
    """

    scores: Sequence[float]
    epochs: float
    complete: bool
    broken: float = 0.0


def uneven(results: Sequence[Result]) -> bool:
    """Tell whether some stopped training is at least as long as some complete one.

    Args:
        results: the results to compare.

    Returns:
        Whether lengths alone do not separate complete trainings from stopped ones.
    """
    shortest = min((one.epochs for one in results if one.complete), default=math.inf)
    return any(one.epochs >= shortest for one in results if not one.complete)


def contenders(results: Sequence[Result]) -> list[int]:
    """Find the results that may be the best: complete ones, and stopped ones at least as long as every complete one.

    Where some results keep all limits, these are chosen among them.

    Args:
        results: the results to compare.

    Returns:
        Their places in `results`, ascending; empty if no training is complete.
    """
    feasible = [place for place, one in enumerate(results) if not one.broken] or range(len(results))
    longest = max((results[place].epochs for place in feasible if results[place].complete), default=math.inf)
    return [place for place in feasible if results[place].complete or results[place].epochs >= longest]


def in_order(results: Sequence[Result], count: int | None = None) -> list[int]:
    """Sort results by the rule of this module.

    Args:
        results: the results to compare.
        count: how many of the best to return (default: all).

    Returns:
        The places of the best in `results`, the best first; of equal results the earlier one first.
    """
    if any(one.broken for one in results):
        return _feasible_first(results)[:count]
    if not results or len(results[0].scores) == 1:
        keys = _keys(results)
        return sorted(range(len(results)), key=lambda place: (keys[place], place))[:count]

    def judged(members: list[int], start: int) -> list[tuple[int, int]]:
        enough = None if count is None else count - start
        found: list[tuple[int, int]] = []
        for at in best_first([results[member].scores for member in members], enough):
            found.append((members[at], start))
        return found

    return [member for member, _ in _blocks(results, judged, count)][:count]


def standings(results: Sequence[Result]) -> list[int]:
    """Count for each result the results that are better.

    Args:
        results: the results to compare.

    Returns:
        The counts, in the order of `results`; equal results share one.
    """
    if any(one.broken for one in results):
        order = _feasible_first(results)
        return [place for _, place in sorted(zip(order, range(len(order)), strict=True))]
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


def _feasible_first(results: Sequence[Result]) -> list[int]:
    """The places of the results that keep all limits in their order, then the others by how much they break."""
    kept = [place for place, one in enumerate(results) if not one.broken]
    order = [kept[place] for place in in_order([results[place] for place in kept])]
    broken = [place for place, one in enumerate(results) if one.broken]
    return order + sorted(broken, key=lambda place: (results[place].broken, place))


def _keys(results: Sequence[Result]) -> list[tuple[float, ...]]:
    """Make sort keys for one objective: the score of a stopped result is cut to the worst of the longer ones."""
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
    """Order by several objectives: complete results as a block, then stopped ones by length sorted into its end."""
    found = judged([place for place, one in enumerate(results) if one.complete], 0)
    for epochs in sorted({one.epochs for one in results if not one.complete}, reverse=True):
        longer = [place for place, (member, _) in enumerate(found) if results[member].epochs > epochs]
        start = 1 + longer[-1] if longer else 0
        if count is not None and start >= count:
            break
        stopped = [place for place, one in enumerate(results) if not one.complete and one.epochs == epochs]
        found[start:] = judged(sorted([member for member, _ in found[start:]] + stopped), start)
    return found
