"""`enas_recurrent`: the recurrent cell of ENAS (Pham et al. 2018, arXiv 1802.03268).

The cell has twelve nodes. Node 0 reads the word and the output of the step before; its activation is a decision. Each
later node takes one earlier node, by a highway connection as in `recurrent`. The output is the mean of the loose ends,
the nodes that no other node takes:

    {"node_0": {"activation": "tanh"}, "node_1": {"input": 0, "activation": "tanh"}, .., "node_11": {..}}

The space has 4^12 * 11! members, the 10^15 of the paper. Cells that differ only in the order of their nodes share an
id.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import check_count
from search_spaces.catalogue.recurrent import (
    ACTIVATIONS,
    NodeInputs,
    RecurrentSpace,
    check_activations,
    decided_nodes,
    node_choices,
    sorted_branches,
)
from search_spaces.errors import ArchitectureError
from search_spaces.parameters import choice

__all__ = ["CODES", "EnasRecurrentSpace", "canonical", "space"]

CODES = ("tanh", "relu", "identity", "sigmoid")
"""The activations by their numbers in the sequences of ENAS."""


class EnasRecurrentSpace(RecurrentSpace):
    """The recurrent cells of ENAS, with the genotypes of DARTS and with the number sequences of ENAS.

    In a genotype node 0 is always tanh.
    """

    def averaged(self, nodes: NodeInputs) -> list[int]:
        taken = {source for _, source in nodes}
        return [index for index in range(len(nodes) + 1) if index not in taken]

    def to_genotype(self, architecture: object) -> str:
        """Write a member as DARTS writes the cells of ENAS.

        Args:
            architecture: a member, or its tree.

        Returns:
            The genotype, one line of text.

        Raises:
            ArchitectureError: it is not a member, or node 0 is not tanh; `to_sequence` writes such a member.
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
        """Read the member of the numbers of ENAS, `0 0 0 1 1 ..`.

        Args:
            sequence: the activation of node 0, then input and activation of each later node: a list, or a text with
                white
                space or commas between. `CODES` has the numbers of the activations.

        Returns:
            The member.

        Raises:
            ArchitectureError: it is neither, has another number of numbers, or a number is out of its range.
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
        """Write a member as the numbers of ENAS; the inverse of `from_sequence`.

        Args:
            architecture: a member, or its tree.

        Returns:
            The numbers, with spaces between.

        Raises:
            ArchitectureError: it is not a member.
        """
        tree: Any = self.validate(architecture)._tree
        numbers = [CODES.index(tree["node_0"]["activation"])]
        for activation, source in self.nodes_of(architecture):
            numbers += [source, CODES.index(activation)]
        return " ".join(map(str, numbers))

    def _tree_of(self, nodes: NodeInputs) -> dict[str, Any]:
        return {"node_0": {"activation": "tanh"}, **super()._tree_of(nodes)}


def canonical(architecture: Architecture) -> str:
    """Compute the canonical form: the tree of the nodes, without their order.

    Args:
        architecture: a member of the space.

    Returns:
        A text: the activation of node 0 and the sorted sorted_branches below it.
    """
    tree: Any = architecture._tree
    return f"{tree['node_0']['activation']}{sorted_branches(decided_nodes(tree))}"


def space(nodes: int = 12, activations: Sequence[str] = ACTIVATIONS) -> EnasRecurrentSpace:
    """Make the space of the paper, or one of another size or with other activations.

    Args:
        nodes: the number of nodes with node 0, 1 to 20.
        activations: some of `recurrent.ACTIVATIONS`.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_count("nodes", nodes)
    known = check_activations(activations)
    tree = {"node_0": {"activation": choice(*known)}, **node_choices(nodes - 1, known)}
    return EnasRecurrentSpace(tree, name="enas_recurrent", canonical=canonical)


def _number(numbers: Sequence[str], place: int, below: int) -> int:
    """The number at a place, which is less than `below`."""
    text = numbers[place]
    if not text.isdecimal() or int(text) >= below:
        what = "activation" if place % 2 == 0 else "input"
        raise ArchitectureError("", f"{text!r:.20}, number {place} of the sequence, is not an {what}: 0 to {below - 1}")
    return int(text)
