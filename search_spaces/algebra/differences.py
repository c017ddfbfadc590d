"""How two members of a space differ: a distance for predictors and diversity, and a text for a reader.

Both compare the trees decision by decision. Two numbers differ by their distance on the parameter's scale from 0 to 1,
two options by 0 or 1, two subsets by the share of options that only one of them has (1 - intersection / union). A
decision that only one member has counts 1. The items of lists are aligned first, so that an inserted layer is one
difference and not many.

The distance is the mean over the decisions that either member has; decisions of one unit (`Space._crossing_unit`: a
node of a cell) are averaged into one before. It is 0 for equal ids, at most 1, and symmetric. It need not satisfy the
triangle inequality.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from search_spaces.algebra.flat import Categorical, Parameter
from search_spaces.algebra.interpreter import GroupNode, ListNode, RepeatNode, SpaceNode, ValueNode
from search_spaces.algebra.options import ChoiceNode, SubsetNode
from search_spaces.architecture import Architecture, Json, Scalar

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["Difference", "diff", "differences", "distance"]

Decisions: TypeAlias = "dict[str, Scalar] | None"
"""The decisions of one member by parameter name; None if it does not have this part of the tree."""
Pair: TypeAlias = "tuple[int | None, int | None]"
"""The indices of two aligned list items; None for an item that is only in the other list."""
_LONG = 8
"""Characters of a number that is rounded for a reader."""


class _Inactive:
    def __repr__(self) -> str:
        return "(inactive)"


INACTIVE = _Inactive()


@dataclass(frozen=True, slots=True)
class Difference:
    """One decision on both sides. `before` and `after` are "(inactive)" where a side does not have it.

    Attributes:
        parameter: the parameter, as the side names it that has the decision (the first one, if both have).
        path: its place in the tree before.
        moved: its place in the tree after; it differs from `path` inside lists only.
        before: the value before; a subset's is the list of its options.
        after: the value after.
        amount: how far the two are apart, 0 to 1.
        put_in: whether it is in a list item that has no partner before.
    """

    parameter: Parameter
    path: str
    moved: str
    before: Json | _Inactive
    after: Json | _Inactive
    amount: float
    put_in: bool = False


def distance(space: Space, a: Architecture, b: Architecture) -> float:
    """Measure how far apart two members are.

    Args:
        space: the space of both.
        a: a validated member.
        b: another one; the order does not matter.

    Returns:
        0 (equal ids) to 1, as defined at the top of this module.
    """
    if a.id == b.id:
        return 0.0
    first, second = sorted((a, b), key=Architecture.to_json)
    units: dict[tuple[str, bool], list[float]] = defaultdict(list)
    for found in differences(space, first, second):
        units[space._crossing_unit(found.parameter), found.put_in].append(found.amount)
    return sum(sum(amounts) / len(amounts) for amounts in units.values()) / len(units)


def diff(space: Space, a: Architecture, b: Architecture) -> str:
    """Describe what differs between two members.

    Args:
        space: the space of both.
        a: the validated member before.
        b: the architecture after the change.

    Returns:
        One line a decision, `path: before -> after`; "equal" for equal trees. Trees of one id get a first line that
        says so.
    """
    if a == b:
        return "equal"
    lines = [_line(found) for found in differences(space, a, b) if found.before != found.after]
    if a.id == b.id:
        lines.insert(0, f"the same architecture (id {a.id}), spelled in two ways:")
    return "\n".join(lines)


def differences(space: Space, a: Architecture, b: Architecture) -> list[Difference]:
    """Compare two members decision by decision.

    Args:
        space: the space of both.
        a: the validated member before.
        b: the architecture after the change.

    Returns:
        Every decision that either of them has, equal ones included, in the order of the tree.
    """
    return list(_compared(space._root, space._root, space.params(a), space.params(b)))


def _line(found: Difference) -> str:
    now = "" if found.moved == found.path else f" (now {found.moved})"
    before, after = _rounded(found.before), _rounded(found.after)
    if before == after:
        before, after = _said(found.before), _said(found.after)
    return f"{found.path or '(root)'}{now}: {before} -> {after}"


def _rounded(value: Json | _Inactive) -> str:
    """Four digits of a number that was drawn from a range, such as 0.25034710394718407."""
    said = _said(value)
    return f"{value:.4g}" if isinstance(value, float) and len(said) > _LONG else said


def _said(value: Json | _Inactive) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_said, value))}]"
    return value if isinstance(value, str) else repr(value)


def _compared(one: SpaceNode, other: SpaceNode, a: Decisions, b: Decisions) -> Iterator[Difference]:
    """The differences in one part of the tree, compiled as `one` for the member `a` and as `other` for `b`."""
    if isinstance(one, GroupNode | ListNode):
        for mine, yours in zip(one.children(), other.children(), strict=True):
            yield from _compared(mine, yours, a, b)
    elif isinstance(one, ValueNode):
        yield _decision(one, other, one.parameter, a, b)
    elif isinstance(one, ChoiceNode) and isinstance(other, ChoiceNode):
        yield from _compared_choices(one, other, a, b)
    elif isinstance(one, SubsetNode) and isinstance(other, SubsetNode):
        yield from _compared_subsets(one, other, a, b)
    elif isinstance(one, RepeatNode) and isinstance(other, RepeatNode):
        yield from _compared_lists(one, other, a, b)


def _decision(one: SpaceNode, other: SpaceNode, parameter: Parameter, a: Decisions, b: Decisions) -> Difference:
    """The difference in one parameter. Its name inside a list item holds the index, so each side has its own."""
    theirs = next(other.parameters())
    before = INACTIVE if a is None else a[parameter.name]
    after = INACTIVE if b is None else b[theirs.name]
    known = theirs if a is None else parameter
    return Difference(
        known,
        one.path if a is not None else other.path,
        other.path if b is not None else one.path,
        before,
        after,
        _apart(parameter, before, after),
    )


def _apart(parameter: Parameter, before: Scalar | _Inactive, after: Scalar | _Inactive) -> float:
    if isinstance(before, _Inactive) or isinstance(after, _Inactive):
        return 1.0
    if isinstance(parameter, Categorical):
        return float(before != after)
    return abs(parameter.to_units(before)[0] - parameter.to_units(after)[0])


def _compared_choices(one: ChoiceNode, other: ChoiceNode, a: Decisions, b: Decisions) -> Iterator[Difference]:
    found = _decision(one, other, one.parameter, a, b)
    yield found
    for mine, yours in zip(one.options, other.options, strict=True):
        before, after = mine.label == found.before, mine.label == found.after
        if before or after:
            yield from _compared(mine.node, yours.node, a if before else None, b if after else None)


def _compared_subsets(one: SubsetNode, other: SubsetNode, a: Decisions, b: Decisions) -> Iterator[Difference]:
    before = set() if a is None else one.chosen(a)
    after = set() if b is None else other.chosen(b)
    either = before | after
    known = one if a is not None else other
    yield Difference(
        known.flags[0],
        known.path,
        other.path if b is not None else known.path,
        INACTIVE if a is None else [one.options[index].label for index in sorted(before)],
        INACTIVE if b is None else [other.options[index].label for index in sorted(after)],
        1.0 if a is None or b is None else len(before ^ after) / (len(either) or 1),
    )
    for index in sorted(either):
        mine, yours = one.options[index].node, other.options[index].node
        yield from _compared(mine, yours, a if index in before else None, b if index in after else None)


def _compared_lists(one: RepeatNode, other: RepeatNode, a: Decisions, b: Decisions) -> Iterator[Difference]:
    if one.parameter is not None:
        yield _decision(one, other, one.parameter, a, b)
    mine, yours = one.items[: _length(one, a)], other.items[: _length(other, b)]
    paired = [[list(_compared(left, right, a, b)) for right in yours] for left in mine]
    left_out = [list(_compared(left, left, a, None)) for left in mine]
    put_in = [[replace(found, put_in=True) for found in _compared(right, right, None, b)] for right in yours]
    costs = [list(map(_total, row)) for row in paired]
    for i, j in _aligned(costs, list(map(_total, left_out)), list(map(_total, put_in))):
        if i is not None and j is not None:
            yield from paired[i][j]
        elif i is not None:
            yield from left_out[i]
        elif j is not None:
            yield from put_in[j]


def _length(node: RepeatNode, decisions: Decisions) -> int:
    if decisions is None:
        return 0
    return node.low if node.parameter is None else int(decisions[node.parameter.name] or 0)


def _total(found: Sequence[Difference]) -> float:
    return sum(difference.amount for difference in found)


def _aligned(paired: list[list[float]], left_out: list[float], put_in: list[float]) -> list[Pair]:
    """The cheapest alignment of two lists, by dynamic programming from their ends.

    `paired[i][j]` is the cost of a pair, `left_out[i]` and `put_in[j]` are the costs of an item that only one list
    has. Among equally cheap alignments the one with the most pairs wins, then the one that pairs the first items.
    """
    rows, columns = len(left_out), len(put_in)
    best: dict[tuple[int, int], tuple[float, int]] = {(rows, columns): (0.0, 0)}
    step: dict[tuple[int, int], Pair] = {}
    for i in range(rows, -1, -1):
        for j in range(columns, -1, -1):
            ways: list[tuple[tuple[float, int], int, Pair]] = []
            if i < rows and j < columns:
                cost, alone = best[i + 1, j + 1]
                ways.append(((round(cost + paired[i][j], 9), alone), 0, (i, j)))
            if i < rows:
                cost, alone = best[i + 1, j]
                ways.append(((round(cost + left_out[i], 9), alone + 1), 1, (i, None)))
            if j < columns:
                cost, alone = best[i, j + 1]
                ways.append(((round(cost + put_in[j], 9), alone + 1), 2, (None, j)))
            if ways:
                best[i, j], _, step[i, j] = min(ways, key=lambda way: way[:2])
    return _followed(step)


def _followed(step: dict[tuple[int, int], Pair]) -> list[Pair]:
    path: list[Pair] = []
    i = j = 0
    while (i, j) in step:
        here = step[i, j]
        path.append(here)
        i, j = i + (here[0] is not None), j + (here[1] is not None)
    return path
