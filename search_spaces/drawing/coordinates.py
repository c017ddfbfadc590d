"""The third step: where each item stands, so that edges run straight and nothing touches.

Each item is drawn to the mean of its neighbours, bends most of all (Gansner et al. 1993 weigh them likewise); a layer
at a time, the nearest places that keep order and distances are an isotonic regression, solved exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, pairwise

from search_spaces.drawing.alignment import align, distance
from search_spaces.drawing.layers import Item, Layered, Segment
from search_spaces.drawing.spine import spine

__all__ = ["place"]

ROUNDS, STRAIGHTENED = 10, 6
HEAVY = 1e6
SPREAD = 12.0
"""Pixels between two edges at one box."""


def place(drawing: Layered) -> None:
    """Set `x` of every item, and where the segments leave and arrive; the leftmost side of all is at 0."""
    way = spine(drawing)
    _spread_ends(drawing, frozenset(way))
    pulls = _pulls(drawing.segments)
    rows = [_row(layer) for layer in drawing.layers]
    for row in rows:
        _settle(row, [0.0] * len(row.items), [1.0] * len(row.items))
    for _ in range(0 if way else ROUNDS):
        _sweep(rows, pulls, frozenset())
    runs = [_run(items, drawing.layers, pulls) for items in align(drawing.layers, way)]
    upright = frozenset(item for run in runs for item in run.items)
    loose = [row for row in rows if not upright.issuperset(row.items)]
    for _ in range(STRAIGHTENED):
        for run in runs:
            _centre(run)
        _sweep(loose, pulls, upright)
    left = min((item.x - item.width / 2 for row in rows for item in row.items), default=0.0)
    for row in rows:
        for item in row.items:
            item.x -= left


@dataclass(frozen=True, slots=True)
class Row:
    """A layer, and how far from its first item each one stands when they are as close as can be."""

    items: list[Item]
    starts: list[float]


def _row(layer: list[Item]) -> Row:
    return Row(layer, list(accumulate((distance(one, other) for one, other in pairwise(layer)), initial=0.0)))


def _sweep(rows: list[Row], pulls: Pulls, pinned: frozenset[Item]) -> None:
    for row in (*rows, *reversed(rows)):
        _relax(row, pulls, pinned)


@dataclass(frozen=True, slots=True)
class Run:
    """Items that stand upright, who stands left and right of them how far away at least, and what draws them."""

    items: list[Item]
    left: list[tuple[Item, float]]
    right: list[tuple[Item, float]]
    ends: list[tuple[Item, float]]


def _run(items: list[Item], layers: list[list[Item]], pulls: Pulls) -> Run:
    left, right = [], []
    for item in items:
        layer = layers[item.layer]
        index = layer.index(item)
        left += [(other, distance(other, item)) for other in layer[:index][-1:]]
        right += [(other, distance(item, other)) for other in layer[index + 1 : index + 2]]
    inside = set(items)
    ends = [(other, offset) for item in items for other, offset, _ in pulls[item] if other not in inside]
    return Run(items, left, right, ends)


def _centre(run: Run) -> None:
    """Move an upright run towards its ends, as far as its neighbours leave room."""
    low = max((other.x + apart for other, apart in run.left), default=-math.inf)
    high = min((other.x - apart for other, apart in run.right), default=math.inf)
    if low <= high and run.ends:
        wanted = sum(other.x + offset for other, offset in run.ends) / len(run.ends)
        for item in run.items:
            item.x = min(max(wanted, low), high)


Pulls = dict[Item, list[tuple[Item, float, float]]]
"""For an item: the others it is tied to, how far from their middle it wants to be, and how strongly."""


def _pulls(segments: list[Segment]) -> Pulls:
    pulls: Pulls = defaultdict(list)
    for segment in segments:
        weight = (1.0, 3.0, 12.0)[segment.upper.is_bend + segment.lower.is_bend]
        offset = segment.shift_upper - segment.shift_lower
        pulls[segment.lower].append((segment.upper, offset, weight))
        pulls[segment.upper].append((segment.lower, -offset, weight))
    return pulls


def _relax(row: Row, pulls: Pulls, pinned: frozenset[Item]) -> None:
    wanted, weights = [], []
    for item in row.items:
        if item in pinned or item not in pulls:
            wanted.append(item.x)
            weights.append(HEAVY if item in pinned else 0.01)
            continue
        total = mass = 0.0
        for other, offset, weight in pulls[item]:
            total += (other.x + offset) * weight
            mass += weight
        wanted.append(total / mass)
        weights.append(mass)
    _settle(row, wanted, weights)


def _settle(row: Row, wanted: list[float], weights: list[float]) -> None:
    """The places nearest to `wanted`, by weighted least squares, that keep order and distances (pool adjacent
    violators).
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, count
    for target, mass, start in zip(wanted, weights, row.starts, strict=False):
        mean, count = target - start, 1
        while pools and pools[-1][0] >= mean:
            other, more, many = pools.pop()
            mean = (mean * mass + other * more) / (mass + more)
            mass, count = mass + more, count + many
        pools.append((mean, mass, count))
    index = 0
    for mean, _, count in pools:
        for _ in range(count):
            row.items[index].x = mean + row.starts[index]
            index += 1


def _spread_ends(drawing: Layered, way: frozenset[Item]) -> None:
    """Let the edges at one box leave and arrive side by side, in the order of their other ends; those along `way`
    in the middle.
    """
    place = {item: index for layer in drawing.layers for index, item in enumerate(layer)}
    leaving: dict[Item, list[Segment]] = defaultdict(list)
    arriving: dict[Item, list[Segment]] = defaultdict(list)
    for segment in drawing.segments:
        leaving[segment.upper].append(segment)
        arriving[segment.lower].append(segment)
    for item, group in leaving.items():
        group.sort(key=lambda segment: place[segment.lower])
        for segment, shift in zip(group, _shifts(item, [s.lower in way for s in group]), strict=True):
            segment.shift_upper = shift
    for item, group in arriving.items():
        group.sort(key=lambda segment: place[segment.upper])
        for segment, shift in zip(group, _shifts(item, [s.upper in way for s in group]), strict=True):
            segment.shift_lower = shift


def _shifts(item: Item, on_way: list[bool]) -> list[float]:
    """How far from the middle of a box its edges end; `on_way` says which of them had better end in the middle."""
    last = len(on_way) - 1
    middle = on_way.index(True) if sum(on_way) == 1 else last / 2
    furthest = max(middle, last - middle)
    step = min(SPREAD, (item.width / 2 - 7) / furthest) if furthest else 0.0
    return [(index - middle) * step for index in range(last + 1)]
