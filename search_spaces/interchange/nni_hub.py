"""The labels and names of NNI's own spaces (`nni.nas.hub`), for spaces that the catalogue has too.

A cell of NASNet, AmoebaNet, PNAS, ENAS or DARTS has `normal/op_2_0` and `normal/input_2_0` for the first edge of node
2, and so on; an input is an int in 2.x, and a list of one in 3.0. `width` and `depth`, which some of those spaces
decide, are settings of the network here and not decisions. NAS-Bench-201 has `cell/0_1` for the edge from node 0 to
node 1.

Two more are read in the hub's labels, and written with ours. ProxylessNAS has `s2_i0: "k5e3"` for the first block of
our stage 1, and `s2_depth` for the number of its blocks that are not zero. AutoFormer has `mlp_ratio_0` and
`num_head_0` for block 0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import product
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import CellSpace
from search_spaces.catalogue.proxylessnas import ZERO
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean
from search_spaces.whole_numbers import is_whole

__all__ = ["from_autoformer", "from_cells", "from_nb201", "from_proxylessnas", "to_cells", "to_nb201"]

KINDS = ("normal", "reduce")
NETWORK_SETTINGS = ("width", "depth")
_FIRST_NODE = 2
_NB201_OPERATIONS = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}
_NB201_NAMES = {ours: theirs for theirs, ours in _NB201_OPERATIONS.items()}
_AUTOFORMER = {"embed_dim": "embedding", "depth": "blocks", "num_head": "heads", "mlp_ratio": "mlp_ratio"}
_ABOVE = 1
"""The hub counts the fixed block before the stages as stage 1."""


def from_cells(space: CellSpace, exported: Mapping[str, Any]) -> Architecture:
    """Read the labels of a hub space of cells.

    Args:
        space: the space of cells.
        exported: a value by label.

    Returns:
        The member.

    Raises:
        ArchitectureError: a label is unknown or missing, or a value is not allowed.
    """
    given = {key.replace("__", "/"): value for key, value in exported.items() if key not in NETWORK_SETTINGS}
    nodes = range(_FIRST_NODE, _FIRST_NODE + space.nodes)
    cells: dict[str, list[list[tuple[str, int]]]] = {}
    for kind in KINDS:
        cells[kind] = [[_edge(space, given, kind, node, place) for place in (0, 1)] for node in nodes]
    places = product(KINDS, ("op", "input"), nodes, (0, 1))
    known = {f"{kind}/{what}_{node}_{place}" for kind, what, node, place in places}
    unknown = next((key for key in given if key not in known), None)
    if unknown is not None:
        raise ArchitectureError(unknown, f"the space has no decision {unknown!r}{did_you_mean(unknown, known)}")
    return space.from_cells(cells)


def to_cells(space: CellSpace, architecture: object) -> dict[str, Any]:
    """Write a member of a space of cells in the labels of the hub.

    Args:
        space: the space of cells.
        architecture: a member, or its tree.

    Returns:
        A value by label, in the order of the hub.
    """
    exported: dict[str, Any] = {}
    for kind, cell in space.to_cells(architecture).items():
        for node, edges in enumerate(cell, _FIRST_NODE):
            for place, (operation, source) in enumerate(edges):
                exported[f"{kind}/op_{node}_{place}"] = operation
                exported[f"{kind}/input_{node}_{place}"] = [source]
    return exported


def from_nb201(exported: Mapping[str, Any]) -> dict[str, Any]:
    """Translate NAS-Bench-201 from the labels and names of the hub into ours.

    Args:
        exported: a value by label.

    Returns:
        The same choices; keys and values of another form are kept.
    """
    read: dict[str, Any] = {}
    for key, value in exported.items():
        found = re.fullmatch(r"\w+?(?:/|__)(\d_\d)", key)
        label = f"edge_{found[1]}" if found else key
        read[label] = _NB201_OPERATIONS.get(value, value) if isinstance(value, str) else value
    return read


def to_nb201(exported: Mapping[str, Any]) -> dict[str, Any]:
    """Translate NAS-Bench-201 from our labels and names into those of the hub.

    Args:
        exported: an operation by label.

    Returns:
        The same choices.
    """
    return {f"cell/{key.removeprefix('edge_')}": _NB201_NAMES.get(value, value) for key, value in exported.items()}


def from_proxylessnas(exported: Mapping[str, Any], blocks: Mapping[str, int]) -> dict[str, Any]:
    """Translate ProxylessNAS from the labels and names of the hub into ours.

    Args:
        exported: a value by label.
        blocks: the number of blocks of each stage, by its label.

    Returns:
        The same choices; keys of another form are kept.

    Raises:
        ArchitectureError: the depth of a stage is not allowed, or the space does not have the stage.
    """
    read: dict[str, Any] = {}
    zeros: dict[str, Any] = {}
    for key, value in exported.items():
        found = re.fullmatch(r"s(\d+)_(?:depth|i(\d+))", key)
        stage = f"stage_{int(found[1]) - _ABOVE}" if found else ""
        if found is None:
            read[key] = value
        elif found[2] is not None:
            read[f"{stage}/block_{int(found[2]) + 1}"] = _inverted_residual(_only(value))
        else:
            depth = _depth(key, _only(value), blocks, stage)
            zeros.update({f"{stage}/block_{index}": ZERO for index in range(depth + 1, blocks[stage] + 1)})
    return read | zeros


def from_autoformer(exported: Mapping[str, Any]) -> dict[str, Any]:
    """Translate AutoFormer from the labels of the hub into ours.

    Args:
        exported: a value by label.

    Returns:
        The same choices; keys of another form are kept.
    """
    read: dict[str, Any] = {}
    for key, value in exported.items():
        found = re.fullmatch(r"(num_head|mlp_ratio)_(\d+)", key)
        read[f"blocks/{found[2]}/{_AUTOFORMER[found[1]]}" if found else _AUTOFORMER.get(key, key)] = value
    return read


def _inverted_residual(value: object) -> object:
    """Our name of `k5e3`, a kernel and an expansion; any other value is returned, and refused later."""
    found = re.fullmatch(r"k(\d+)e(\d+)", value) if isinstance(value, str) else None
    return f"mbconv{found[2]}_{found[1]}x{found[1]}" if found else value


def _depth(key: str, value: object, blocks: Mapping[str, int], stage: str) -> int:
    if stage not in blocks:
        last = len(blocks) + _ABOVE
        raise ArchitectureError(key, f"the space has no such stage; its stages: s{1 + _ABOVE} to s{last}")
    number = int(value) if isinstance(value, str) and value.isdecimal() else value
    if not is_whole(number, 1, blocks[stage]):
        raise _refused(key, value, f"allowed: ints from 1 to {blocks[stage]}")
    return number


def _edge(space: CellSpace, given: Mapping[str, Any], kind: str, node: int, place: int) -> tuple[str, int]:
    operation = _given(given, f"{kind}/op_{node}_{place}")
    if operation not in space.operations:
        close = did_you_mean(str(operation), space.operations)
        raise _refused(f"{kind}/op_{node}_{place}", operation, f"allowed: {', '.join(space.operations)}{close}")
    source = _given(given, f"{kind}/input_{node}_{place}")
    if isinstance(source, str) and source.isdigit():
        source = int(source)
    if isinstance(source, bool) or source not in range(node):
        raise _refused(f"{kind}/input_{node}_{place}", source, f"allowed: ints from 0 to {node - 1}")
    return operation, int(source)


def _given(given: Mapping[str, Any], key: str) -> Any:
    if key not in given:
        raise ArchitectureError(key, f"the export has no value for {key!r}{did_you_mean(key, given)}")
    return _only(given[key])


def _only(value: Any) -> Any:
    """The item of a list of one; any other value is returned."""
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _refused(key: str, value: object, rule: str) -> ArchitectureError:
    return ArchitectureError(key, f"{value!r} is not allowed; {rule}")
