"""Networks of the spaces of blocks: `nasnet`, `amoebanet`, `pnas`, `enas_micro`.

All are built into the evaluation network of DARTS (`trainables.networks.cell_network`), so that families can be
compared; the defaults are those for CIFAR-10. The additions of the papers around their cells (other stems and heads,
drop path that depends on the depth) are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from search_spaces.catalogue.cells import CONCATENATIONS, concatenated
from search_spaces.catalogue.genotype import INPUTS, CellEdges
from search_spaces.errors import ArchitectureError
from search_spaces.nn import SelectInputs
from trainables.networks.base import option, tree_of
from trainables.networks.cell_network import CellNetwork, CellNetworkSettings, CellShape, Nodes
from trainables.networks.cell_operations import OPERATIONS, Style

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["build_blocks", "build_pnas"]


def build_blocks(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    channels: int = 36,
    layers: int = 20,
    stem: str = "cifar",
    auxiliary: bool = False,
    drop_path: float = 0.0,
) -> nn.Module:
    """Build the network of a normal and a reduction cell of blocks.

    Args:
        architecture: a member of `nasnet`, `amoebanet` or `enas_micro`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the nodes in the first cells; reduction cells double them.
        layers: number of cells.
        stem: "cifar" keeps the size of the image, "imagenet" halves it three times.
        auxiliary: whether the network has an auxiliary head.
        drop_path: probability of drop path at the end of training.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a cell breaks the form; the message gives the path.
    """
    settings = CellNetworkSettings(
        num_classes, in_channels, channels, layers, stem, auxiliary, Style(drop_path=drop_path)
    )
    tree = tree_of(architecture)
    return CellNetwork(settings, _nodes(tree, "normal", "loose"), _nodes(tree, "reduce", "loose"))


def build_pnas(
    architecture: Architecture | Mapping[str, Any] | None,
    *,
    num_classes: int,
    in_channels: int,
    channels: int = 36,
    layers: int = 20,
    stem: str = "cifar",
    auxiliary: bool = False,
    drop_path: float = 0.0,
) -> nn.Module:
    """Build the network of one cell of blocks, at stride 1 and 2.

    Args:
        architecture: a member of `pnas`, or its tree.
        num_classes: as in `build_blocks`.
        in_channels: as in `build_blocks`.
        channels: as in `build_blocks`.
        layers: as in `build_blocks`.
        stem: as in `build_blocks`.
        auxiliary: as in `build_blocks`.
        drop_path: as in `build_blocks`.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: the cell breaks the form; the message gives the path.
    """
    settings = CellNetworkSettings(
        num_classes, in_channels, channels, layers, stem, auxiliary, Style(drop_path=drop_path)
    )
    nodes = _nodes(tree_of(architecture), "cell", "all")
    return CellNetwork(settings, nodes, nodes)


def _nodes(tree: Mapping[str, Any], kind: str, concat: str) -> Nodes:
    """Read the nodes of a cell; `concat` is the default of the family."""
    cell = _read_cell(tree.get(kind), kind)
    ends = concatenated(cell, option({"concat": concat, **tree}, "concat", CONCATENATIONS, ""))

    def make(shape: CellShape) -> list[nn.Module]:
        blocks: list[nn.Module] = []
        for index, node in enumerate(cell, INPUTS):
            layers = [shape.operation(operation, source) for operation, source in node]
            blocks.append(SelectInputs(index, [source for _, source in node], "sum", layers))
        return blocks

    return Nodes(make, tuple(ends))


def _read_cell(tree: object, kind: str) -> CellEdges:
    if not isinstance(tree, dict) or not tree:
        raise ArchitectureError(kind, f"{tree!r} is not a cell; it is a dict of block_2, block_3, ..")
    found = []
    for index in range(INPUTS, INPUTS + len(tree)):
        found.append([_read_side(tree, index, side, kind) for side in ("left", "right")])
    return found


def _read_side(cell: Mapping[str, Any], index: int, side: str, kind: str) -> tuple[str, int]:
    path = f"{kind}.block_{index}"
    block = cell.get(f"block_{index}")
    chosen = block.get(side) if isinstance(block, dict) else None
    if not isinstance(chosen, dict):
        raise ArchitectureError(path, f"{block!r} is not a block; it is {{'left': {{'input', 'op'}}, 'right': ..}}")
    source: int = option(chosen, "input", tuple(range(index)), f"{path}.{side}")
    operation: str = option(chosen, "op", tuple(OPERATIONS), f"{path}.{side}")
    return operation, source
