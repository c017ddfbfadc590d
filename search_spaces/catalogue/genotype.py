"""Genotypes, the notation of published cells: parsed (never evaluated), checked, and written.

    Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1), ..], normal_concat=range(2, 6), reduce=[..], ..)

Two edges make a node. Inputs 0 and 1 are the outputs of the two cells before; nodes count from 2. The order of the two
edges of a node has no meaning. The reader takes

- this text on any number of lines, with comments, with `NAME =` in front, its fields by position or by name;
- a dict of the same fields as text, and a namedtuple or mapping itself;
- edges in a row, or a tuple of edges for each node (GDAS);
- edges `(operation, input)`, `(operation, input, weight)` or `(operation, node, input)` (FairDARTS).
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from search_spaces.catalogue.literal import read_fields, read_sequence, read_whole
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

__all__ = ["ALIASES", "FIELDS", "INPUTS", "CellEdges", "Rules", "read_genotype", "write_genotype"]

FIELDS = ("normal", "normal_concat", "reduce", "reduce_concat")
"""The fields of a genotype, in the order of the namedtuple."""
ALIASES = {
    "identity": "skip_connect",
    "dua_sepc_3x3": "sep_conv_3x3",
    "dua_sepc_5x5": "sep_conv_5x5",
    "dil_sepc_3x3": "dil_conv_3x3",
    "dil_sepc_5x5": "dil_conv_5x5",
    "nor_conv_1x1": "conv_1x1",
    "nor_conv_3x3": "conv_3x3",
    "conv_1x3_3x1": "conv_3x1_1x3",
    "conv_1x7_7x1": "conv_7x1_1x7",
    "conv 1x1": "conv_1x1",
    "conv 3x3": "conv_3x3",
    "sep_3x3": "sep_conv_3x3",
    "sep_5x5": "sep_conv_5x5",
    "sep_7x7": "sep_conv_7x7",
}
"""Other spellings of public repositories (AutoDL-Projects, NASP) for the same operation."""

INPUTS = 2
"""The number of inputs of a cell: the outputs of the two cells before it, 0 and 1."""
CellEdges = list[list[tuple[str, int]]]
"""The nodes of a cell, each with its edges `(operation, input)`."""


@dataclass(frozen=True)
class Rules:
    """The rules that a genotype of one space keeps.

    Attributes:
        nodes: the number of nodes in a cell.
        operations: the operations of the space.
        concat: takes a cell, and returns the nodes that its output concatenates, ascending.
        distinct: whether the two inputs of a node must differ.
        remedy: the end of the message for another concatenation, or nothing.
        kinds: the cells of a genotype.
    """

    nodes: int
    operations: tuple[str, ...]
    concat: Callable[[CellEdges], list[int]]
    distinct: bool
    remedy: str = ""
    known: tuple[str, ...] = ()
    """Operations that the setting `operations` may name."""
    kinds: tuple[str, ...] = field(default=("normal", "reduce"))


def read_genotype(genotype: object, rules: Rules) -> dict[str, CellEdges]:
    """Read the cells of a genotype, and check them.

    Args:
        genotype: its text, a namedtuple, or a mapping of its fields.
        rules: the rules of the space.

    Returns:
        The cells by kind, "normal" and "reduce".

    Raises:
        ArchitectureError: the genotype breaks a rule; the message gives the place and the rule.
    """
    fields = _fields(genotype)
    cells: dict[str, CellEdges] = {}
    for kind in rules.kinds:
        edges = _edges(_required(fields, kind), kind, rules)
        cells[kind] = [_checked_node(node, index, rules) for index, node in enumerate(edges, INPUTS)]
        _check_concat(_required(fields, f"{kind}_concat"), f"{kind}_concat", cells[kind], rules)
    return cells


def write_genotype(cells: Mapping[str, CellEdges], concats: Mapping[str, list[int]]) -> str:
    """Write cells as Python writes the namedtuple with lists.

    Args:
        cells: the nodes of each cell by kind.
        concats: the nodes that the output of each cell concatenates, by kind.

    Returns:
        One line of text.
    """
    parts = []
    for kind, cell in cells.items():
        edges = []
        for node in cell:
            edges.extend(node)
        parts += [f"{kind}={edges!r}", f"{kind}_concat={concats[kind]!r}"]
    return f"Genotype({', '.join(parts)})"


@dataclass(frozen=True, slots=True)
class _Edge:
    operation: str
    input: int
    place: str
    node: int | None = None


def _fields(genotype: object) -> dict[str, Any]:
    """The fields by name; `ArchitectureError` for other fields, unless they are empty."""
    found = read_fields(genotype, FIELDS)
    for name, value in found.items():
        # Repositories have more fields: AutoDL-Projects writes connectN=None, others an empty list.
        if name not in FIELDS and value not in (None, [], ()):
            raise ArchitectureError(
                str(name), f"a genotype has no such field{did_you_mean(str(name), FIELDS)}; {_said_fields()}"
            )
    return found


def _required(fields: Mapping[str, Any], name: str) -> Any:
    if fields.get(name) is None:
        raise ArchitectureError(name, f"the genotype has no field {name!r}; {_said_fields()}")
    return fields[name]


def _said_fields() -> str:
    return f"its fields: {', '.join(FIELDS)}"


def _edges(value: object, kind: str, rules: Rules) -> list[list[_Edge]]:
    """The edges of each node."""
    items = read_sequence(value, kind, "a list of edges (operation, input)")
    nested = bool(items) and all(_is_list(item) and item and _is_list(item[0]) for item in items)
    if nested:
        nodes = [[_edge(edge, f"{kind}[{i}][{j}]") for j, edge in enumerate(node)] for i, node in enumerate(items)]
    else:
        nodes = _paired([_edge(item, f"{kind}[{i}]") for i, item in enumerate(items)], kind, rules.nodes)
    total = sum(map(len, nodes))
    if len(nodes) != rules.nodes or total != 2 * rules.nodes:
        raise ArchitectureError(kind, f"{total} edges; {rules.nodes} nodes of two edges each make {2 * rules.nodes}")
    return nodes


def _paired(edges: list[_Edge], kind: str, count: int) -> list[list[_Edge]]:
    """Group a row of edges by the nodes that they name, or else in pairs."""
    if not edges or edges[0].node is None:
        return [edges[i : i + 2] for i in range(0, len(edges), 2)]
    nodes: dict[int, list[_Edge]] = {index: [] for index in range(INPUTS, INPUTS + count)}
    for edge in edges:
        nodes.setdefault(edge.node or 0, []).append(edge)
    for index, node in nodes.items():
        if index < INPUTS + count and len(node) != 2:
            rule = f"each of the {count} nodes takes two"
            raise ArchitectureError(kind, f"node {index} has {len(node)} edge{'s' * (len(node) != 1)}; {rule}")
    return [nodes[index] for index in sorted(nodes)]


def _edge(value: object, place: str) -> _Edge:
    """Read `(operation, input)`, `(operation, input, weight)` or `(operation, node, input)`."""
    items = read_sequence(value, place, "(operation, input)")
    if len(items) not in (2, 3) or not isinstance(items[0], str):
        raise ArchitectureError(place, f"{value!r:.60} is not an edge; write (operation, input)")
    if len(items) == 2 or isinstance(items[2], float):
        return _Edge(items[0], read_whole(items[1], place), place)
    return _Edge(items[0], read_whole(items[2], place), place, node=read_whole(items[1], place))


def _checked_node(edges: list[_Edge], index: int, rules: Rules) -> list[tuple[str, int]]:
    if len(edges) != 2:
        raise ArchitectureError(
            edges[0].place, f"node {index} has {len(edges)} edge{'s' * (len(edges) != 1)}; it takes two"
        )
    node = [_checked_edge(edge, index, rules) for edge in edges]
    if rules.distinct and node[0][1] == node[1][1]:
        remedy = f"get('enas_micro', blocks={rules.nodes}, operations=.., concat='all') has cells that repeat one"
        said = f"node {index} takes input {node[1][1]} twice; its two inputs differ; {remedy}"
        raise ArchitectureError(edges[1].place, said)
    return sorted(node, key=operator.itemgetter(1)) if rules.distinct else node


def _checked_edge(edge: _Edge, index: int, rules: Rules) -> tuple[str, int]:
    if edge.node not in (None, index):
        raise ArchitectureError(
            edge.place,
            f"an edge of node {edge.node} where one of node {index} is expected; nodes are numbered from 2, in order",
        )
    if not 0 <= edge.input < index:
        earlier = ", ".join(map(str, range(index)))
        raise ArchitectureError(edge.place, f"node {index} cannot take {edge.input} as input; allowed: {earlier}")
    name = edge.operation
    operation = name if name in rules.operations else ALIASES.get(name, name)
    if operation in rules.operations:
        return operation, edge.input
    if name == "none":
        raise ArchitectureError(
            edge.place, f"'none' is a candidate of supernets only; allowed: {', '.join(rules.operations)}"
        )
    remedy = did_you_mean(name, rules.operations)
    if operation in rules.known:
        remedy = f"; the setting operations=[.., {operation!r}] makes one that has it"
    raise ArchitectureError(
        edge.place, f"{name!r:.60} is not an operation of this space{remedy}; allowed: {', '.join(rules.operations)}"
    )


def _check_concat(value: object, place: str, cell: CellEdges, rules: Rules) -> None:
    given = [read_whole(item, place) for item in read_sequence(value, place, "a list of nodes")]
    expected = rules.concat(cell)
    if sorted(given) != expected:
        raise ArchitectureError(place, f"{given} are concatenated; this space concatenates {expected}{rules.remedy}")


def _is_list(value: object) -> bool:
    return isinstance(value, list | tuple)
