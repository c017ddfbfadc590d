"""Networks of the `dints` space: nodes of several resolutions, joined from layer to layer (see the space).

The stem gives all levels, each from the finer one by average pooling and a convolution. An edge brings its input to the
resolution of its node, by average pooling or by repeating voxels, and then applies its operation. The last layer is
added up from the coarsest to the finest level. Without an architecture the network is undecided: every node is an
`InputChoice` over `LayerChoice`s, so that methods that search in a supernet find the topology and the operations
together. A stem of stride 2 halves the sides, as that of the paper does; the last layer then doubles them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.catalogue import dints
from search_spaces.catalogue.dints import OPERATIONS, edges_of, read_levels, used_nodes
from search_spaces.errors import ArchitectureError
from search_spaces.nn import InputChoice, LayerChoice, SelectInputs
from trainables.errors import TrainableError
from trainables.networks.base import kaiming, tree_of
from trainables.networks.dimensions import convolution, padded_to, upsampled
from trainables.networks.examples import scans
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.networks.unet import SLOPE, check_sides, operation
from trainables.settings import check_flag, check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "DintsNetwork", "build_dints"]

_STRIDES = (1, 2)


def build_dints(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    image_size: int | Sequence[int] = (32, 32, 32),
    channels: int = 32,
    stem_stride: int = 2,
    affine: bool | None = None,
    operations: Sequence[str] = OPERATIONS,
    choices: Mapping[str, Any] | None = None,
) -> nn.Module:
    """Build the network of one member, or the undecided one.

    Args:
        architecture: a member of `dints` of any size, or its tree. None builds the undecided network.
        num_classes: number of classes.
        in_channels: channels of the volumes.
        image_size: their sides; every size works.
        channels: width of the finest level; each further level doubles it.
        stem_stride: 1, or 2 to halve the sides before the first layer.
        affine: whether normalisations have learnt parameters. None means True for a decided network and False for an
            undecided one.
        operations: candidates on the edges of an undecided network.
        choices: other settings of the space of an undecided network, such as `{"layers": 4, "levels": 3}`.

    Returns:
        Volumes (n, in_channels, d, h, w) to logits (n, num_classes, ...) of the same size.

    Raises:
        TrainableError: a setting has a wrong value, or the inputs have another number of dimensions.
        ArchitectureError: a node breaks the form; the message gives the path.
    """
    check_sides(image_size, 3)
    check_number("channels", channels, 1, whole=True)
    learns = architecture is not None if affine is None else affine
    check_flag("affine", learns)
    if stem_stride not in _STRIDES or isinstance(stem_stride, bool):
        raise TrainableError(f"stem_stride is {stem_stride!r}; give 1 or 2")
    if architecture is None:
        space = dints.space(operations=operations, **dict(choices or {}))
        sizes = space.layers, space.levels
        made = _undecided(*sizes, space.operations, channels, learns)
    else:
        if choices is not None:
            raise TrainableError(
                "choices are for an undecided network; a member has made its decisions: leave them out"
            )
        tree = _checked(tree_of(architecture))
        sizes = len(tree), len(next(iter(tree.values())))
        made = _decided(tree, channels, learns)
    return DintsNetwork(
        made,
        *sizes,
        num_classes=num_classes,
        in_channels=in_channels,
        channels=channels,
        stride=stem_stride,
        affine=learns,
    )


Nodes = dict[tuple[int, int], nn.Module]
"""What adds the edges of a node, by layer and level."""


def _checked(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Check the form of a tree of any size."""
    layers = [f"layer_{number}" for number in range(1, len(tree) + 1)]
    if not layers or list(tree) != layers:
        raise ArchitectureError("", f"{', '.join(tree) or 'nothing'}: the keys are layer_1, layer_2, .. in order")
    count = len(tree["layer_1"]) if isinstance(tree["layer_1"], dict) else 0
    for name, nodes in tree.items():
        wanted = [f"level_{level}" for level in range(count)]
        if not isinstance(nodes, dict) or list(nodes) != wanted or count < _LEAST_LEVELS:
            raise ArchitectureError(name, f"{nodes!r} is not a dict of level_0, level_1, .., as many in every layer")
        for level, (node, taken) in enumerate(nodes.items()):
            _check_node(taken, f"{name}.{node}", len(read_levels(level, count)))
    return tree


_LEAST_LEVELS = 2


def _check_node(taken: Any, path: str, count: int) -> None:
    inputs = [f"input_{place}" for place in range(count)]
    edges = taken if isinstance(taken, list) and all(isinstance(e, dict) and len(e) == 1 for e in taken) else []
    names = [name for edge in edges for name in edge]
    if not names or len({*names}) < len(names) or not {*names} <= {*inputs}:
        raise ArchitectureError(path, f"{taken!r} is not a list of edges such as {{'input_0': 'conv_3x3x3'}}")
    for edge in edges:
        for name, operation_name in edge.items():
            if operation_name not in OPERATIONS:
                raise ArchitectureError(f"{path}.{name}", f"{operation_name!r} is not one of {', '.join(OPERATIONS)}")


