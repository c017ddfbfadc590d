"""Which of several points are better, where each is good in its own way: fronts, and how crowded they are.

A point dominates another if it is nowhere worse and somewhere better. The points that none dominates are the first
front, those that only the first front dominates the second, and so on (Goldberg 1989). Within a front the lonelier
point is the better one: its crowding distance is the side of the box that its neighbours leave it (Deb, Pratap,
Agarwal and Meyarivan 2002, NSGA-II), infinite at the ends.

Points are rows of scores, greater is better and all finite. Nothing here depends on their order: equal points share
rank and distance, which are those of the distinct points (as Fortin and Parizeau 2013 advise).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scores", "best_first", "crowding", "dominates", "front", "passes", "places", "ranks"]

Scores = NDArray[np.float64] | Sequence[Sequence[float]]
"""A row for each point, a column for each objective."""

_Numbers = NDArray[np.float64]
_Counts = NDArray[np.int64]


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is nowhere worse than `other`, and somewhere better."""
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def front(scores: Scores) -> list[int]:
    """The points that none dominates, the best in the first objective first."""
    points, copies = _distinct(scores)
    first = _undominated(points, np.arange(len(points)))
    place = np.full(len(points), len(points))
    place[first] = np.arange(len(first))
    members = np.flatnonzero(place[copies] < len(points))
    return [int(index) for index in members[np.argsort(place[copies[members]], kind="stable")]]


def ranks(scores: Scores, enough: int | None = None) -> _Counts:
    """The front of every point, 0 for the first.

    With `enough`, fronts are told apart until so many points are in them; the rest count as one front more.
    """
    points, copies = _distinct(scores)
    return _ranks(points, np.bincount(copies, minlength=len(points)), enough)[copies]


def crowding(scores: Scores) -> _Numbers:
    """The crowding distance of every point of one front; objectives in which the front is equal do not count."""
    points, copies = _distinct(scores)
    return _crowding(points)[copies]


def places(scores: Scores, enough: int | None = None) -> _Counts:
    """How many points are better than each, by rank and then by crowding; 0 for the best ones."""
    count = len(scores)
    if not count:
        return np.zeros(0, dtype=np.int64)
    ranked, lonely = _judged(scores, enough)
    order = np.lexsort((-lonely, ranked))
    same = np.concatenate(([False], (np.diff(ranked[order]) == 0) & (lonely[order][1:] == lonely[order][:-1])))
    found = np.empty(count, dtype=np.int64)
    found[order] = np.maximum.accumulate(np.where(same, 0, np.arange(count)))
    return found


def passes(scores: Scores, kept: int) -> bool:
    """Whether the last point is among the best `kept`; equals of one that is are, too."""
    return bool(places(scores, kept)[-1] < kept)


def best_first(scores: Scores, enough: int | None = None) -> list[int]:
    """The points by rank, then by crowding, then by their objectives in turn, then as they come.

    The very first is therefore the best in the first objective. Behind the first `enough` the order is not sure.
    """
    if not len(scores):
        return []
    ranked, lonely = _judged(scores, enough)
    table = np.asarray(scores, dtype=np.float64)
    return [int(index) for index in np.lexsort((*-table.T[::-1], -lonely, ranked))]


def _judged(scores: Scores, enough: int | None) -> tuple[_Counts, _Numbers]:
    """Rank and crowding distance of every point."""
    points, copies = _distinct(scores)
    ranked = _ranks(points, np.bincount(copies, minlength=len(points)), enough)
    lonely = np.zeros(len(points))
    for rank in range(int(ranked.max()) + 1):
        members = ranked == rank
        lonely[members] = _crowding(points[members])
    return ranked[copies], lonely[copies]


def _distinct(scores: Scores) -> tuple[_Numbers, _Counts]:
    """The distinct points, the greatest first objective first (then the second, ..), and which of them each is."""
    table = np.asarray(scores, dtype=np.float64)
    if not len(table):
        return table.reshape(0, 1), np.zeros(0, dtype=np.int64)
    order = np.lexsort(-table.T[::-1])
    ordered = table[order]
    fresh = np.concatenate(([True], (ordered[1:] != ordered[:-1]).any(axis=1)))
    copies = np.empty(len(table), dtype=np.int64)
    copies[order] = np.cumsum(fresh) - 1
    return ordered[fresh], copies


def _ranks(points: _Numbers, copies: _Counts, enough: int | None) -> _Counts:
    wanted = int(copies.sum()) if enough is None else enough
    ranked = np.zeros(len(points), dtype=np.int64)
    left, rank, told = np.arange(len(points)), 0, 0
    while len(left) and told < wanted:
        first = _undominated(points, left)
        told += int(copies[first].sum())
        rank += 1
        left = np.setdiff1d(left, first, assume_unique=True)
        ranked[left] = rank
    return ranked


def _undominated(points: _Numbers, among: _Counts) -> _Counts:
    """Those of the distinct points `among`, which are in the order of `_distinct`, that none of them dominates."""
    found = []
    while len(among):
        # None that comes later is greater in the first objective in which they differ.
        first, among = among[0], among[1:]
        found.append(first)
        among = among[(points[among] > points[first]).any(axis=1)]
    return np.array(found, dtype=np.int64)


def _crowding(points: _Numbers) -> _Numbers:
    count, objectives = points.shape
    if count <= 2:
        return np.full(count, np.inf)
    lonely = np.zeros(count)
    for objective in range(objectives):
        # Ties by the other objectives, so that the order in which points come does not matter.
        others = [points[:, other] for other in range(objectives) if other != objective]
        order = np.lexsort((*others, points[:, objective]))
        # Half of it: differences of the largest floats would be infinite.
        along = points[order, objective] / 2
        width = along[-1] - along[0]
        if width > 0:
            lonely[order[1:-1]] += (along[2:] - along[:-2]) / width
            lonely[order[[0, -1]]] = np.inf
    return lonely
