"""Fronts and crowding distances written down once more, from their definitions, with loops only."""

from __future__ import annotations

import math
from collections.abc import Sequence

__all__ = ["Point", "beats", "crowded", "fronts", "ordered", "standing"]

Point = tuple[float, ...]


def beats(one: Point, other: Point) -> bool:
    """Nowhere worse and somewhere better."""
    nowhere_worse = all(a >= b for a, b in zip(one, other, strict=True))
    return nowhere_worse and any(a > b for a, b in zip(one, other, strict=True))


def fronts(points: Sequence[Point]) -> list[int]:
    """The front of every point: those that none of the rest dominates are taken away, again and again."""
    found, left, front = [-1] * len(points), set(range(len(points))), 0
    while left:
        first = {i for i in left if not any(beats(points[j], points[i]) for j in left)}
        for i in first:
            found[i] = front
        left -= first
        front += 1
    return found


def crowded(front: Sequence[Point]) -> dict[Point, float]:
    """Deb et al. 2002, on the distinct points of a front."""
    distinct = sorted(set(front))
    distance = dict.fromkeys(distinct, 0.0)
    if len(distinct) <= 2:
        return dict.fromkeys(distinct, math.inf)
    for m in range(len(distinct[0])):
        row = sorted(distinct, key=lambda p: (p[m], *(p[o] for o in reversed(range(len(p))) if o != m)))
        width = row[-1][m] - row[0][m]
        if width == 0:
            continue
        distance[row[0]] = distance[row[-1]] = math.inf
        for before, here, after in zip(row, row[1:], row[2:], strict=False):
            distance[here] += (after[m] - before[m]) / width
    return distance


def standing(points: Sequence[Point]) -> list[tuple[int, float]]:
    """Smaller is better: the front, and the crowding distance within it."""
    ranks = fronts(points)
    lonely = [
        crowded([p for p, rank in zip(points, ranks, strict=True) if rank == front]) for front in range(len(set(ranks)))
    ]
    return [(rank, -lonely[rank][point]) for point, rank in zip(points, ranks, strict=True)]


def ordered(points: Sequence[Point]) -> list[int]:
    """Best first; of equals the greater in the first objective, then in the next, then the earlier."""
    keys = standing(points)
    return sorted(range(len(points)), key=lambda i: (keys[i], tuple(-x for x in points[i]), i))
