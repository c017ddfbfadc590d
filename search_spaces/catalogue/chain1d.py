"""`chain1d`: convolutions in one dimension for waveforms and time series, and what summarises them.

Each layer has a kernel, a stride, a width and an operation: a plain convolution, or a depthwise one followed by one of
kernel 1 (as in Conv-TasNet, Luo and Mesgarani 2019, 1809.07454). The summary of the steps that are left is their mean
(as in the M5 network for waveforms, Dai et al. 2017, 1610.00087) or the last state of a recurrent layer, a GRU.

    {"layers": [{"operation": "conv", "kernel": 9, "stride": 4, "width": 32}, ..], "summary": "mean"}

Every combination is a member, and no two members compute the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from search_spaces.catalogue.settings import check_kernels, check_names, check_numbers, check_operations, check_range
from search_spaces.graphs.graph import Edge, Graph, Vertex
from search_spaces.parameters import choice, repeat
from search_spaces.space import Space

__all__ = ["DEPTHS", "KERNELS", "OPERATIONS", "STRIDES", "SUMMARIES", "WIDTHS", "Chain1dSpace", "space"]

KERNELS = (3, 5, 9, 15, 31)
STRIDES = (1, 2, 3, 4)
WIDTHS = (16, 24, 32, 48, 64, 96, 128)
OPERATIONS = ("conv", "depthwise")
SUMMARIES = ("mean", "gru")
DEPTHS = (1, 8)


class Chain1dSpace(Space):
    """The space of chains in one dimension."""

    def graphs(self, architecture: object) -> tuple[Graph, ...]:
        """Draw the layers from the input on, and the summary."""
        tree: Any = self.validate(architecture)._tree
        vertices = [Vertex("input", "input", "input")]
        for index, layer in enumerate(tree["layers"]):
            stride = f" /{layer['stride']}" if layer["stride"] > 1 else ""
            label = f"{layer['operation']}_{layer['kernel']} {layer['width']}{stride}"
            vertices.append(Vertex(f"layers.{index}", label, "operation"))
        vertices += [Vertex("summary", tree["summary"], "operation"), Vertex("output", "output", "output")]
        edges = tuple(Edge(a.name, b.name) for a, b in pairwise(vertices))
        return (Graph("chain1d", tuple(vertices), edges),)


def space(
    *,
    kernels: Sequence[int] = KERNELS,
    strides: Sequence[int] = STRIDES,
    widths: Sequence[int] = WIDTHS,
    operations: Sequence[str] = OPERATIONS,
    summaries: Sequence[str] = SUMMARIES,
    depths: tuple[int, int] = DEPTHS,
) -> Chain1dSpace:
    """Make the space, or one of the same shape with other options.

    Args:
        kernels: the sizes of the kernels, which are odd.
        strides: the strides.
        widths: the widths of a layer.
        operations: some of `OPERATIONS`.
        summaries: some of `SUMMARIES`.
        depths: the least and the greatest number of layers.

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    check_kernels(kernels, KERNELS)
    check_numbers("strides", strides, STRIDES, whole=True)
    check_numbers("widths", widths, WIDTHS, whole=True)
    check_range("depths", depths, DEPTHS)
    check_names("summaries", summaries, SUMMARIES)
    layer = {
        "operation": choice(*check_operations(operations, OPERATIONS)),
        "kernel": choice(*kernels),
        "stride": choice(*strides),
        "width": choice(*widths),
    }
    return Chain1dSpace({"layers": repeat(layer, *depths), "summary": choice(*summaries)}, name="chain1d")
