"""Any tree of the language as a chain: what `Space.graphs` shows of a space without graphs of its own.

Decisions that stand together are one block with a label that a person reads (`conv kernel 3`,
`depth 3, width 64`); dicts and lists inside follow in their order. The name of a block is its path in the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from search_spaces.architecture import Architecture, Json, Scalar
from search_spaces.graphs.graph import Edge, Graph, Vertex

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["chain_graph", "outline", "said"]

Block = tuple[str, str]
"""The path of a block, and its label."""

LONGEST = 48
"""A dict is one block as long as its label has at most so many characters, else one block for each part."""
MANY = 8
"""Where more decisions than these stand side by side, each is a block."""
_SPEAKS_FOR_ITSELF = frozenset({"op", "operation", "layer", "block", "type", "kind", "activation"})
"""Keys whose value is read without them: an operation called conv is `conv`, not `op conv`."""


def outline(space: Space, architecture: Architecture) -> tuple[Graph, ...]:
    """A member of `space` as one chain from input to output."""
    tree = architecture._tree
    blocks = _parts(tree) if isinstance(tree, dict) and _nests(tree) else _blocks(tree, "", "")
    return (chain_graph(space.name or "architecture", blocks),)


def chain_graph(name: str, blocks: Iterable[Block]) -> Graph:
    """Operations in a row, each `(name, label)`, between an input and an output."""
    operations = [Vertex(path or "<root>", label, "operation") for path, label in blocks]
    vertices = (Vertex("<input>", "input", "input"), *operations, Vertex("<output>", "output", "output"))
    return Graph(name, vertices, tuple(Edge(one.name, other.name) for one, other in pairwise(vertices)))


def said(key: str, value: Scalar) -> str:
    """One decision in words: `depth 3`, `conv_3x3`, `skip`, `no skip`."""
    if isinstance(value, bool) and key:
        return key if value else f"no {key}"
    shown = f"{value:.3g}" if isinstance(value, float) else str(value)
    plain = shown.lower() if value is None or isinstance(value, bool) else shown
    return plain if not key or key in _SPEAKS_FOR_ITSELF else f"{key} {plain}"


def _blocks(tree: Json, path: str, heading: str) -> Iterator[Block]:
    """The blocks of a subtree; `heading` is the key above it that is not said yet."""
    if _nests(tree) and isinstance(tree, list):
        for index, item in enumerate(tree):
            yield from _blocks(item, f"{path}.{index}" if path else str(index), "")
    elif isinstance(tree, dict) and (_holds_lists(tree) or len(_phrase(heading, tree)) > LONGEST):
        yield from _parts(tree, path, heading)
    else:
        yield path, _phrase(heading, tree) or "nothing"


def _parts(tree: dict[str, Json], path: str = "", heading: str = "") -> Iterator[Block]:
    """What a dict decides itself as one block (if it is not `MANY`), then the blocks of what it holds."""
    own: dict[str, Json] = {
        key: value for key, value in tree.items() if not _nests(value) and not isinstance(value, dict)
    }
    if len(own) > MANY:
        yield from ((f"{path}.{key}" if path else key, _phrase(key, value)) for key, value in own.items())
    elif own:
        yield path, f"{heading} {_phrase('', own)}".strip()
    for key, value in tree.items():
        if key not in own:
            yield from _blocks(value, f"{path}.{key}" if path else key, key if own else f"{heading} {key}".strip())


def _phrase(key: str, tree: Json) -> str:
    """A subtree without lists of blocks in words."""
    if isinstance(tree, list):
        shown = ", ".join(said("", item) for item in tree if not isinstance(item, dict | list))
        return f"{key} {shown or 'none'}".strip()
    if not isinstance(tree, dict):
        return said(key, tree)
    inside = ", ".join(_phrase(name, value) for name, value in tree.items())
    return inside if key in _SPEAKS_FOR_ITSELF else f"{key} {inside}".strip()


def _nests(tree: Json) -> bool:
    """Whether there are dicts or lists right inside."""
    items: Iterable[Json] = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ()
    return any(isinstance(item, dict | list) for item in items)


def _holds_lists(tree: Json) -> bool:
    """Whether a list of dicts or lists stands anywhere inside."""
    if isinstance(tree, list):
        return _nests(tree)
    return isinstance(tree, dict) and any(_holds_lists(value) for value in tree.values())
