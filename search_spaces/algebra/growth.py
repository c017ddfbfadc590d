"""Growing architectures block by block, for progressive search (Liu et al. 2018, PNAS, arXiv 1712.00559).

A space of cells grows by its setting: members of `get("pnas", blocks=2)` grow into members of `blocks=3`, every
cell by one block. Any other tree grows by its top lists, which are the `repeat`s outside of options and of other
`repeat`s: each extension has one item more at the end of one list. A search from small to large:

    beam = best(space.smallest().enumerate())
    while any(map(space.has_room, beam)):
        beam = best(larger for made in beam if space.has_room(made) for larger in space.grow(made))

Extensions are bound to the space of their size: for cells to the space with one block more than `architecture` has,
for lists to the space itself while it has room, then to `space.grown()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from search_spaces.algebra.compiler import Nested
from search_spaces.algebra.deciders import builds
from search_spaces.algebra.interpreter import GroupNode, ListNode, RepeatNode, SpaceNode
from search_spaces.algebra.rejection import PROVEN_UP_TO
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import NoMemberError, SpaceError
from search_spaces.parameters import Repeat

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["grow", "grown", "has_room", "smallest"]


def grow(space: Space, architecture: object) -> Iterator[Architecture]:
    """Extend an architecture by one block in every way.

    Args:
        space: the largest space of the search.
        architecture: a member of it, or of a smaller space of its family.

    Returns:
        The members with one block more that hold all its decisions, each once.

    Raises:
        SpaceError: the space has no blocks to add, or a decision of the new block is a real without step.
        NoMemberError: while iterating, when the rule refused `PROVEN_UP_TO` extensions in a row.
    """
    home = _home(space, architecture)
    made = home.validate(architecture)
    if space.blocks is not None:
        return _completed(home.grown(), home.params(made))
    return _lengthened(space, made)


def has_room(space: Space, architecture: object) -> bool:
    """Tell whether one block more fits.

    Args:
        space: the largest space of the search.
        architecture: a member of it, or of a smaller space of its family.

    Returns:
        True if the cells have fewer blocks than those of `space`, or a top list is shorter than `space` allows.

    Raises:
        SpaceError: the space has no blocks to add.
    """
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
    """Make the space with one block more.

    Args:
        space: a space of cells or of top lists.

    Returns:
        The space with one block more in each cell, or with room for one item more in each top list.

    Raises:
        SpaceError: the space has no blocks to add.
    """
    if space.blocks is not None:
        return space.resized(space.blocks + 1)
    return _relisted(space, lambda low, high: (low, high + 1))


def smallest(space: Space) -> Space:
    """Make the space with the fewest blocks.

    Args:
        space: a space of cells or of top lists.

    Returns:
        The space with one block a cell, or with top lists of their least length (at least one item).

    Raises:
        SpaceError: the space has no blocks to add.
    """
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
    """Every valid member with these decisions, all other decisions in all their values."""
    endless = next((p for p in space.parameters if p.count is None and p.name not in decisions), None)
    if endless is not None:
        raise SpaceError(f"space at {endless.path}: a real without step has no list of values; give it a step")
    return _allowed(space, map(space._bind, builds(space._root, decisions)))


def _allowed(space: Space, trees: Iterator[Architecture]) -> Iterator[Architecture]:
    """The valid ones of `trees`; `NoMemberError` where the rule refuses `PROVEN_UP_TO` trees in a row."""
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


def _lists(node: SpaceNode) -> Iterator[RepeatNode]:
    """The top lists of a compiled tree."""
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
    """The subtree at a dotted path of dict keys and list indices."""
    for key in path.split(".") if path else []:
        tree = tree[int(key)] if isinstance(tree, list) else tree[key]
    return tree


def _relisted(space: Space, bounds: Callable[[int, int], tuple[int, int]]) -> Space:
    """The same space with other bounds of its top lists."""
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