def _decided(tree: Mapping[str, Any], channels: int, affine: bool) -> Nodes:
    """The nodes that lead to the output."""
    levels = len(next(iter(tree.values())))
    used, made = used_nodes(tree), Nodes()
    for number, nodes in enumerate(tree.values(), 1):
        for level, taken in enumerate(nodes.values()):
            if (number, level) not in used:
                continue
            sources = read_levels(level, levels)
            edges = sorted(edges_of(taken, level, levels))
            layers = [_edge(name, channels << source, channels << level, affine) for source, name in edges]
            indices = [sources.index(source) for source, _ in edges]
            made[number, level] = SelectInputs(len(sources), indices, "sum", layers)
    return made


def _undecided(layers: int, levels: int, names: Sequence[str], channels: int, affine: bool) -> Nodes:
    made = Nodes()
    for number in range(1, layers + 1):
        for level in range(levels):
            sources = read_levels(level, levels)
            edges = []
            for source in sources:
                candidates = {name: _edge(name, channels << source, channels << level, affine) for name in names}
                edges.append(LayerChoice(candidates))
            label = f"layer_{number}.level_{level}"
            made[number, level] = InputChoice(len(sources), (1, len(sources)), "sum", layers=edges, label=label)
    return made


@layer
def _edge(name: str, inputs: int, outputs: int, affine: bool) -> nn.Module:
    """An operation after the change of the resolution; where the width changes, a skip is a convolution of side 1."""
    if name != "skip_connect":
        return _block(operation(name, 3, inputs, outputs), outputs, affine)
    return nn.Identity() if inputs == outputs else _block(convolution(3, inputs, outputs, 1), outputs, affine)


def _block(made: nn.Module, width: int, affine: bool) -> nn.Module:
    return nn.Sequential(nn.LeakyReLU(SLOPE), made, nn.InstanceNorm3d(width, affine=affine))


class DintsNetwork(nn.Module):
    """Volumes (n, in_channels, d, h, w) to logits (n, num_classes, ...) of the same size.

    Args:
        nodes: what adds the edges of a node, by layer and level; nodes that nothing reads may be left out.
        layers: the number of layers.
        levels: the number of resolutions.
        num_classes: number of classes.
        in_channels: channels of the volumes.
        channels: width of the finest level.
        stride: of the stem.
        affine: whether normalisations have learnt parameters.
    """

    def __init__(
        self,
        nodes: Nodes,
        layers: int,
        levels: int,
        *,
        num_classes: int,
        in_channels: int,
        channels: int,
        stride: int,
        affine: bool,
    ) -> None:
        super().__init__()
        self.layers, self.levels = layers, levels
        self.multiple = stride * 2 ** (levels - 1)
        widths = [channels << level for level in range(levels)]
        first = _read_first(nodes, levels)
        self.stem = nn.Sequential(
            operation("stem", 3, in_channels, channels, stride), nn.InstanceNorm3d(channels, affine=affine)
        )
        self.starts = nn.ModuleList(
            _block(convolution(3, widths[level - 1], widths[level], 1), widths[level], affine)
            for level in range(1, max(first) + 1)
        )
        self.nodes = nn.ModuleDict({f"layer_{number}_level_{level}": node for (number, level), node in nodes.items()})
        self.ends = nn.ModuleList(
            _block(convolution(3, widths[level], widths[level - 1], 1), widths[level - 1], affine)
            for level in range(1, levels)
        )
        if stride > 1:
            last = upsampled(3, channels, num_classes, stride, bias=True)
        else:
            last = nn.Conv3d(channels, num_classes, 1)
        self.head = nn.Sequential(nn.LeakyReLU(SLOPE), last)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        sides = x.shape[2:]
        values = {0: self.stem(padded_to(x, self.multiple, 2 * self.multiple))}
        for level, start in enumerate(self.starts, 1):
            values[level] = start(_resized(values[level - 1], 1))
        for number in range(1, self.layers + 1):
            found: dict[int, Tensor] = {}
            for level in range(self.levels):
                name = f"layer_{number}_level_{level}"
                if name in self.nodes:
                    found[level] = self._node(self.nodes[name], values, level)
            values = found
        total = values[self.levels - 1]
        for level in reversed(range(self.levels - 1)):
            total = values[level] + _resized(self.ends[level](total), -1)
        logits: Tensor = self.head(total)
        for axis, side in enumerate(sides, 2):
            logits = logits.narrow(axis, 0, side)
        return logits

    def _node(self, node: nn.Module, values: Mapping[int, Tensor], level: int) -> Tensor:
        sources = read_levels(level, self.levels)
        needed: Iterable[int] = node.indices if isinstance(node, SelectInputs) else range(len(sources))
        # Of the inputs that are not taken only the places count.
        inputs = [torch.empty(0)] * len(sources)
        for index in needed:
            inputs[index] = _resized(values[sources[index]], level - sources[index])
        total: Tensor = node(inputs)
        return total


def _read_first(nodes: Nodes, levels: int) -> set[int]:
    """The levels that the first layer reads."""
    found: set[int] = set()
    for (number, level), node in nodes.items():
        if number == 1:
            sources = read_levels(level, levels)
            indices = node.indices if isinstance(node, SelectInputs) else range(len(sources))
            found |= {sources[index] for index in indices}
    return found


def _resized(x: Tensor, down: int) -> Tensor:
    """Half of the sides for 1, the same for 0, twice as long for -1."""
    if down > 0:
        return functional.avg_pool3d(x, 2)
    return x if not down else functional.interpolate(x, scale_factor=2.0, mode="nearest")


FAMILY = Family(build_dints, scans, undecided=True, small={"channels": 8})
