"""Any tree of the language as a chain graph: `Space.graphs` of a space that is not made of cells.

The plain decisions of a dict are one block, whose label is text for people (`conv kernel 3`, `depth 3, width 64`);
dicts and lists inside follow in their order. The name of a block is its path in the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from search_spaces.architecture import Architecture, Json, Scalar
from search_spaces.graphs.graph import Edge, Graph, Vertex

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["chain_graph", "decision_text", "outline"]

Block = tuple[str, str]
"""The path of a block, and its label."""

LONGEST = 48
"""A dict is one block if its label has at most this many characters; else each of its parts is a block."""
MANY = 8
"""Where more decisions than this stand side by side, each is a block."""
_UNLABELLED = frozenset({"op", "operation", "layer", "block", "type", "kind", "activation"})
"""Keys that are left out before their value: an operation called conv is `conv`, not `op conv`."""


def outline(space: Space, architecture: Architecture) -> tuple[Graph, ...]:
    """Draw a member as one chain from input to output.

    Args:
        space: the space.
        architecture: a validated member.

    Returns:
        One graph, named after the space.
    """
    tree = architecture._tree
    blocks = _parts(tree) if isinstance(tree, dict) and _nests(tree) else _blocks(tree, "", "")
    return (chain_graph(space.name or "architecture", blocks),)


def chain_graph(name: str, blocks: Iterable[Block]) -> Graph:
    """Make a graph of operations in a row, between an input and an output.

    Args:
        name: the name of the graph.
        blocks: the `(name, label)` of each operation, in order.

    Returns:
        The graph.
    """
    operations = [Vertex(path or "<root>", label, "operation") for path, label in blocks]
    vertices = (Vertex("<input>", "input", "input"), *operations, Vertex("<output>", "output", "output"))
    return Graph(name, vertices, tuple(Edge(one.name, other.name) for one, other in pairwise(vertices)))


def decision_text(key: str, value: Scalar) -> str:
    """Write one decision for people: `depth 3`, `conv_3x3`, `skip`, `no skip`.

    Args:
        key: the key of the decision; empty for an item of a list.
        value: its value.

    Returns:
        The text.
    """
    if isinstance(value, bool) and key:
        return key if value else f"no {key}"
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    plain = shown.lower() if value is None or isinstance(value, bool) else shown
    return plain if not key or key in _UNLABELLED else f"{key} {plain}"


def _blocks(tree: Json, path: str, heading: str) -> Iterator[Block]:
    """The blocks of a subtree; `heading` is the key above it if no block has it yet."""
    if _nests(tree) and isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _blocks(item, f"{path}.{index}" if path else str(index), "")
    elif isinstance(tree, dict) and (_holds_lists(tree) or len(_phrase(heading, tree)) > LONGEST):
        yield from _parts(tree, path, heading)
    else:
        yield path, _phrase(heading, tree) or "nothing"


def _parts(tree: dict[str, Json], path: str = "", heading: str = "") -> Iterator[Block]:
    """The plain decisions of a dict as one block (up to `MANY`), then the blocks of the dicts and lists inside."""
    inside = [key for key, value in tree.items() if _nests(value) or isinstance(value, dict)]
    own: dict[str, Json] = {key: value for key, value in tree.items() if key not in inside}
    if len(own) > MANY:
        for key, value in own.items():
            yield f"{path}.{key}" if path else key, _phrase(key, value)
    elif own:
        yield path, f"{heading} {_phrase('', own)}".strip()
    for key in inside:
        heading_inside = key if own else f"{heading} {key}".strip()
        yield from _blocks(tree[key], f"{path}.{key}" if path else key, heading_inside)


def _phrase(key: str, tree: Json) -> str:
    """The label of a subtree that is one block."""
    if isinstance(tree, list):
        shown = ", ".join(decision_text("", item) for item in tree if not isinstance(item, dict | list))
        return f"{key} {shown or 'none'}".strip()
    if not isinstance(tree, dict):
        return decision_text(key, tree)
    inside = ", ".join(_phrase(name, value) for name, value in tree.items())
    return inside if key in _UNLABELLED else f"{key} {inside}".strip()


def _nests(tree: Json) -> bool:
    """Whether a dict or list has dicts or lists as items."""
    items: Iterable[Json] = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return any(isinstance(item, dict | list) for item in items)


def _holds_lists(tree: Json) -> bool:
    """Whether a list of dicts or lists is anywhere inside."""
    if isinstance(tree, list):
        return _nests(tree)
    return isinstance(tree, dict) and any(_holds_lists(value) for value in tree.values())
