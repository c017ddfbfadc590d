"""Orders points by several objectives: by front, and within a front by crowding distance.

A point dominates another if it is worse in no objective and better in at least one. The first (Pareto) front has the
points that no point dominates, the second front those that only points of the first dominate, and so on (Goldberg
1989). Within a front a point with a greater crowding distance is better: the distance sums up, over the objectives, the
gap between its neighbours, relative to the width of the front (Deb, Pratap, Agarwal and Meyarivan 2002, NSGA-II); it is
infinite at the ends.

Points are rows of finite scores; greater is better. Ranks and distances do not depend on the order of the rows: they
are those of the distinct points, and equal points share them (as Fortin and Parizeau 2013 advise).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ScoreRows", "best_first", "crowding", "dominates", "front", "passes", "places", "ranks"]

ScoreRows = NDArray[np.float64] | Sequence[Sequence[float]]
"""Scores of n points in m objectives, shape (n, m)."""

_Numbers = NDArray[np.float64]
_Counts = NDArray[np.int64]


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Tell whether `one` is worse than `other` in no objective, and better in at least one.

    Args:
        one, other: the scores of two points, in the same objectives.

    Returns:
        Whether `one` dominates.
    """
    return one != other and all(a >= b for a, b in zip(one, other, strict=True))


def front(scores: ScoreRows) -> list[int]:
    """Find the Pareto front.

    Args:
        scores: the scores of the points, shape (n, m).

    Returns:
        The rows that no other dominates; the best in the first objective first, equal points by row.
    """
    points, copies = _distinct(scores)
    first = _undominated(points, np.arange(len(points)))
    place = np.full(len(points), len(points))
    place[first] = np.arange(len(first))
    members = np.flatnonzero(place[copies] < len(points))
    return [int(index) for index in members[np.argsort(place[copies[members]], kind="stable")]]


def ranks(scores: ScoreRows, enough: int | None = None) -> _Counts:
    """Compute the front of every point.

    Args:
        scores: the scores of the points, shape (n, m).
        enough: stop once this number of points has a front; all others get the number of the next front (default: all
            points get their front).

    Returns:
        The number of the front of each point, from 0; shape (n,).
    """
    points, copies = _distinct(scores)
    return _ranks(points, np.bincount(copies, minlength=len(points)), enough)[copies]


def crowding(scores: ScoreRows) -> _Numbers:
    """Compute the crowding distances of the points of one front; an objective in which all are equal adds nothing.

    Args:
        scores: the scores of the points, shape (n, m).

    Returns:
        The distance of each point, shape (n,).
    """
    points, copies = _distinct(scores)
    return _crowding(points)[copies]


def places(scores: ScoreRows, enough: int | None = None) -> _Counts:
    """Count for each point the points that are better, by rank and then by crowding distance.

    Args:
        scores: the scores of the points, shape (n, m).
        enough: how many of the best points need exact places (default: all).

    Returns:
        The counts, shape (n,); 0 for the best points.
    """
    count = len(scores)
    if not count:
        return np.zeros(0, dtype=np.int64)
    ranked, lonely = _judged(scores, enough)
    order = np.lexsort((-lonely, ranked))
    same = np.concatenate(([False], (np.diff(ranked[order]) == 0) & (lonely[order][1:] == lonely[order][:-1])))
    found = np.empty(count, dtype=np.int64)
    found[order] = np.maximum.accumulate(np.where(same, 0, np.arange(count)))
    return found


def passes(scores: ScoreRows, kept: int) -> bool:
    """Tell whether the last point is among the best `kept`, or equal in rank and distance to one that is.

    Args:
        scores: the scores of the points, shape (n, m), n at least 1.
        kept: how many points pass.

    Returns:
        Whether fewer than `kept` points are better than the last one.
    """
    return bool(places(scores, kept)[-1] < kept)


def best_first(scores: ScoreRows, enough: int | None = None) -> list[int]:
    """Sort the points by rank, then by crowding distance, then by their objectives in turn, then by row.

    The first one is therefore the best in the first objective.

    Args:
        scores: the scores of the points, shape (n, m).
        enough: how many of the best points need their exact order (default: all).

    Returns:
        The rows of the points, the best first.
    """
    if not len(scores):
        return []
    ranked, lonely = _judged(scores, enough)
    table = np.asarray(scores, dtype=np.float64)
    return [int(index) for index in np.lexsort((*-table.T[::-1], -lonely, ranked))]


def _judged(scores: ScoreRows, enough: int | None) -> tuple[_Counts, _Numbers]:
    """Compute the rank and the crowding distance of every point."""
    points, copies = _distinct(scores)
    ranked = _ranks(points, np.bincount(copies, minlength=len(points)), enough)
    lonely = np.zeros(len(points))
    for rank in range(int(ranked.max()) + 1):
        members = ranked == rank
        lonely[members] = _crowding(points[members])
    return ranked[copies], lonely[copies]


def _distinct(scores: ScoreRows) -> tuple[_Numbers, _Counts]:
    """Sort the distinct points by the first objective (descending), then the second, ..; find the row of each point."""
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
    """Select the points that no other dominates; `among` holds rows of distinct points in the order of `_distinct`."""
    found = []
    while len(among):
        # No later point is greater in the first objective in which two points differ.
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
        # The other objectives break ties, so that the order of the rows does not matter.
        others = [points[:, other] for other in range(objectives) if other != objective]
        order = np.lexsort((*others, points[:, objective]))
        # Half of each score: the difference of the largest floats would be infinite.
        along = points[order, objective] / 2
        width = along[-1] - along[0]
        if width > 0:
            lonely[order[1:-1]] += (along[2:] - along[:-2]) / width
            lonely[order[[0, -1]]] = np.inf
    return lonely
