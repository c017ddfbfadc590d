"""`recurrent`: the recurrent cell of DARTS (Liu, Simonyan and Yang 2019, arXiv 1806.09055).

State 0 is computed from the word and the output of the step before. Each of eight nodes takes one earlier state s and
one of four activations, and computes `s + gate * (activation(..) - s)` (a highway). The output of the cell is the mean
of the nodes:

    {"node_1": {"input": 0, "activation": "relu"}, .., "node_8": {"input": 5, "activation": "relu"}}

There are 8! * 4^8 members. The nodes are a tree with state 0 at its root, and differ in their activations only. Members
with the same tree, in any order of the branches, compute the same and share an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import check_count
from search_spaces.catalogue.literal import listed, read_fields, whole
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice
from search_spaces.space import Space

__all__ = [
    "ACTIVATIONS",
    "Nodes",
    "RecurrentSpace",
    "branches",
    "canonical",
    "check_activations",
    "decided_nodes",
    "node_choices",
    "space",
]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
FIELDS = ("recurrent", "concat")

Nodes = list[tuple[str, int]]
"""The activation and the input of node 1, node 2, ..; input 0 is the first state."""


class RecurrentSpace(Space):
    """Recurrent cells, with the genotypes of DARTS: `Genotype(recurrent=[('relu', 0), ..], concat=range(1, 9))`."""

    @property
    def nodes(self) -> int:
        """The number of nodes that take an earlier state."""
        return sum(name != "node_0" for name in self.declared)  # type: ignore[attr-defined]

    def nodes_of(self, architecture: object) -> Nodes:
        """Read the nodes of a member.

        Args:
            architecture: a member.

        Returns:
            The activation and the input of each node.
        """
        tree: Any = self.validate(architecture)._tree
        return decided_nodes(tree)

    def averaged(self, nodes: Nodes) -> list[int]:
        """Choose the states whose mean is the output of the cell: here all nodes.

        Args:
            nodes: of the cell.

        Returns:
            Their numbers, ascending.
        """
        return list(range(1, len(nodes) + 1))

    def from_genotype(self, genotype: object) -> Architecture:
        """Read a genotype. Its text is parsed, never evaluated.

        Args:
            genotype: its text, the namedtuple, or a mapping.

        Returns:
            The member.

        Raises:
            ArchitectureError: the genotype breaks a rule; the message has the place and the rule.
        """
        fields = _fields(genotype)
        nodes = self._read_nodes(fields["recurrent"])
        given = [whole(item, "concat") for item in listed(fields["concat"], "concat", "a list of nodes")]
        if sorted(given) != self.averaged(nodes):
            raise ArchitectureError("concat", f"{given} are averaged; this space averages {self.averaged(nodes)}")
        return self.validate(self._tree_of(nodes))

    def to_genotype(self, architecture: object) -> str:
        """Write a genotype as DARTS does.

        Args:
            architecture: a member.

        Returns:
            The text.
        """
        return f"Genotype(recurrent={self.nodes_of(architecture)!r}, concat=range(1, {self.nodes + 1}))"

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph: states as vertices, activations on the edges."""
        tree: Any = self.validate(architecture)._tree
        nodes = decided_nodes(tree)
        first = tree.get("node_0", {}).get("activation", "tanh")
        states = [Vertex(str(index), str(index), "state") for index in range(len(nodes) + 1)]
        inputs = (Vertex("x", "x_t", "input"), Vertex("h", "h_{t-1}", "input"))
        edges = [Edge("x", "0", first), Edge("h", "0", first)]
        edges += [Edge(str(source), str(index), activation) for index, (activation, source) in enumerate(nodes, 1)]
        edges += [Edge(str(index), "output") for index in self.averaged(nodes)]
        return (Graph("recurrent", (*inputs, *states, Vertex("output", "h_t", "output")), tuple(edges)),)

    def _tree_of(self, nodes: Nodes) -> dict[str, Any]:
        return {
            f"node_{index}": {"input": source, "activation": activation}
            for index, (activation, source) in enumerate(nodes, 1)
        }

    def _read_nodes(self, value: object) -> Nodes:
        items = listed(value, "recurrent", "a list of nodes (activation, input)")
        if len(items) != self.nodes:
            raise ArchitectureError(
                "recurrent",
                f"{len(items)} nodes, where this space has {self.nodes}; "
                "another number is a setting: get('recurrent', nodes=..), or get('enas_recurrent') for ENAS",
            )
        return [_node(item, index) for index, item in enumerate(items, 1)]


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form.

    Args:
        architecture: a member.

    Returns:
        The tree of the nodes as text, its branches sorted.
    """
    return f"state{branches(decided_nodes(architecture._tree))}"


def branches(nodes: Nodes) -> str:
    """Write the tree below state 0 as text.

    Args:
        nodes: of the cell.

    Returns:
        The text, equal for nodes that differ in their order only.
    """
    hanging: list[list[str]] = [[] for _ in range(len(nodes) + 1)]
    for index in range(len(nodes), 0, -1):
        activation, source = nodes[index - 1]
        hanging[source].append(f"{activation}({','.join(sorted(hanging[index]))})")
    return f"({','.join(sorted(hanging[0]))})"


def node_choices(count: int, activations: Sequence[str]) -> dict[str, Any]:
    """Declare the decisions of the nodes.

    Args:
        count: the number of nodes.
        activations: their names.

    Returns:
        The tree of node 1 to `count`.
    """
    return {
        f"node_{index}": {"input": choice(*range(index)), "activation": choice(*activations)}
        for index in range(1, count + 1)
    }


def check_activations(activations: Sequence[str]) -> tuple[str, ...]:
    """Check the names of activations.

    Args:
        activations: the names.

    Returns:
        The names.

    Raises:
        SpaceError: there are none, one is unknown, or one is given twice.
    """
    if (
        not isinstance(activations, list | tuple)
        or not activations
        or len({*map(str, activations)}) != len(activations)
    ):
        raise SpaceError(f"activations={activations!r}: give a list of at least one name, each once")
    for name in activations:
        if name not in ACTIVATIONS:
            close = did_you_mean(str(name), ACTIVATIONS)
            raise SpaceError(f"activations: {name!r} is unknown{close}; known: {', '.join(ACTIVATIONS)}")
    return tuple(activations)


def space(nodes: int = 8, activations: Sequence[str] = ACTIVATIONS) -> RecurrentSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        nodes: their number.
        activations: all of `ACTIVATIONS`, or some of them.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not valid.
    """
    check_count("nodes", nodes)
    tree = node_choices(nodes, check_activations(activations))
    return RecurrentSpace(tree, name="recurrent", canonical=canonical)


