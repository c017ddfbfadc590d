"""PathCounts through graphs: as many as there are, by their last operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

import search_spaces
from nas_tune.strategies.predictors.path_counts import count_paths
from search_spaces.graphs.graph import Edge, Graph, Vertex


def walked(graph: Graph) -> Iterator[list[str]]:
    """Every way by its labels, one after another."""
    by_name = {vertex.name: vertex for vertex in graph.vertices}
    going = [(vertex.name, list[str]()) for vertex in graph.vertices if vertex.kind == "input"]
    while going:
        name, labels = going.pop()
        if by_name[name].kind == "output":
            yield labels
        for edge in graph.edges:
            if edge.source == name:
                target = by_name[edge.target]
                going.append((edge.target, [*labels, edge.label, target.label if target.kind == "operation" else ""]))


@pytest.mark.parametrize("name", ["nb201", "darts", "chain"])
def test_ways_are_those_that_one_can_walk(name: str) -> None:
    space = search_spaces.get(name)
    for graph in space.graphs(space.sample(3)):
        alive = [labels for labels in walked(graph) if not {"none", "zero"} & {*labels}]
        led = [[one for one in labels if one not in ("", "skip_connect", "identity", "skip")] for labels in alive]
        ways = count_paths(graph)
        assert ways.counts == Counter(tuple(labels[-3:]) for labels in led)
        lengths = [len(labels) for labels in led]
        assert (ways.total, ways.steps) == (len(led), sum(lengths))
        assert (ways.shortest, ways.longest) == (min(lengths, default=0), max(lengths, default=0))


def test_counts_of_deep_graphs_stay_finite() -> None:
    depth = 60
    vertices = [Vertex("0", "in", "input"), *(Vertex(str(i), "conv", "operation") for i in range(1, depth))]
    edges = [Edge(str(a), str(b)) for b in range(1, depth) for a in range(b)]
    last = Vertex("last", "out", "output")
    ways = count_paths(Graph("cell", (*vertices, last), (*edges, Edge(str(depth - 1), "last"))))
    assert ways.total == pytest.approx(1e9)
    assert sum(ways.counts.values()) == pytest.approx(1e9)
    assert ways.longest == depth - 1
    assert 1 < ways.steps / ways.total < depth
