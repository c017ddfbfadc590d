"""The networks of NAS-Bench-101 (Ying et al. 2019, arXiv 1902.09635).

A network is a 3x3 stem of 128 channels, three stacks of three equal cells, global average and a linear layer. Between
two stacks a max pooling halves the image, and the channels double. Batch normalisation and ReLU follow every
convolution.

In a cell an inner vertex adds the values of its edges and applies its operation. The output concatenates the inner
vertices that feed it; its channels are divided among these vertices, and the remainder goes to the first ones, one
channel each. Any other vertex has as many channels as the widest vertex that it feeds, and an edge between inner
vertices drops surplus channels. The input of the cell reaches a vertex through a 1x1 convolution; on its edge to the
output it is added to the concatenation.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.catalogue.nb101 import NB101Space, live_cell
from search_spaces.catalogue.nb101_cells import CellGraph as Graph
from search_spaces.catalogue.nb101_cells import predecessors
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import GlobalAverage, Size, conv_bn, kaiming, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "NB101Network", "Nb101Cell", "build_nb101", "vertex_channels"]

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
    """Build the network of one cell.

    Args:
        architecture: a member of `nb101` with any number of vertices, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: not used; images of every size work.
        channels: channels of the stem and of the first stack; every further stack doubles them.
        stacks: number of stacks.
        cells: number of cells in each stack.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value, or the cell needs more channels.
        ArchitectureError: the cell breaks the form; the message gives the path.
    """
    del image_size  # every size works: nothing shrinks below one pixel
    for name, value in (("channels", channels), ("stacks", stacks), ("cells", cells)):
        check_number(name, value, 1, whole=True)
    graph = _checked(tree_of(architecture))
    feeding = len(_inner(graph.into[-1]))
    if channels < feeding:
        raise TrainableError(f"channels is {channels}; the output of this cell divides them among {feeding} vertices")
    return NB101Network(graph, num_classes, in_channels, channels, stacks, cells)


def _checked(tree: dict[str, Any]) -> Graph:
    """Check the form of a cell of any size, and prune it to the part that reaches the output."""
    operations = tree.get("operations")
    if not isinstance(operations, list) or not operations:
        raise ArchitectureError("operations", f"{operations!r} is not a list of at least one operation")
    return live_cell(_space_of(len(operations) + 2).validate(tree).tree)


@cache
def _space_of(vertices: int) -> NB101Space:
    return NB101Space(vertices, max_edges=vertices**2)


def vertex_channels(graph: Graph, inputs: int, outputs: int) -> list[int]:
    """Compute the channels of every vertex of a pruned cell.

    Args:
        graph: the cell.
        inputs: channels of its input.
        outputs: channels of its output.

    Returns:
        The channels by vertex, from the input to the output.
    """
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
    """List the vertices of a mask without the input."""
    return predecessors(mask & ~1)


@layer
def _convolution(inputs: int, outputs: int, kernel: int) -> nn.Module:
    return nn.Sequential(*conv_bn(inputs, outputs, kernel), nn.ReLU())


@layer
def _operation(name: str, channels: int) -> nn.Module:
    if name in KERNELS:
        return _convolution(channels, channels, KERNELS[name])
    return nn.MaxPool2d(3, 1, 1)


class Nb101Cell(nn.Module):
    """(n, inputs, h, w) to (n, outputs, h, w) through a pruned cell.

    Args:
        graph: a pruned cell.
        inputs: channels of the input.
        outputs: channels of the output.
    """

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
        """Add `terms`, and the projected input of the cell where it has an edge to `vertex`."""
        if str(vertex) in self.projections:
            terms = [*terms, self.projections[str(vertex)](x)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


_cell = layer(Nb101Cell)


class NB101Network(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        graph: a pruned cell.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the stem and of the first stack.
        stacks: number of stacks.
        cells: number of cells in each stack.
    """

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
