"""`vgg`: blocks of convolutions with pooling between them (Simonyan and Zisserman 2014, 1409.1556).

Each block has one or two convolutions, plain or depthwise-separable, a kernel, and a width that grows from that of the
block before by a factor. Pooling halves the image behind every block but the last. A block may add its input to its
output. A mean or a maximum over the image summarises what is left:

    {"blocks": [{"operation": "conv", "convolutions": 1, "kernel": 3, "grow": 2, "skip": false, "pool": "max"}, ..],
     "summary": "mean"}

The pooling of the last block decides nothing: members that differ in nothing else share an id.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.catalogue.settings import check_kernels, check_numbers, check_operations, check_range
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["DEPTHS", "GROWTHS", "KERNELS", "OPERATIONS", "POOLS", "SUMMARIES", "VggSpace", "canonical", "space"]

OPERATIONS = ("conv", "separable")
KERNELS = (3, 5)
GROWTHS = (1, 1.5, 2)
POOLS = ("max", "avg")
SUMMARIES = ("mean", "max")
DEPTHS = (3, 5)


def canonical(architecture: Architecture) -> Json:
    """Compute the canonical form: without the pooling of the last block.

    Args:
        architecture: a member of the space.

    Returns:
        The blocks and the summary.
    """
    tree: Any = architecture._tree
    *before, last = tree["blocks"]
    return {**tree, "blocks": [*before, {name: value for name, value in last.items() if name != "pool"}]}


class VggSpace(Space):
    """The space of blocks with pooling between them."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the blocks and the pooling from the input on, and the summary."""
        tree: Any = self.validate(architecture)._tree
        vertices = [Vertex("input", "input", "input")]
        for index, block in enumerate(tree["blocks"]):
            if index:
                pool = tree["blocks"][index - 1]["pool"]
                vertices.append(Vertex(f"pools.{index - 1}", f"{pool}_pool /2", "operation"))
            added = " + input" if block["skip"] else ""
            label = f"{block['convolutions']} {block['operation']}_{block['kernel']} x{block['grow']}{added}"
            vertices.append(Vertex(f"blocks.{index}", label, "operation"))
        vertices += [Vertex("summary", tree["summary"], "operation"), Vertex("output", "output", "output")]
        edges = tuple(Edge(a.name, b.name) for a, b in pairwise(vertices))
        return (Graph("vgg", tuple(vertices), edges),)


def space(
    *,
    operations: Sequence[str] = OPERATIONS,
    kernels: Sequence[int] = KERNELS,
    growths: Sequence[float] = GROWTHS,
    pools: Sequence[str] = POOLS,
    depths: tuple[int, int] = DEPTHS,
) -> VggSpace:
    """Make the space, or one of the same shape with other options.

    Args:
        operations: some of `OPERATIONS`.
        kernels: the sizes of the kernels, which are odd.
        growths: the factors by which a block is wider than its predecessor.
        pools: some of `POOLS`.
        depths: the least and the greatest number of blocks.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_kernels(kernels, KERNELS)
    check_numbers("growths", growths, GROWTHS)
    check_range("depths", depths, DEPTHS)
    block = {
        "operation": choice(*check_operations(operations, OPERATIONS)),
        "convolutions": choice(1, 2),
        "kernel": choice(*kernels),
        "grow": choice(*growths),
        "skip": choice(False, True),
        "pool": choice(*check_operations(pools, POOLS, "pools")),
    }
    tree = {"blocks": repeat(block, *depths), "summary": choice(*SUMMARIES)}
    return VggSpace(tree, name="vgg", canonical=canonical)
