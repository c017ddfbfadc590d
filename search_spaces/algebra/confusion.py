"""Whether one decided tree could belong to two sub-spaces: of unnamed options a tree must show which was chosen.

The test is conservative where an exact one would cost too much: two grids of numbers whose ranges overlap count as
confusable even if they share no value.
"""

from __future__ import annotations

from search_spaces.algebra.flat import Categorical
from search_spaces.algebra.interpreter import FixedNode, GroupNode, ListNode, RepeatNode, SpaceNode, ValueNode
from search_spaces.algebra.options import ChoiceNode, Option, SubsetNode
from search_spaces.architecture import Json
from search_spaces.errors import ArchitectureError

__all__ = ["confusable"]


def confusable(left: SpaceNode, right: SpaceNode) -> bool:
    """Tell whether some tree could be a decision of both nodes.

    Args:
        left: a compiled sub-space.
        right: another one; the order does not matter.

    Returns:
        True also where a common tree is only possible, as for grids of numbers whose ranges overlap.
    """
    for one, other in ((left, right), (right, left)):
        if isinstance(one, FixedNode):
            return _holds(other, one.value)
        if isinstance(one, ChoiceNode):
            return any(_option_confusable(option, other) for option in one.options)
        if isinstance(one, ValueNode) and isinstance(one.parameter, Categorical):
            return any(_holds(other, value) for value in one.parameter.choices)
    if isinstance(left, ValueNode) and isinstance(right, ValueNode):
        a, b = left.parameter, right.parameter
        return max(a.low or 0, b.low or 0) <= min(a.high or 0, b.high or 0)
    if isinstance(left, GroupNode) and isinstance(right, GroupNode):
        same_keys = left.items.keys() == right.items.keys()
        return same_keys and all(confusable(left.items[key], right.items[key]) for key in left.items)
    return _lists_confusable(left, right)


def _option_confusable(option: Option, other: SpaceNode) -> bool:
    if option.name is None:
        return confusable(option.node, other)
    return confusable(GroupNode(option.node.path, {option.name: option.node}), other)


def _lists_confusable(left: SpaceNode, right: SpaceNode) -> bool:
    """Whether two nodes can decide to lists of one length whose items are confusable place by place."""
    a, b = _lengths(left), _lengths(right)
    if a is None or b is None:
        return False
    low, high = max(a.start, b.start), min(a.stop, b.stop)
    if low >= high:
        return False
    if isinstance(left, SubsetNode) or isinstance(right, SubsetNode):
        return True  # also of length 0 alone: both decide to the empty list
    places = zip(_places(left)[:low], _places(right)[:low], strict=True)
    return all(confusable(one, other) for one, other in places)


def _lengths(node: SpaceNode) -> range | None:
    match node:
        case ListNode():
            return range(len(node.items), len(node.items) + 1)
        case RepeatNode():
            return range(node.low, len(node.items) + 1)
        case SubsetNode():
            return range(node.low, node.high + 1)
    return None


def _places(node: SpaceNode) -> list[SpaceNode]:
    return node.items if isinstance(node, ListNode | RepeatNode) else []


def _holds(node: SpaceNode, value: Json) -> bool:
    try:
        node.trace(value, {})
    except ArchitectureError:
        return False
    return True
