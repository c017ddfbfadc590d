"""`recurrent`: the recurrent cell of DARTS (Liu, Simonyan and Yang 2019, arXiv 1806.09055).

State 0 is computed from the word and from the output of the step before. Each of eight nodes takes one earlier state s
and one of four activations, and computes `s + gate * (activation(..) - s)` (a highway connection). The output is the
mean of the nodes:

    {"node_1": {"input": 0, "activation": "relu"}, .., "node_8": {"input": 5, "activation": "relu"}}

The space has 8! * 4^8 members. The nodes form a tree with state 0 at its root, and differ only in their activations.
Members whose trees are equal up to the order of the branches compute the same, and share an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import check_count
from search_spaces.catalogue.literal import read_fields, read_sequence, read_whole
from search_spaces.errors import ArchitectureError, SpaceError
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.names import did_you_mean
from search_spaces.parameters import choice
from search_spaces.space import Space

__all__ = [
    "ACTIVATIONS",
    "NodeInputs",
    "RecurrentSpace",
    "canonical",
    "check_activations",
    "decided_nodes",
    "node_choices",
    "sorted_branches",
    "space",
]

ACTIVATIONS = ("tanh", "relu", "sigmoid", "identity")
FIELDS = ("recurrent", "concat")
"""The fields of a genotype, in the order of the namedtuple."""

NodeInputs = list[tuple[str, int]]
"""Activation and input of node 1, node 2, ..; input 0 is the first state."""


class RecurrentSpace(Space):
    """Recurrent cells, with the genotypes of DARTS: `Genotype(recurrent=[('relu', 0), ..], concat=range(1, 9))`."""

    declared: dict[str, Any]

    @property
    def nodes(self) -> int:
        """The number of nodes that take an earlier state."""
        return sum(name != "node_0" for name in self.declared)

    def nodes_of(self, architecture: object) -> NodeInputs:
        """Read the nodes of a member.

        Args:
            architecture: a member, or its tree.

        Returns:
            Activation and input of node 1, node 2, ..

        Raises:
            ArchitectureError: it is not a member.
        """
        tree: Any = self.validate(architecture)._tree
        return decided_nodes(tree)

    def averaged(self, nodes: NodeInputs) -> list[int]:
        """Find the states whose mean is the output of the cell.

        Args:
            nodes: activation and input of node 1, node 2, ..

        Returns:
            The numbers of the states, ascending: here all nodes.
        """
        return list(range(1, len(nodes) + 1))

    def from_genotype(self, genotype: object) -> Architecture:
        """Make the member of a genotype. A text is parsed, never evaluated.

        Args:
            genotype: its text, a namedtuple, or a mapping of its fields.

        Returns:
            The member.

        Raises:
            ArchitectureError: the genotype breaks a rule; the message gives the place and the rule.
        """
        fields = _fields(genotype)
        nodes = self._read_nodes(fields["recurrent"])
        given = [read_whole(item, "concat") for item in read_sequence(fields["concat"], "concat", "a list of nodes")]
        if sorted(given) != self.averaged(nodes):
            raise ArchitectureError("concat", f"{given} are averaged; this space averages {self.averaged(nodes)}")
        return self.validate(self._tree_of(nodes))

    def to_genotype(self, architecture: object) -> str:
        """Write a member as DARTS does.

        Args:
            architecture: a member, or its tree.

        Returns:
            The genotype, one line of text.

        Raises:
            ArchitectureError: it is not a member.
        """
        return f"Genotype(recurrent={self.nodes_of(architecture)!r}, concat=range(1, {self.nodes + 1}))"

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw one graph: states are vertices, activations are on the edges."""
        tree: Any = self.validate(architecture)._tree
        nodes = decided_nodes(tree)
        first = tree.get("node_0", {}).get("activation", "tanh")
        states = [Vertex(str(index), str(index), "state") for index in range(len(nodes) + 1)]
        inputs = (Vertex("x", "x_t", "input"), Vertex("h", "h_{t-1}", "input"))
        edges = [Edge("x", "0", first), Edge("h", "0", first)]
        edges += [Edge(str(source), str(index), activation) for index, (activation, source) in enumerate(nodes, 1)]
        edges += [Edge(str(index), "output") for index in self.averaged(nodes)]
        return (Graph("recurrent", (*inputs, *states, Vertex("output", "h_t", "output")), tuple(edges)),)

    def _tree_of(self, nodes: NodeInputs) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for index, (activation, source) in enumerate(nodes, 1):
            found[f"node_{index}"] = {"input": source, "activation": activation}
        return found

    def _read_nodes(self, value: object) -> NodeInputs:
        items = read_sequence(value, "recurrent", "a list of nodes (activation, input)")
        if len(items) != self.nodes:
            raise ArchitectureError(
                "recurrent",
                f"{len(items)} nodes, where this space has {self.nodes}; "
                "another number is a setting: get('recurrent', nodes=..), or get('enas_recurrent') for ENAS",
            )
        return [_node(item, index) for index, item in enumerate(items, 1)]


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form: the tree of the nodes, without their order.

    Args:
        architecture: a member of the space.

    Returns:
        A text: the sorted branches below state 0.
    """
    return f"state{sorted_branches(decided_nodes(architecture._tree))}"


def sorted_branches(nodes: NodeInputs) -> str:
    """Write the tree of the nodes below state 0, its branches sorted.

    Args:
        nodes: activation and input of node 1, node 2, ..

    Returns:
        The text, equal for nodes that differ only in their order.
    """
    hanging: list[list[str]] = [[] for _ in range(len(nodes) + 1)]
    for index in range(len(nodes), 0, -1):
        activation, source = nodes[index - 1]
        hanging[source].append(f"{activation}({','.join(sorted(hanging[index]))})")
    return f"({','.join(sorted(hanging[0]))})"


def node_choices(count: int, activations: Sequence[str]) -> dict[str, Any]:
    """Declare the decisions of nodes 1 to `count`.

    Args:
        count: the number of nodes.
        activations: the activations of a node.

    Returns:
        The declared tree of each node by name, `node_1`, `node_2`, ..
    """
    found: dict[str, Any] = {}
    for index in range(1, count + 1):
        found[f"node_{index}"] = {"input": choice(*range(index)), "activation": choice(*activations)}
    return found


def check_activations(activations: Sequence[str]) -> tuple[str, ...]:
    """Check the setting `activations`.

    Args:
        activations: the names.

    Returns:
        The names in their order.

    Raises:
        SpaceError: there is no name, a name is not in `ACTIVATIONS`, or one is given twice.
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
    """Make the space of the paper, or one of another size or with other activations.

    Args:
        nodes: the number of nodes, 1 to 20.
        activations: some of `ACTIVATIONS`.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_count("nodes", nodes)
    tree = node_choices(nodes, check_activations(activations))
    return RecurrentSpace(tree, name="recurrent", canonical=canonical)


def decided_nodes(tree: Any) -> NodeInputs:
    """Read the nodes of a decided tree.

    Args:
        tree: the tree of a member.

    Returns:
        Activation and input of node 1, node 2, ..
    """
    return [(node["activation"], node["input"]) for name, node in tree.items() if name != "node_0"]


def _fields(genotype: object) -> dict[str, Any]:
    """The two fields; `ArchitectureError` if one is missing, or there is another one."""
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
    pair = read_sequence(item, place, "(activation, input)")
    if len(pair) != 2 or not isinstance(pair[0], str):
        raise ArchitectureError(place, f"{item!r:.60} is not a node; write (activation, input)")
    activation, source = pair[0], read_whole(pair[1], place)
    if activation == "none":
        raise ArchitectureError(place, f"'none' is a candidate of supernets only; allowed: {', '.join(ACTIVATIONS)}")
    if activation not in ACTIVATIONS:
        close = did_you_mean(activation, ACTIVATIONS)
        raise ArchitectureError(
            place, f"{activation!r:.60} is not an activation{close}; allowed: {', '.join(ACTIVATIONS)}"
        )
    if not 0 <= source < index:
        earlier = ", ".join(map(str, range(index)))
        raise ArchitectureError(place, f"node {index} cannot take {source} as input; allowed: {earlier}")
    return activation, source
