"""The second step: the order inside each layer, by barycentres (Sugiyama et al. 1981), with few crossings.

Sweeps down and up sort each layer by the mean place of each item's neighbours in the layer before; then items side by
side are swapped while that removes crossings. The best order seen is kept. The result is the same at each call.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from itertools import chain, combinations, pairwise, product

from search_spaces.drawing.layers import Item, Layered
from search_spaces.drawing.spine import order_along, spine

__all__ = ["crossings", "order"]

SWEEPS, PATIENCE, SHUFFLES = 10, 3, 6
"""The most sweeps from each start, the sweeps without a gain that end them, and the random starts."""
MANY = 120
"""A graph with more items has no random starts, for speed."""

Ties = dict[Item, list[Item]]
"""The neighbours of an item in one direction."""


def order(drawing: Layered) -> None:
    """Sort every layer so that few edges cross.

    Args:
        drawing: a graph in layers; its layers are sorted in place.
    """
    if path := spine(drawing):
        order_along(drawing, path)
        return
    above, below = _ties(drawing)
    best, fewest = [list(layer) for layer in drawing.layers], crossings(drawing.layers, below)
    for layers in _starts(drawing.layers):
        since = 0
        for sweep in range(SWEEPS):
            if not fewest or since == PATIENCE:
                break
            _sweep(layers, above if sweep % 2 == 0 else below, downwards=sweep % 2 == 0)
            _swap(layers, above, below)
            found = crossings(layers, below)
            since = 0 if found < fewest else since + 1
            if found < fewest:
                best, fewest = [list(layer) for layer in layers], found
    drawing.layers[:] = [layer[::-1] for layer in best] if _is_mirrored(best) else best


def _is_mirrored(layers: list[list[Item]]) -> bool:
    """Whether more pairs of boxes are in the order of the graph if left and right are swapped."""
    inverted = 0
    for layer in layers:
        vertices = [item.vertex for item in layer if item.vertex is not None]
        inverted += sum((one > other) - (one < other) for one, other in combinations(vertices, 2))
    return inverted > 0


def _starts(layers: list[list[Item]]) -> Iterator[list[list[Item]]]:
    """Orders to start from: the given one, its mirror image, and random ones from a fixed seed."""
    yield [list(layer) for layer in layers]
    yield [layer[::-1] for layer in layers]
    chance = random.Random(0)
    for _ in range(SHUFFLES if sum(map(len, layers)) <= MANY else 0):
        yield [chance.sample(layer, len(layer)) for layer in layers]


def crossings(layers: Sequence[Sequence[Item]], below: Ties) -> int:
    """Count the pairs of segments that cross.

    Args:
        layers: the items of each layer from left to right.
        below: the items in the next layer that each item is tied to.

    Returns:
        The number of crossings.
    """
    total = 0
    for layer, following in pairwise(layers):
        place = {item: index for index, item in enumerate(following)}
        ends = [sorted(place[other] for other in below[item]) for item in layer]
        flat = chain.from_iterable(ends)
        total += sum(one > other for one, other in combinations(flat, 2))
    return total


def _ties(drawing: Layered) -> tuple[Ties, Ties]:
    above: Ties = {item: [] for layer in drawing.layers for item in layer}
    below: Ties = {item: [] for item in above}
    for segment in drawing.segments:
        above[segment.lower].append(segment.upper)
        below[segment.upper].append(segment.lower)
    return above, below


def _sweep(layers: list[list[Item]], ties: Ties, *, downwards: bool) -> None:
    numbers = range(1, len(layers)) if downwards else range(len(layers) - 2, -1, -1)
    for number in numbers:
        fixed = layers[number - 1 if downwards else number + 1]
        place = {item: index for index, item in enumerate(fixed)}
        layer = layers[number]
        means: dict[Item, float] = {}
        for index, item in enumerate(layer):
            if ties[item]:
                means[item] = sum(place[other] for other in ties[item]) / len(ties[item])
            else:
                means[item] = index * len(fixed) / len(layer)
        layer.sort(key=lambda item, means=means: means[item])  # type: ignore[misc]


def _swap(layers: list[list[Item]], above: Ties, below: Ties) -> None:
    """Swap items side by side while that removes crossings."""
    for number, layer in enumerate(layers):
        sides = [(layers[number - 1], above)] if number else []
        sides += [(layers[number + 1], below)] if number + 1 < len(layers) else []
        places = []
        for side, ties in sides:
            places.append(({item: index for index, item in enumerate(side)}, ties))
        improved = True
        while improved:
            improved = False
            for index in range(len(layer) - 1):
                if _gain(layer[index], layer[index + 1], places) > 0:
                    layer[index : index + 2] = [layer[index + 1], layer[index]]
                    improved = True


def _gain(left: Item, right: Item, places: list[tuple[dict[Item, int], Ties]]) -> int:
    """How many crossings a swap of the two removes; negative if it adds some."""
    gain = 0
    for place, ties in places:
        ones = [place[other] for other in ties[left]]
        others = [place[other] for other in ties[right]]
        for one, other in product(ones, others):
            gain += (one > other) - (one < other)
    return gain
