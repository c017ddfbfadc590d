"""What predicts the cost of a member of a space without networks: the operations of its graphs, or its decisions.

A space of cells is counted by its graphs. A zero operation has no result; an identity and what does not reach the
output cost nothing on an engine that optimizes graphs. Of any other space the decisions are counted: options by name,
numbers by value, first over all places of a `repeat` and then at each place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from search_spaces.architecture import Architecture, Json, Scalar
from search_spaces.graphs.graph import Edge, Graph
from search_spaces.space import Space

__all__ = ["IDENTITIES", "ZEROS", "decision_counts"]

ZEROS = frozenset({"none", "zero", "zeroize"})
"""Operations whose result is zero."""
IDENTITIES = frozenset({"skip_connect", "identity", "skip"})
"""Operations whose result is their input."""


def decision_counts(space: Space, architecture: Architecture) -> tuple[Counter[str], Counter[str]]:
    """Count what a member of a space decides.

    Args:
        space: the space.
        architecture: a member of it.

    Returns:
        Counts of what takes effect, and counts of everything, by name; the names are those of
        `trainables.hardware.operation_counts`.
    """
    if type(space).graphs is Space.graphs:
        return _decisions(_effective(space, architecture)), _decisions(architecture.tree)
    live: Counter[str] = Counter()
    executed: Counter[str] = Counter()
    for graph in space.graphs(architecture):
        used = _live_edges(graph)
        _count(live, graph, used)
        _count(executed, graph, set(graph.edges))
    return live, executed


def _count(found: Counter[str], graph: Graph, edges: set[Edge]) -> None:
    """Add the operations of these edges, and the sums of vertices that several of them enter."""
    targets = Counter(edge.target for edge in edges)
    labels = [edge.label for edge in edges if edge.label and edge.label not in IDENTITIES | ZEROS]
    labels += [vertex.label for vertex in graph.vertices if vertex.kind == "operation" and targets[vertex.name]]
    labels += ["sum"] * sum(count - 1 for count in targets.values())
    for label in labels:
        plain = label.replace("|", "/")
        for level in ("", f"|{plain}", f"|{plain}|{graph.name}"):
            found[f"count{level}"] += 1


def _live_edges(graph: Graph) -> set[Edge]:
    """The edges that carry a value from an input of the graph to an output."""
    labels = {vertex.name: vertex.label for vertex in graph.vertices}
    kinds = {vertex.name: vertex.kind for vertex in graph.vertices}
    carrying = [
        edge
        for edge in graph.edges
        if edge.label not in ZEROS and not (kinds[edge.target] == "operation" and labels[edge.target] in ZEROS)
    ]
    reached = {vertex.name for vertex in graph.vertices if vertex.kind == "input"}
    for vertex in graph.vertices:
        if any(edge.target == vertex.name and edge.source in reached for edge in carrying):
            reached.add(vertex.name)
    wanted = {vertex.name for vertex in graph.vertices if vertex.kind == "output"}
    for vertex in reversed(graph.vertices):
        if any(edge.source == vertex.name and edge.target in wanted for edge in carrying):
            wanted.add(vertex.name)
    return {edge for edge in carrying if edge.source in reached and edge.target in wanted}


def _effective(space: Space, architecture: Architecture) -> Json:
    """The tree without decisions that take no effect, as far as the canonical form of the space tells them."""
    form = None if space.canonical is None else space.canonical(architecture)
    if isinstance(form, Architecture):
        return form.tree
    return form if isinstance(form, dict | list) else architecture.tree


def _decisions(tree: Json) -> Counter[str]:
    found: Counter[str] = Counter()
    for path, value in _leaves(tree, ()):
        place = ".".join(path).replace("|", "/")
        kind = ".".join(part for part in path if not part.isdigit()).replace("|", "/")
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[f"amount of {kind}"] += value  # type: ignore[assignment]
            found[f"amount of {kind}|{place}"] += value  # type: ignore[assignment]
        if not isinstance(value, float):
            option = f"{kind} is {value}".replace("|", "/")
            found[f"count|{option}"] += 1
            found[f"count|{option}|{place}"] += 1
    return found


def _leaves(tree: Json, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    if isinstance(tree, dict | list):
        parts = tree.items() if isinstance(tree, dict) else ((str(index), part) for index, part in enumerate(tree))
        for key, part in parts:
            yield from _leaves(part, (*path, str(key)))
    else:
        yield path, tree
