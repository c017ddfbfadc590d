"""Graphs that are a row with shortcuts (ResNets, ENAS' networks, NAS-Bench-201): the row upright, shortcuts beside it.

Each shortcut runs on the side where it crosses fewer of those that are there already, the short ones further inside.
"""

from __future__ import annotations

from itertools import pairwise

from search_spaces.drawing.layers import Item, Layered

__all__ = ["order_along", "spine"]

Span = tuple[int, int, int]
"""The first and the last layer that a shortcut passes, and its edge."""


def spine(drawing: Layered) -> list[Item]:
    """One item of every layer, from the first vertex to the last by way of all others; empty if there is none."""
    boxes = sorted(drawing.boxes, key=lambda box: box.layer)
    way = boxes[:1]
    for one, other in pairwise(boxes):
        edge = next((s.edge for s in drawing.segments if s.upper is one and _leads(drawing, s.edge, other)), None)
        if edge is None or one.layer == other.layer:
            return []
        between = drawing.layers[one.layer + 1 : other.layer]
        way += [item for layer in between for item in layer if item.edge == edge]
        way.append(other)
    return way


def _leads(drawing: Layered, edge: int, box: Item) -> bool:
    return any(segment.edge == edge and segment.lower is box for segment in drawing.segments)


def order_along(drawing: Layered, way: list[Item]) -> None:
    """Sort every layer of `drawing` in place around `way`."""
    on_way = frozenset(way)
    lanes = _lanes([item for layer in drawing.layers for item in layer if item not in on_way])
    for layer in drawing.layers:
        layer.sort(key=lambda item: 0 if item in on_way else lanes[item.edge or 0])


def _lanes(beside: list[Item]) -> dict[int, int]:
    """A place for each shortcut, by its edge: below 0 on the left, above 0 on the right."""
    layers: dict[int, list[int]] = {}
    for item in beside:
        layers.setdefault(item.edge or 0, []).append(item.layer)
    spans = sorted(((min(found), max(found), edge) for edge, found in layers.items()), key=lambda s: (s[1] - s[0], s))
    left: list[Span] = []
    right: list[Span] = []
    for span in spans:
        costs = [(sum(_cross(span, other) for other in side), len(side)) for side in (right, left)]
        (left if costs[1] < costs[0] else right).append(span)
    lanes = {span[2]: index + 1 for index, span in enumerate(right)}
    return lanes | {span[2]: -index - 1 for index, span in enumerate(left)}


def _cross(one: Span, other: Span) -> bool:
    """Whether they overlap without one lying inside the other."""
    (first, last, _), (begin, end, _) = sorted((one, other))
    return first < begin <= last < end
