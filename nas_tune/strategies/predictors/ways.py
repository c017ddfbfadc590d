"""The ways that lead through a graph, counted by their last operations: what a cell computes, however it is written.

Zeros end a way and identities are passed. There may be exponentially many ways, so they are counted vertex by vertex
and never listed; counts are scaled down together where they would pass 10^9.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from search_spaces.graphs.graph import Graph

__all__ = ["Ways", "ways_of"]

_ZEROS = frozenset({"none", "zero"})
_IDENTITIES = frozenset({"skip_connect", "identity", "skip"})
_TAIL = 3
_MOST = 1e9


@dataclass(slots=True)
class Ways:
    """How many ways lead to a place, and how long they are, in operations.

    Attributes:
        counts: by the last three operations.
        total: of all.
        steps: the sum of their lengths.
        longest, shortest: the lengths; 0 where there is no way.
    """

    counts: dict[tuple[str, ...], float] = field(default_factory=dict)
    total: float = 0.0
    steps: float = 0.0
    longest: int = 0
    shortest: int = 0

    def join(self, before: Ways, label: str = "") -> None:
        """Take in all ways `before`, led on through the operation `label`; an empty one is none."""
        if label in _ZEROS or not before.counts:
            return
        step = int(bool(label) and label not in _IDENTITIES)
        shortest = before.shortest + step
        self.shortest = min(self.shortest, shortest) if self.counts else shortest
        self.longest = max(self.longest, before.longest + step)
        self.total += before.total
        self.steps += before.steps + step * before.total
        counts = self.counts
        for labels, count in before.counts.items():
            led = (*labels, label)[-_TAIL:] if step else labels
            counts[led] = counts.get(led, 0.0) + count

    def bounded(self) -> Ways:
        """The same, scaled down to 10^9 ways where there are more."""
        if self.total <= _MOST:
            return self
        share = _MOST / self.total
        counts = {labels: share * count for labels, count in self.counts.items()}
        return Ways(counts, _MOST, share * self.steps, self.longest, self.shortest)


def ways_of(graph: Graph) -> Ways:
    """The ways from the inputs to the outputs of `graph`, whose vertices stand in an order of their edges."""
    arriving: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        arriving.setdefault(edge.target, []).append((edge.source, edge.label))
    reaching: dict[str, Ways] = {}
    ends = Ways()
    for vertex in graph.vertices:
        ways = Ways({(): 1.0}, 1.0) if vertex.kind == "input" else Ways()
        for source, label in arriving.get(vertex.name, ()):
            ways.join(reaching[source], label)
        if vertex.kind == "operation":
            before, ways = ways, Ways()
            ways.join(before, vertex.label)
        reaching[vertex.name] = ways.bounded()
        if vertex.kind == "output":
            ends.join(ways)
    return ends.bounded()
