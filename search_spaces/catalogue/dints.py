"""`dints`: a topology of resolutions for volumes, after DiNTS (He et al. 2021, arXiv 2103.15954).

A network has layers of nodes, one node for each resolution; level 0 is the finest, and each further level halves the
sides and doubles the width. A node adds one to three edges from the layer before: from the next finer level (down),
from its own, and from the next coarser one (up). Each edge is one of five operations:

    {"layer_1": {"level_0": [{"input_0": "conv_3x3x3"}, {"input_1": "skip_connect"}], "level_1": [..], ..}, ..}

`input_0` is the finest of the levels that a node can read. All levels of the last layer lead to the output. A node that
nothing reads is left out, and architectures that differ in such nodes alone are one. In the paper a node may also be
switched off; here that is a node that no other node reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.settings import check_operations
from search_spaces.errors import SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, subset
from search_spaces.space import Space
from search_spaces.whole_numbers import is_whole

__all__ = [
    "LAYERS",
    "LEVELS",
    "OPERATIONS",
    "DintsSpace",
    "canonical",
    "edges_of",
    "read_levels",
    "space",
    "used_nodes",
]

OPERATIONS = ("skip_connect", "conv_3x3x3", "conv_3x3x1", "conv_3x1x3", "conv_1x3x3")
"""An operation with a side of 1 is followed by a convolution along the other side (pseudo-3-D)."""
LAYERS, LEVELS = 12, 4
_MOST_LAYERS, _MOST_LEVELS = 24, 6
_CHANGES = {-1: "up", 0: "", 1: "down"}


class DintsSpace(Space):
    """Topologies of some number of layers and levels.

    Args:
        layers: the number of layers.
        levels: the number of resolutions.
        operations: the operations of an edge.
    """

    def __init__(self, layers: int, levels: int, operations: Sequence[str]) -> None:
        self.layers, self.levels, self.operations = layers, levels, tuple(operations)
        edge = choice(*operations)
        tree: dict[str, object] = {}
        for layer in range(1, layers + 1):
            nodes: dict[str, object] = {}
            for level in range(levels):
                count = len(read_levels(level, levels))
                nodes[f"level_{level}"] = subset({f"input_{place}": edge for place in range(count)}, (1, count))
            tree[f"layer_{layer}"] = nodes
        super().__init__(tree, name="dints", canonical=canonical)

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the nodes that are used, with the operations on the edges between them."""
        tree: Any = self.validate(architecture)._tree
        levels = len(next(iter(tree.values())))
        used = used_nodes(tree)
        vertices, edges = [Vertex("input", "input", "input")], list[Edge]()
        first = {level for level in range(levels) if (0, level) in used}
        for level in range(max(first) + 1):
            vertices.append(Vertex(f"layer_0.level_{level}", f"level {level}", "state"))
            edges.append(Edge("input" if not level else f"layer_0.level_{level - 1}", f"layer_0.level_{level}"))
        for number, (layer, nodes) in enumerate(tree.items(), 1):
            for level, (name, taken) in enumerate(nodes.items()):
                if (number, level) not in used:
                    continue
                vertices.append(Vertex(f"{layer}.{name}", f"level {level}", "state"))
                for source, operation in edges_of(taken, level, levels):
                    change = _CHANGES[level - source]
                    edges.append(
                        Edge(f"layer_{number - 1}.level_{source}", f"{layer}.{name}", f"{operation} {change}".strip())
                    )
        vertices.append(Vertex("output", "output", "output"))
        edges += [Edge(f"layer_{len(tree)}.level_{level}", "output") for level in range(levels)]
        return (Graph(self.name or "dints", tuple(vertices), tuple(edges)),)


def read_levels(level: int, levels: int) -> list[int]:
    """List the levels that a node can read.

    Args:
        level: of the node.
        levels: how many there are.

    Returns:
        The next finer one, its own and the next coarser one, as far as they are there.
    """
    return [source for source in (level - 1, level, level + 1) if 0 <= source < levels]


def edges_of(taken: Sequence[Any], level: int, levels: int) -> list[tuple[int, str]]:
    """Read the edges of a node.

    Args:
        taken: the node of a tree, a list of dicts of one input and its operation.
        level: of the node.
        levels: how many there are.

    Returns:
        For each edge the level that it reads, and its operation.
    """
    sources = read_levels(level, levels)
    found: list[tuple[int, str]] = []
    for edge in taken:
        found += [(sources[int(name.removeprefix("input_"))], operation) for name, operation in edge.items()]
    return found


def used_nodes(tree: Any) -> set[tuple[int, int]]:
    """Find the nodes that lead to the output.

    Args:
        tree: of a member.

    Returns:
        Their layer and level; layer 0 is what the stem gives.
    """
    layers = list(tree.values())
    levels = len(layers[0])
    used = {(len(layers), level) for level in range(levels)}
    for number in range(len(layers), 0, -1):
        for level, taken in enumerate(layers[number - 1].values()):
            if (number, level) in used:
                used.update((number - 1, source) for source, _ in edges_of(taken, level, levels))
    return used


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: the nodes that lead to the output.

    Args:
        architecture: a member of a `DintsSpace`.

    Returns:
        The tree, with an empty list for each other node.
    """
    tree: Any = architecture._tree
    used = used_nodes(tree)
    found: list[Json] = []
    for number, nodes in enumerate(tree.values(), 1):
        found.append([taken if (number, level) in used else [] for level, taken in enumerate(nodes.values())])
    return found


def space(*, layers: int = LAYERS, levels: int = LEVELS, operations: Sequence[str] = OPERATIONS) -> DintsSpace:
    """Make the space of the paper, or one of another size or with fewer operations.

    Args:
        layers: the number of layers, 1 to 24.
        levels: the number of resolutions, 2 to 6.
        operations: some of `OPERATIONS`.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    for name, given, least, most in (("layers", layers, 1, _MOST_LAYERS), ("levels", levels, 2, _MOST_LEVELS)):
        if not is_whole(given, least) or given > most:
            raise SpaceError(f"{name}={given!r}: give a whole number from {least} to {most}")
    return DintsSpace(layers, levels, check_operations(operations, OPERATIONS))
