"""Graphs that are a chain with shortcuts (ResNets, ENAS' networks, NAS-Bench-201): the chain becomes a straight spine.

Each shortcut gets the side of the spine where it crosses fewer earlier shortcuts; short ones are further inside.
"""

from __future__ import annotations

from itertools import pairwise

from search_spaces.drawing.layers import Item, Layered

__all__ = ["order_along", "spine"]

Span = tuple[int, int, int]
"""The first and the last layer that a shortcut passes, and its edge."""


def spine(drawing: Layered) -> list[Item]:
    """Find the chain of a graph: a path from the first vertex to the last through all others.

    Args:
        drawing: a graph in layers.

    Returns:
        One item of every layer, from the top; empty if there is no such path.
    """
    boxes = sorted(drawing.boxes, key=lambda box: box.layer)
    path = boxes[:1]
    ends = {segment.edge: segment.lower for segment in drawing.segments}  # of an edge the last segment counts
    for one, other in pairwise(boxes):
        edge = next((s.edge for s in drawing.segments if s.upper is one and ends[s.edge] is other), None)
        if edge is None or one.layer == other.layer:
            return []
        for layer in drawing.layers[one.layer + 1 : other.layer]:
            path += [item for item in layer if item.edge == edge]
        path.append(other)
    return path


def order_along(drawing: Layered, path: list[Item]) -> None:
    """Sort every layer around the spine.

    Args:
        drawing: a graph in layers; its layers are sorted in place.
        path: the result of `spine`, not empty.
    """
    on_path = frozenset(path)
    lanes = _lanes([item for layer in drawing.layers for item in layer if item not in on_path])
    for layer in drawing.layers:
        layer.sort(key=lambda item: 0 if item in on_path else lanes[item.edge or 0])


def _lanes(beside: list[Item]) -> dict[int, int]:
    """A lane for each shortcut, by its edge: below 0 on the left, above 0 on the right of the spine."""
    layers: dict[int, list[int]] = {}
    for item in beside:
        layers.setdefault(item.edge or 0, []).append(item.layer)
    spans: list[Span] = [(min(found), max(found), edge) for edge, found in layers.items()]
    spans.sort(key=lambda span: (span[1] - span[0], span))
    left: list[Span] = []
    right: list[Span] = []
    for span in spans:
        on_left = sum(_cross(span, other) for other in left), len(left)
        on_right = sum(_cross(span, other) for other in right), len(right)
        (left if on_left < on_right else right).append(span)
    lanes = {span[2]: index + 1 for index, span in enumerate(right)}
    return lanes | {span[2]: -index - 1 for index, span in enumerate(left)}


def _cross(one: Span, other: Span) -> bool:
    """Whether two spans overlap and neither lies inside the other."""
    (first, last, _), (begin, end, _) = sorted((one, other))
    return first < begin <= last < end
