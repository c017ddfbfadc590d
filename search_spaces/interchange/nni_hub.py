"""NNI's own spaces (`nni.nas.hub`) that the catalogue has too: how they label and name things.

A cell of NASNet and its kin has `normal/op_2_0` and `normal/input_2_0` for the first edge of node 2, and so on; in
2.x an input is an int, in 3.0 a list of one. `width` and `depth`, where those spaces decide them, are settings of the
network here and no part of the architecture. NAS-Bench-201 has `cell/0_1` for the edge from node 0 to node 1.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import CellSpace
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

__all__ = ["from_cells", "from_nb201", "to_cells", "to_nb201"]

KINDS = ("normal", "reduce")
NETWORK_SETTINGS = ("width", "depth")
_FIRST_NODE = 2
_NB201_OPERATIONS = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}
_NB201_NAMES = {ours: theirs for theirs, ours in _NB201_OPERATIONS.items()}


def from_cells(space: CellSpace, exported: Mapping[str, Any]) -> Architecture:
    """The member of a space of cells that the labels of a hub space decide."""
    given = {key.replace("__", "/"): value for key, value in exported.items() if key not in NETWORK_SETTINGS}
    nodes = range(_FIRST_NODE, _FIRST_NODE + space.nodes)
    cells = {kind: [[_edge(space, given, kind, node, place) for place in (0, 1)] for node in nodes] for kind in KINDS}
    known = {
        f"{kind}/{what}_{node}_{k}" for kind in KINDS for what in ("op", "input") for node in nodes for k in (0, 1)
    }
    unknown = next((key for key in given if key not in known), None)
    if unknown is not None:
        raise ArchitectureError(unknown, f"the space has no decision {unknown!r}{did_you_mean(unknown, known)}")
    return space.from_cells(cells)


def to_cells(space: CellSpace, architecture: object) -> dict[str, Any]:
    """The labels of the hub space, in its order."""
    exported: dict[str, Any] = {}
    for kind, cell in space.to_cells(architecture).items():
        for node, edges in enumerate(cell, _FIRST_NODE):
            for place, (operation, source) in enumerate(edges):
                exported[f"{kind}/op_{node}_{place}"] = operation
                exported[f"{kind}/input_{node}_{place}"] = [source]
    return exported


def from_nb201(exported: Mapping[str, Any]) -> dict[str, Any]:
    """The same choices under our labels and names; keys of another form as they are."""
    return {
        _edge_label(key): _NB201_OPERATIONS.get(value, value) if isinstance(value, str) else value
        for key, value in exported.items()
    }


def to_nb201(exported: Mapping[str, Any]) -> dict[str, Any]:
    """The labels and names of the hub space."""
    return {f"cell/{key.removeprefix('edge_')}": _NB201_NAMES.get(value, value) for key, value in exported.items()}


def _edge_label(key: str) -> str:
    found = re.fullmatch(r"\w+?(?:/|__)(\d_\d)", key)
    return f"edge_{found.group(1)}" if found else key


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
    value = given[key]
    return value[0] if isinstance(value, list | tuple) and len(value) == 1 else value


def _refused(key: str, value: object, rule: str) -> ArchitectureError:
    return ArchitectureError(key, f"{value!r} is not allowed; {rule}")