def decided_nodes(tree: Any) -> Nodes:
    """Read the nodes of a decided tree.

    Args:
        tree: of a member.

    Returns:
        The activation and the input of each node.
    """
    return [(node["activation"], node["input"]) for name, node in tree.items() if name != "node_0"]


def _fields(genotype: object) -> dict[str, Any]:
    """The two fields, from any form of the genotype."""
    found = read_fields(genotype, FIELDS)
    for name in found:
        if name not in FIELDS:
            close = did_you_mean(str(name), FIELDS)
            raise ArchitectureError(
                str(name), f"a recurrent genotype has no such field{close}; it has recurrent, concat"
            )
    for name in FIELDS:
        if found.get(name) is None:
            raise ArchitectureError(name, f"the genotype has no field {name!r}; it has two: recurrent, concat")
    return found


def _node(item: object, index: int) -> tuple[str, int]:
    place = f"recurrent[{index - 1}]"
    pair = listed(item, place, "(activation, input)")
    if len(pair) != 2 or not isinstance(pair[0], str):
        raise ArchitectureError(place, f"{item!r:.60} is no node; write (activation, input)")
    activation, source = pair[0], whole(pair[1], place)
    if activation == "none":
        raise ArchitectureError(place, f"'none' is a candidate of supernets only; allowed: {', '.join(ACTIVATIONS)}")
    if activation not in ACTIVATIONS:
        close = did_you_mean(activation, ACTIVATIONS)
        raise ArchitectureError(place, f"{activation!r:.60} is no activation{close}; allowed: {', '.join(ACTIVATIONS)}")
    if not 0 <= source < index:
        earlier = ", ".join(map(str, range(index)))
        raise ArchitectureError(place, f"node {index} cannot take {source} as input; allowed: {earlier}")
    return activation, source
