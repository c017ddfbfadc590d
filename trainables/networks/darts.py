"""Networks of the `darts` space (Liu, Simonyan and Yang 2019, 1806.09055): evaluation network and search network.

With the defaults, the paper's network for CIFAR-10: DARTS_V2 has 3,349,342 parameters, 3,825,768 with the
auxiliary head; with `channels=48, layers=14, stem="imagenet", num_classes=1000` 4,718,752. Without an
architecture the module is undecided: every node an `InputChoice` over `LayerChoice`s, the cells of one kind
sharing their decisions. At `channels=16, layers=8` that is the paper's search network of 1,930,618 weights.
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
from trainables.networks.cell_network import CellNetwork, Nodes, Outline, Place
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
    """The network of two cells, or for None the undecided one of `darts` with these `nodes` and `operations`.

    `affine`: whether the normalisations of cells learn, by default those of a decided network; where they do
    not, pooling is normalised too. `drop_path` is the final probability of dropping an operation. In an undecided
    network the operations of an edge work on one of `partial` channels, the rest passes by (see `partial`).
    """
    check_partial(partial, channels, is_decided=architecture is not None)
    style = Style(architecture is not None if affine is None else affine, drop_path)
    outline = Outline(num_classes, in_channels, channels, layers, stem, auxiliary, style)
    if architecture is None:
        space = darts.space(nodes, operations)
        cells = [_undecided(kind, space, partial) for kind in ("normal", "reduce")]
        return CellNetwork(outline, *cells)
    tree = tree_of(architecture)
    return CellNetwork(outline, _decided(tree, "normal"), _decided(tree, "reduce"))


def _decided(tree: Mapping[str, Any], kind: str) -> Nodes:
    """The nodes of a cell, whatever their number, from its tree."""
    cell = tree.get(kind)
    if not isinstance(cell, dict) or not cell:
        raise ArchitectureError(kind, f"{cell!r} is no cell; it is a dict of node_2, node_3, ..")
    nodes = [_read_node(cell, index, kind) for index in range(INPUTS, INPUTS + len(cell))]

    def make(place: Place) -> list[nn.Module]:
        return [
            SelectInputs(count, list(edges), "sum", [place.operation(name, source) for source, name in edges.items()])
            for count, edges in enumerate(nodes, INPUTS)
        ]

    return Nodes(make, tuple(range(INPUTS, INPUTS + len(nodes))))


def _read_node(cell: Mapping[str, Any], index: int, kind: str) -> dict[int, str]:
    """Input and operation of the edges of one node, in the order of the inputs."""
    path = f"{kind}.node_{index}"
    edges = cell.get(f"node_{index}")
    if not isinstance(edges, list) or len(edges) != 2 or not all(isinstance(e, dict) and len(e) == 1 for e in edges):
        raise ArchitectureError(path, f"{edges!r} is not a list of two edges such as {{'input_0': 'sep_conv_3x3'}}")
    found: dict[int, str] = {}
    inputs = {f"input_{source}": source for source in range(index)}
    for name, operation in (item for edge in edges for item in edge.items()):
        if name not in inputs or inputs[name] in found:
            raise ArchitectureError(path, f"{name!r}: two different ones of {', '.join(inputs)}")
        if operation not in OPERATIONS:
            raise ArchitectureError(f"{path}.{name}", f"{operation!r} is not one of {', '.join(OPERATIONS)}")
        found[inputs[name]] = operation
    return dict(sorted(found.items()))


def _undecided(kind: str, space: darts.DartsSpace, partial: int) -> Nodes:
    """The nodes of a cell of the space, their decisions shared by all cells of the kind."""
    indices = tuple(range(INPUTS, INPUTS + space.nodes))

    def make(place: Place) -> list[nn.Module]:
        return [_choice(place, index, f"{kind}.node_{index}", space.operations, partial) for index in indices]

    return Nodes(make, indices)


def _choice(place: Place, index: int, label: str, operations: tuple[str, ...], partial: int) -> InputChoice:
    edges = [_edge(place, source, (*operations, "none"), partial) for source in range(index)]
    return InputChoice(index, 2, "sum", layers=edges, label=label)


def _edge(place: Place, source: int, names: tuple[str, ...], partial: int) -> LayerChoice:
    if partial == 1:
        return LayerChoice({name: place.operation(name, source) for name in names}, relaxed_only=("none",))
    part = replace(place, channels=place.channels // partial)
    return PartialChoice({name: part.operation(name, source) for name in names}, partial, relaxed_only=("none",))


FAMILY = Family(build_darts, images, undecided=True, small={"channels": 8, "layers": 5})
