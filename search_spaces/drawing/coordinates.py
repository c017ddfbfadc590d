"""The third step: the `x` of each item, so that edges are straight and nothing touches.

Each item is pulled to the mean of its neighbours in the layers above and below, a bend most strongly (as in Gansner et
al. 1993). In one layer, the nearest places that keep order and distances are an isotonic regression, solved exactly.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, pairwise

from search_spaces.drawing.alignment import align, least_distance
from search_spaces.drawing.layers import Item, Layered, Segment
from search_spaces.drawing.spine import spine

__all__ = ["place"]

ROUNDS, STRAIGHTENED = 10, 6
"""Sweeps over the layers before long edges are made straight, and after."""
HEAVY = 1e6
"""The weight of an item that must not move."""
SPREAD = 12.0
"""Pixels between two edges at one box."""


def place(drawing: Layered) -> None:
    """Set the `x` of every item, and the places where segments leave and arrive; the leftmost side of all is at 0.

    Args:
        drawing: a graph in layers, in their final order; it is changed in place.
    """
    path = spine(drawing)
    _spread_ends(drawing, frozenset(path))
    pulls = _pulls(drawing.segments)
    rows: list[_Row] = []
    for layer in drawing.layers:
        apart = (least_distance(one, other) for one, other in pairwise(layer))
        rows.append(_Row(layer, list(accumulate(apart, initial=0.0))))
    for row in rows:
        _settle(row, [0.0] * len(row.items), [1.0] * len(row.items))
    for _ in range(0 if path else ROUNDS):
        _sweep(rows, pulls, frozenset())
    blocks = [_upright_of(items, drawing.layers, pulls) for items in align(drawing.layers, path)]
    upright = frozenset(item for block in blocks for item in block.items)
    loose = [row for row in rows if not upright.issuperset(row.items)]
    for _ in range(STRAIGHTENED):
        for block in blocks:
            _centre(block)
        _sweep(loose, pulls, upright)
    left = min((item.x - item.width / 2 for row in rows for item in row.items), default=0.0)
    for row in rows:
        for item in row.items:
            item.x -= left


@dataclass(frozen=True, slots=True)
class _Row:
    """A layer, and the distance of each item from the first one when they are as close as possible."""

    items: list[Item]
    starts: list[float]


def _sweep(rows: list[_Row], pulls: _Pulls, pinned: frozenset[Item]) -> None:
    for row in (*rows, *reversed(rows)):
        _relax(row, pulls, pinned)


@dataclass(frozen=True, slots=True)
class _Upright:
    """Items with one `x`; their neighbours left and right with the least distances; and the ends that pull them."""

    items: list[Item]
    left: list[tuple[Item, float]]
    right: list[tuple[Item, float]]
    ends: list[tuple[Item, float]]


def _upright_of(items: list[Item], layers: list[list[Item]], pulls: _Pulls) -> _Upright:
    left, right = [], []
    for item in items:
        layer = layers[item.layer]
        index = layer.index(item)
        left += [(other, least_distance(other, item)) for other in layer[:index][-1:]]
        right += [(other, least_distance(item, other)) for other in layer[index + 1 : index + 2]]
    inside = set(items)
    ends: list[tuple[Item, float]] = []
    for item in items:
        ends += [(other, offset) for other, offset, _ in pulls[item] if other not in inside]
    return _Upright(items, left, right, ends)


def _centre(block: _Upright) -> None:
    """Move a block towards the mean of its ends, as far as its neighbours leave room."""
    low = max((other.x + apart for other, apart in block.left), default=-math.inf)
    high = min((other.x - apart for other, apart in block.right), default=math.inf)
    if low <= high and block.ends:
        wanted = sum(other.x + offset for other, offset in block.ends) / len(block.ends)
        for item in block.items:
            item.x = min(max(wanted, low), high)


_Pulls = dict[Item, list[tuple[Item, float, float]]]
"""For each item: the items that it is tied to, its wanted offset from their middle in pixels, and the weight."""


def _pulls(segments: list[Segment]) -> _Pulls:
    pulls: _Pulls = defaultdict(list)
    for segment in segments:
        weight = (1.0, 3.0, 12.0)[segment.upper.is_bend + segment.lower.is_bend]
        offset = segment.shift_upper - segment.shift_lower
        pulls[segment.lower].append((segment.upper, offset, weight))
        pulls[segment.upper].append((segment.lower, -offset, weight))
    return pulls


def _relax(row: _Row, pulls: _Pulls, pinned: frozenset[Item]) -> None:
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


def _settle(row: _Row, wanted: list[float], weights: list[float]) -> None:
    """Set `x` to the places nearest to `wanted` that keep order and distances.

    Nearest by weighted least squares; the algorithm is pool adjacent violators.
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


def _spread_ends(drawing: Layered, path: frozenset[Item]) -> None:
    """Let the edges at one box leave and arrive side by side, sorted by their other ends.

    An edge of `path` gets the middle.
    """
    place = {item: index for layer in drawing.layers for index, item in enumerate(layer)}
    leaving: dict[Item, list[Segment]] = defaultdict(list)
    arriving: dict[Item, list[Segment]] = defaultdict(list)
    for segment in drawing.segments:
        leaving[segment.upper].append(segment)
        arriving[segment.lower].append(segment)
    for item, group in leaving.items():
        group.sort(key=lambda segment: place[segment.lower])
        for segment, shift in zip(group, _shifts(item, [s.lower in path for s in group]), strict=True):
            segment.shift_upper = shift
    for item, group in arriving.items():
        group.sort(key=lambda segment: place[segment.upper])
        for segment, shift in zip(group, _shifts(item, [s.upper in path for s in group]), strict=True):
            segment.shift_lower = shift


def _shifts(item: Item, on_path: list[bool]) -> list[float]:
    """How far from the middle of a box each of its edges ends; a single edge `on_path` ends in the middle."""
    last = len(on_path) - 1
    middle = on_path.index(True) if sum(on_path) == 1 else last / 2
    furthest = max(middle, last - middle)
    step = min(SPREAD, (item.width / 2 - 7) / furthest) if furthest else 0.0
    return [(index - middle) * step for index in range(last + 1)]
