"""`enas_recurrent`: the recurrent cell of ENAS (Pham et al. 2018, arXiv 1802.03268).

There are twelve nodes. Node 0 reads the word and the output of the step before, and decides its activation; each later
node takes one earlier node, by a highway as in `recurrent`. The output is the mean of the loose ends, the nodes that no
other node takes:

    {"node_0": {"activation": "tanh"}, "node_1": {"input": 0, "activation": "tanh"}, .., "node_11": {..}}

There are 4^12 * 11! members, the 10^15 of the paper. Cells that differ only in the order of their nodes share an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import check_count
from search_spaces.catalogue.recurrent import (
    ACTIVATIONS,
    Nodes,
    RecurrentSpace,
    branches,
    check_activations,
    decided_nodes,
    node_choices,
)
from search_spaces.errors import ArchitectureError
from search_spaces.parameters import choice

__all__ = ["CODES", "EnasRecurrentSpace", "canonical", "space"]

CODES = ("tanh", "relu", "identity", "sigmoid")
"""The activations by their numbers in the sequences of ENAS."""


class EnasRecurrentSpace(RecurrentSpace):
    """The cells of ENAS. They are written as DARTS genotypes, where node 0 is tanh, and as the numbers of ENAS."""

    def averaged(self, nodes: Nodes) -> list[int]:
        """Choose the states whose mean is the output of the cell: here the loose ends.

        Args:
            nodes: of the cell.

        Returns:
            Their numbers, ascending.
        """
        taken = {source for _, source in nodes}
        return [index for index in range(len(nodes) + 1) if index not in taken]

    def to_genotype(self, architecture: object) -> str:
        """Write a genotype as DARTS does.

        Args:
            architecture: a member.

        Returns:
            The text.

        Raises:
            ArchitectureError: node 0 is not tanh, which a genotype cannot express.
        """
        tree: Any = self.validate(architecture)._tree
        first = tree["node_0"]["activation"]
        if first != "tanh":
            raise ArchitectureError(
                "node_0.activation", f"{first!r}: in a genotype node 0 is always tanh; write it by to_sequence"
            )
        nodes = self.nodes_of(architecture)
        return f"Genotype(recurrent={nodes!r}, concat={self.averaged(nodes)!r})"

    def from_sequence(self, sequence: str | Sequence[int]) -> Architecture:
        """Read the numbers of ENAS, `0 0 0 1 1 ..`: the activation of node 0, then input and activation of each node.

        Args:
            sequence: the numbers, as text or as a list.

        Returns:
            The member.

        Raises:
            ArchitectureError: their count is wrong, or a number is out of its range.
        """
        if not isinstance(sequence, str | list | tuple):
            kind = type(sequence).__name__
            said = f"{sequence!r:.60} is a {kind}; give the numbers of a cell, as text or as a list"
            raise ArchitectureError("", said)
        numbers = sequence.replace(",", " ").split() if isinstance(sequence, str) else list(map(str, sequence))
        expected = 2 * self.nodes + 1
        if len(numbers) != expected:
            raise ArchitectureError("", f"{len(numbers)} numbers; a cell of {self.nodes + 1} nodes is {expected}")
        tree: dict[str, Any] = {"node_0": {"activation": CODES[_number(numbers, 0, len(CODES))]}}
        for index in range(1, self.nodes + 1):
            source, code = _number(numbers, 2 * index - 1, index), _number(numbers, 2 * index, len(CODES))
            tree[f"node_{index}"] = {"input": source, "activation": CODES[code]}
        return self.validate(tree)

    def to_sequence(self, architecture: object) -> str:
        """Write the numbers of ENAS.

        Args:
            architecture: a member.

        Returns:
            The numbers, separated by spaces.
        """
        tree: Any = self.validate(architecture)._tree
        numbers = [CODES.index(tree["node_0"]["activation"])]
        for activation, source in self.nodes_of(architecture):
            numbers += [source, CODES.index(activation)]
        return " ".join(map(str, numbers))

    def _tree_of(self, nodes: Nodes) -> dict[str, Any]:
        return {"node_0": {"activation": "tanh"}, **super()._tree_of(nodes)}


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form.

    Args:
        architecture: a member.

    Returns:
        The tree of the nodes as text, its branches sorted.
    """
    tree: Any = architecture._tree
    return f"{tree['node_0']['activation']}{branches(decided_nodes(tree))}"


def space(nodes: int = 12, activations: Sequence[str] = ACTIVATIONS) -> EnasRecurrentSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        nodes: their number, node 0 included.
        activations: all of `ACTIVATIONS`, or some of them.

    Returns:
        The space.

    Raises:
        SpaceError: a setting is not valid.
    """
    check_count("nodes", nodes)
    known = check_activations(activations)
    tree = {"node_0": {"activation": choice(*known)}, **node_choices(nodes - 1, known)}
    return EnasRecurrentSpace(tree, name="enas_recurrent", canonical=canonical)


def _number(numbers: Sequence[str], place: int, below: int) -> int:
    """The number at a place; raises if it is not less than `below`."""
    text = numbers[place]
    if not text.isdecimal() or int(text) >= below:
        what = "activation" if place % 2 == 0 else "input"
        raise ArchitectureError("", f"{text!r:.20}, number {place} of the sequence, is no {what}: 0 to {below - 1}")
    return int(text)
