"""The networks of NAS-Bench-101 (Ying et al. 2019, arXiv 1902.09635).

A 3x3 stem of 128 channels, three stacks of three equal cells, between two stacks a max pooling that halves the
image and twice the channels, then global average and a linear layer. Every convolution is followed by batch
normalisation and ReLU.

In a cell an inner vertex adds what its edges bring and applies its operation; the output stacks the channels
of its inner vertices. The channels of the output are divided among those vertices, what remains going to the
first of them one each; any other vertex has as many as the widest that it feeds, and edges between inner
vertices drop surplus channels. The cell's input is brought to the width of a vertex by a 1x1 convolution; its
edge to the output is added to the stack.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.catalogue.nb101 import NB101Space, live_cell
from search_spaces.catalogue.nb101_cells import Cell as Graph
from search_spaces.catalogue.nb101_cells import sources
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import GlobalAverage, Size, conv_bn, kaiming, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "Cell", "NB101Network", "build_nb101", "vertex_channels"]

KERNELS = {"conv3x3-bn-relu": 3, "conv1x1-bn-relu": 1}


def build_nb101(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    channels: int = 128,
    stacks: int = 3,
    cells: int = 3,
) -> nn.Module:
    """The network of one cell; `channels` are those of the stem, `cells` are in each of the `stacks`."""
    del image_size  # every size works: nothing shrinks below one pixel
    for name, value in (("channels", channels), ("stacks", stacks), ("cells", cells)):
        check_number(name, value, 1, whole=True)
    graph = _checked(tree_of(architecture))
    feeding = len(_inner(graph.into[-1]))
    if channels < feeding:
        raise TrainableError(f"channels is {channels}; the output of this cell divides them among {feeding} vertices")
    return NB101Network(graph, num_classes, in_channels, channels, stacks, cells)


def _checked(tree: dict[str, Any]) -> Graph:
    """The cell that computes; whatever the limits of its space, its form must be that of `nb101`."""
    operations = tree.get("operations")
    if not isinstance(operations, list) or not operations:
        raise ArchitectureError("operations", f"{operations!r} is not a list of at least one operation")
    return live_cell(_space_of(len(operations) + 2).validate(tree).tree)


@cache
def _space_of(vertices: int) -> NB101Space:
    return NB101Space(vertices, max_edges=vertices**2)


def vertex_channels(graph: Graph, inputs: int, outputs: int) -> list[int]:
    """The channels of every vertex of a pruned cell, from those of its input and its output."""
    last = len(graph.into) - 1
    feeding = _inner(graph.into[last])
    channels = [0] * last + [outputs]
    for place, vertex in enumerate(feeding):
        channels[vertex] = outputs // len(feeding) + (place < outputs % len(feeding))
    for vertex in range(last - 1, 0, -1):
        if vertex not in feeding:
            fed = [target for target in range(vertex + 1, last) if graph.into[target] >> vertex & 1]
            channels[vertex] = max(channels[target] for target in fed)
    channels[0] = inputs
    return channels


def _inner(mask: int) -> list[int]:
    """The vertices of a mask without the input."""
    return sources(mask & ~1)


@layer
def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(*conv_bn(inputs, outputs, kernel), nn.ReLU())


@layer
def _operation(name: str, channels: int) -> nn.Module:
    if name in KERNELS:
        return _convolution(channels, channels, KERNELS[name])
    return nn.MaxPool2d(3, 1, 1)


class Cell(nn.Module):
    """(n, inputs, h, w) to (n, outputs, h, w) through a pruned cell."""

    def __init__(self, graph: Graph, inputs: int, outputs: int) -> None:
        super().__init__()
        self.channels = vertex_channels(graph, inputs, outputs)
        self.inner = [_inner(mask) for mask in graph.into]
        self.projections = nn.ModuleDict(
            {str(v): _convolution(inputs, self.channels[v], 1) for v, mask in enumerate(graph.into) if mask & 1}
        )
        self.operations = nn.ModuleList(
            _operation(name, self.channels[v]) for v, name in enumerate(graph.operations, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for vertex, operation in enumerate(self.operations, 1):
            terms = [values[source][:, : self.channels[vertex]] for source in self.inner[vertex]]
            values.append(operation(self._added(terms, x, vertex)))
        last = len(values)
        stack = [torch.cat([values[source] for source in self.inner[last]], 1)] if self.inner[last] else []
        return self._added(stack, x, last)

    def _added(self, terms: list[Tensor], x: Tensor, vertex: int) -> Tensor:
        """The sum of `terms` and of the cell's input, projected, where it has an edge to `vertex`."""
        if str(vertex) in self.projections:
            terms = [*terms, self.projections[str(vertex)](x)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


@layer
def _cell(graph: Graph, inputs: int, outputs: int) -> nn.Module:
    return Cell(graph, inputs, outputs)


class NB101Network(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits."""

    def __init__(
        self, graph: Graph, num_classes: int, in_channels: int, channels: int, stacks: int, cells: int
    ) -> None:
        super().__init__()
        self.stem = _convolution(in_channels, channels, 3)
        layers: list[nn.Module] = []
        width = channels
        for stack in range(stacks):
            if stack:
                layers.append(nn.MaxPool2d(2, 2, ceil_mode=True))
            for _ in range(cells):
                outputs = channels * 2**stack
                layers.append(_cell(graph, width, outputs))
                width = outputs
        self.stacks = nn.Sequential(*layers)
        self.last = GlobalAverage()
        self.classifier = nn.Linear(width, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.last(self.stacks(self.stem(x))))
        return logits


FAMILY = Family(build_nb101, images, undecided=False)
