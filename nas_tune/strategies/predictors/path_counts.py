"""Counts the paths through a graph by their last operations; cells that compute the same have equal counts.

A zero operation ends a path, and an identity is skipped. There may be exponentially many paths, so they are counted
vertex by vertex and never listed; all counts are scaled down together if they would exceed 10^9.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from search_spaces.graphs.graph import Graph

__all__ = ["PathCounts", "count_paths"]

_ZEROS = frozenset({"none", "zero"})
_IDENTITIES = frozenset({"skip_connect", "identity", "skip"})
_TAIL = 3
_MOST = 1e9


@dataclass(slots=True)
class PathCounts:
    """The paths that lead to a vertex; lengths are in operations.

    Attributes:
        counts: the number of paths by their last three operations; scaled down together with `total`.
        total: the number of all paths.
        steps: the sum of their lengths.
        longest, shortest: the greatest and the least length; 0 if there is no path.
    """

    counts: dict[tuple[str, ...], float] = field(default_factory=dict)
    total: float = 0.0
    steps: float = 0.0
    longest: int = 0
    shortest: int = 0

    def join(self, before: PathCounts, label: str = "") -> None:
        """Add all paths of `before`, extended by an operation.

        Args:
            before: the paths to extend.
            label: the operation; "" and identities extend no path, a zero operation ends all.
        """
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

    def bounded(self) -> PathCounts:
        """Scale the counts down to 10^9 paths if there are more.

        Returns:
            These counts, or scaled ones.
        """
        if self.total <= _MOST:
            return self
        share = _MOST / self.total
        counts = {labels: share * count for labels, count in self.counts.items()}
        return PathCounts(counts, _MOST, share * self.steps, self.longest, self.shortest)


def count_paths(graph: Graph) -> PathCounts:
    """Count the paths from the inputs of a graph to its outputs.

    Args:
        graph: a graph whose vertices are in topological order.

    Returns:
        The counts at the outputs together.
    """
    arriving: dict[str, list[tuple[str, str]]] = {}
    for edge in graph.edges:
        arriving.setdefault(edge.target, []).append((edge.source, edge.label))
    reaching: dict[str, PathCounts] = {}
    ends = PathCounts()
    for vertex in graph.vertices:
        paths = PathCounts({(): 1.0}, 1.0) if vertex.kind == "input" else PathCounts()
        for source, label in arriving.get(vertex.name, ()):
            paths.join(reaching[source], label)
        if vertex.kind == "operation":
            before, paths = paths, PathCounts()
            paths.join(before, vertex.label)
        reaching[vertex.name] = paths.bounded()
        if vertex.kind == "output":
            ends.join(paths)
    return ends.bounded()
