"""The canonical form of cells: isomorphic cells have one form, and so one id.

Two cells are isomorphic if a renumbering of their nodes, and an exchange of the two edges of nodes, turns one into
the other. Nothing else is merged: two equal nodes, each taken once, differ from one node that is taken twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, permutations, product

from search_spaces.catalogue.genotype import INPUTS, CellEdges

__all__ = ["isomorphic_form"]


def isomorphic_form(cell: CellEdges) -> str:
    """Write a cell as a text that isomorphic cells share.

    The expression that a node computes is longer than those of its inputs, so sorting by the expressions gives an order
    that does not depend on the numbering. Only nodes with equal expressions are tried in every order, and of those only
    the nodes that others take: the loose ends are sorted.

    Args:
        cell: its nodes.

    Returns:
        The text, equal for two cells exactly if a renumbering of their nodes makes them equal.
    """
    texts = [str(index) for index in range(INPUTS)]
    used: set[int] = set()
    for node in cell:
        terms = sorted([f"{operation}({texts[source]})" for operation, source in node])
        texts.append("+".join(terms))
        used.update([source for _, source in node])
    inner = sorted([(len(texts[i]), texts[i], i) for i in used if i >= INPUTS])
    ends = [cell[i - INPUTS] for i in range(INPUTS, len(texts)) if i not in used]
    return min(_numbered(cell, order, ends) for order in _orders(inner))


def _orders(inner: list[tuple[int, str, int]]) -> Iterator[Sequence[int]]:
    """Every order of the nodes in which only nodes of equal texts change places."""
    tied = [[index for _, _, index in group] for _, group in groupby(inner, key=lambda item: item[1])]
    if len(tied) == len(inner):
        yield [index for _, _, index in inner]
        return
    for parts in product(*map(permutations, tied)):
        yield [index for part in parts for index in part]


def _numbered(cell: CellEdges, order: Sequence[int], ends: CellEdges) -> str:
    """The text of the nodes in this order and then of the loose ends, each with its edges sorted."""
    number = {old: new for new, old in enumerate([*range(INPUTS), *order])}

    def written(node: list[tuple[str, int]]) -> str:
        return "+".join(sorted([f"{number[source]}~{operation}" for operation, source in node]))

    return "|".join([written(cell[index - INPUTS]) for index in order] + sorted(map(written, ends)))
