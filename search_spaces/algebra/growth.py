"""Growing architectures block by block, for progressive search (Liu et al. 2018, PNAS, arXiv 1712.00559).

A space of cells grows by its setting: members of `get("pnas", blocks=2)` grow into members of `blocks=3`, every
cell by one block. Any other tree grows by the lists at its top, those `repeat` that stand in no option and in no
other `repeat`: one item more at the end, of one list at a time. A search from small to large:

    beam = best(space.smallest().enumerate())
    while any(map(space.has_room, beam)):
        beam = best(larger for made in beam if space.has_room(made) for larger in space.grow(made))

Extensions are bound to the space of their size: for cells the one with a block more than `architecture` has, for
lists the space itself as long as it has room, and then `space.grown()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from search_spaces.algebra.compiler import Nested
from search_spaces.algebra.deciders import builds
from search_spaces.algebra.interpreter import GroupNode, ListNode, Node, RepeatNode
from search_spaces.algebra.rejection import PROVEN_UP_TO
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import NoMemberError, SpaceError
from search_spaces.parameters import Repeat

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["grow", "grown", "has_room", "smallest"]


def grow(space: Space, architecture: object) -> Iterator[Architecture]:
    """The members with one block more that hold all decisions of `architecture`, each once."""
    home = _home(space, architecture)
    made = home.validate(architecture)
    if space.blocks is not None:
        return _completed(home.grown(), home.params(made))
    return _lengthened(space, made)


def has_room(space: Space, architecture: object) -> bool:
    """Whether a block more fits: the cells have fewer than those of `space`, or a list at the top has room."""
    home = _home(space, architecture)
    made = home.validate(architecture)
    if space.blocks is not None:
        return home is not space
    _check_lists(space)
    return any(len(_at(made._tree, node.path)) < len(node.items) for node in _lists(space._root))


def _home(space: Space, architecture: object) -> Space:
    """`space`, or the smaller one of its family that the architecture is bound to."""
    home = architecture.space if isinstance(architecture, Architecture) else None
    if home is None or home.blocks is None or space.blocks is None or home.blocks >= space.blocks:
        return space
    return home if home.resized(space.blocks).fingerprint == space.fingerprint else space


def grown(space: Space) -> Space:
    """The space with one block more in each cell, or with room for one item more in each list at the top."""
    if space.blocks is not None:
        return space.resized(space.blocks + 1)
    return _relisted(space, lambda low, high: (low, high + 1))


def smallest(space: Space) -> Space:
    """The space of one block a cell, or of the shortest lists (which hold one item at least)."""
    if space.blocks is not None:
        return space.resized(1)
    return _relisted(space, lambda low, high: (low, max(low, 1)))


def _lengthened(space: Space, made: Architecture) -> Iterator[Architecture]:
    larger, decisions = space.grown(), space.params(made)
    lists = list(_lists(space._root))
    names = [node.parameter.name for node in _lists(larger._root) if node.parameter is not None]
    counts = [len(_at(made._tree, node.path)) for node in lists]
    roomy = any(count < len(node.items) for node, count in zip(lists, counts, strict=True))
    home = space if roomy else larger
    for node, name, count in zip(lists, names, counts, strict=True):
        if count < len(node.items) or not roomy:
            yield from _completed(home, {**decisions, name: count + 1})


def _completed(space: Space, decisions: dict[str, Scalar]) -> Iterator[Architecture]:
    """Every valid member with these decisions, all others in all their values.

    `NoMemberError` after `PROVEN_UP_TO` trees in a row that the rule refuses: blocks may have endlessly many.
    """
    endless = next((p for p in space.parameters if p.count is None and p.name not in decisions), None)
    if endless is not None:
        raise SpaceError(f"space at {endless.path}: a real without step has no list of values; give it a step")
    return _allowed(space, map(space._bind, builds(space._root, decisions)))


def _allowed(space: Space, trees: Iterator[Architecture]) -> Iterator[Architecture]:
    refused = 0
    for made in trees:
        if space._is_valid(made):
            refused = 0
            yield made
            continue
        refused += 1
        if refused == PROVEN_UP_TO:
            raise NoMemberError(
                f"space {space.name or 'without name'}: its rule refused {refused:,} extensions in a row; loosen "
                "`valid`, or declare smaller blocks"
            )


def _lists(node: Node) -> Iterator[RepeatNode]:
    """The lists at the top of a compiled tree."""
    if isinstance(node, RepeatNode):
        yield node
    elif isinstance(node, GroupNode | ListNode):
        for child in node.children():
            yield from _lists(child)


def _check_lists(space: Space) -> None:
    if not any(_lists(space._root)):
        raise SpaceError(
            f"space {space.name or 'without name'} has nothing to grow: neither cells of blocks nor a repeat outside "
            "of options"
        )


def _at(tree: Any, path: str) -> Any:
    """What stands at a path of dict keys and list places."""
    for key in path.split(".") if path else []:
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree


def _relisted(space: Space, bounds: Callable[[int, int], tuple[int, int]]) -> Space:
    """The same space, the lists at its top with other bounds."""
    _check_lists(space)
    tree = _rewritten(space.declared, bounds)
    return type(space)._rebuilt(tree, name=space.name, valid=space.valid, canonical=space.canonical)


def _rewritten(tree: object, bounds: Callable[[int, int], tuple[int, int]]) -> object:
    match tree:
        case Repeat(subtree, low, high):
            return Repeat(subtree, *bounds(low, high))
        case Nested():
            return _rewritten(tree.declared, bounds)
        case dict():
            return {key: _rewritten(item, bounds) for key, item in tree.items()}
        case list() | tuple():
            return [_rewritten(item, bounds) for item in tree]
    return tree
