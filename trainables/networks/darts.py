"""Networks of the `darts` space (Liu, Simonyan and Yang 2019, 1806.09055): evaluation network and search network.

The defaults build the paper's network for CIFAR-10: DARTS_V2 has 3,349,342 parameters, 3,825,768 with the auxiliary
head; with `channels=48, layers=14, stem="imagenet", num_classes=1000` it has 4,718,752. Without an architecture the
network is undecided: every node is an `InputChoice` over `LayerChoice`s, and all cells of one kind share their
decisions. With `channels=16, layers=8` it is the paper's search network of 1,930,618 weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import nn

from search_spaces.catalogue import darts
from search_spaces.catalogue.genotype import INPUTS
from search_spaces.errors import ArchitectureError
from search_spaces.nn import InputChoice, LayerChoice, SelectInputs
from trainables.networks.base import tree_of
from trainables.networks.cell_network import CellNetwork, CellNetworkSettings, CellShape, Nodes
from trainables.networks.cell_operations import OPERATIONS, Style
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.partial import PartialChoice, check_partial

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "build_darts"]


def build_darts(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    channels: int = 36,
    layers: int = 20,
    stem: str = "cifar",
    auxiliary: bool = False,
    drop_path: float = 0.0,
    affine: bool | None = None,
    nodes: int = 4,
    operations: Sequence[str] = darts.OPERATIONS,
    partial: int = 1,
) -> nn.Module:
    """Build the network of two cells, or the undecided one.

    Args:
        architecture: a member of `darts` with any number of nodes, or its tree. None builds the undecided network.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the nodes in the first cells; reduction cells double them.
        layers: number of cells.
        stem: "cifar" keeps the size of the image, "imagenet" halves it three times.
        auxiliary: whether the network has an auxiliary head.
        drop_path: probability of drop path at the end of training.
        affine: whether the normalisations of cells have learnt parameters. Without them pooling is normalised too. None
            means True for a decided network and False for an undecided one.
        nodes: nodes of an undecided cell.
        operations: candidates on the edges of an undecided cell; "none" is added.
        partial: in an undecided network, operations work on one of `partial` equal parts of the channels.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a cell breaks the form; the message gives the path.
    """
    check_partial(partial, channels, is_decided=architecture is not None)
    style = Style(architecture is not None if affine is None else affine, drop_path)
    settings = CellNetworkSettings(num_classes, in_channels, channels, layers, stem, auxiliary, style)
    if architecture is None:
        space = darts.space(nodes, operations)
        cells = [_undecided(kind, space, partial) for kind in ("normal", "reduce")]
        return CellNetwork(settings, *cells)
    tree = tree_of(architecture)
    return CellNetwork(settings, _decided(tree, "normal"), _decided(tree, "reduce"))


def _decided(tree: Mapping[str, Any], kind: str) -> Nodes:
    """Read the nodes of a cell of any number of nodes."""
    cell = tree.get(kind)
    if not isinstance(cell, dict) or not cell:
        raise ArchitectureError(kind, f"{cell!r} is not a cell; it is a dict of node_2, node_3, ..")
    nodes = [_read_node(cell, index, kind) for index in range(INPUTS, INPUTS + len(cell))]

    def make(shape: CellShape) -> list[nn.Module]:
        made: list[nn.Module] = []
        for count, edges in enumerate(nodes, INPUTS):
            layers = [shape.operation(name, source) for source, name in edges.items()]
            made.append(SelectInputs(count, list(edges), "sum", layers))
        return made

    return Nodes(make, tuple(range(INPUTS, INPUTS + len(nodes))))


def _read_node(cell: Mapping[str, Any], index: int, kind: str) -> dict[int, str]:
    """Map the inputs of a node to its operations, in the order of the inputs."""
    path = f"{kind}.node_{index}"
    edges = cell.get(f"node_{index}")
    if not isinstance(edges, list) or len(edges) != 2 or not all(isinstance(e, dict) and len(e) == 1 for e in edges):
        raise ArchitectureError(path, f"{edges!r} is not a list of two edges such as {{'input_0': 'sep_conv_3x3'}}")
    found: dict[int, str] = {}
    inputs = {f"input_{source}": source for source in range(index)}
    for edge in edges:
        ((name, operation),) = edge.items()
        if name not in inputs or inputs[name] in found:
            raise ArchitectureError(path, f"{name!r}: two different ones of {', '.join(inputs)}")
        if operation not in OPERATIONS:
            raise ArchitectureError(f"{path}.{name}", f"{operation!r} is not one of {', '.join(OPERATIONS)}")
        found[inputs[name]] = operation
    return dict(sorted(found.items()))


def _undecided(kind: str, space: darts.DartsSpace, partial: int) -> Nodes:
    """Make the undecided nodes of a cell. All cells of one kind share the decisions by their labels."""
    indices = tuple(range(INPUTS, INPUTS + space.nodes))

    def make(shape: CellShape) -> list[nn.Module]:
        made: list[nn.Module] = []
        for index in indices:
            edges = [_edge(shape, source, (*space.operations, "none"), partial) for source in range(index)]
            made.append(InputChoice(index, 2, "sum", layers=edges, label=f"{kind}.node_{index}"))
        return made

    return Nodes(make, indices)


def _edge(shape: CellShape, source: int, names: tuple[str, ...], partial: int) -> LayerChoice:
    if partial == 1:
        return LayerChoice({name: shape.operation(name, source) for name in names}, relaxed_only=("none",))
    part = replace(shape, channels=shape.channels // partial)
    return PartialChoice({name: part.operation(name, source) for name in names}, partial, relaxed_only=("none",))


FAMILY = Family(build_darts, images, undecided=True, small={"channels": 8, "layers": 5})
