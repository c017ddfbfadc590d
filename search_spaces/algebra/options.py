"""The nodes that choose among options, each a plain value or a sub-space: one of them, or some of them.

A choice among plain values only is no node of its own but a `ValueNode`. Which option a decided tree is can
always be told: named ones by their key, unnamed ones because the compiler refuses what could be confused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

from search_spaces.algebra.flat import Categorical, Parameter
from search_spaces.algebra.interpreter import Decider, FixedNode, Node
from search_spaces.architecture import Json, Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

__all__ = ["ChoiceNode", "Option", "SubsetNode"]


class Option:
    """One option of a choice or a subset: its label among the parameter's values, and what it decides to.

    `name` is the key of a named option, else None. A plain option has a `FixedNode`.
    """

    def __init__(self, label: Scalar, name: str | None, node: Node) -> None:
        self.label = label
        self.name = name
        self.node = node

    def build(self, decide: Decider) -> Json:
        decided = self.node.build(decide)
        return decided if self.name is None else {self.name: decided}

    def trace(self, tree: object, record: dict[str, Scalar]) -> bool:
        """Whether `tree` is this option; if so, its decisions are in `record`. Only a named one raises."""
        if self.name is not None:
            if not (isinstance(tree, dict) and len(tree) == 1 and self.name in tree):
                return False
            self.node.trace(tree[self.name], record)
            return True
        inside: dict[str, Scalar] = {}
        try:
            self.node.trace(tree, inside)
        except ArchitectureError:
            return False
        record.update(inside)
        return True

    def said(self) -> str:
        if self.name is not None:
            return f"{{{self.name!r}: ..}}"
        return repr(self.node.value) if isinstance(self.node, FixedNode) else f"a sub-space ({self.label})"


class ChoiceNode(Node):
    """One of several options, at least one of them a sub-space; the parameter's values are the labels."""

    def __init__(self, path: str, parameter: Categorical, options: list[Option]) -> None:
        super().__init__(path)
        self.parameter = parameter
        self.options = options
        self._by_label = {option.label: option for option in options}

    def build(self, decide: Decider) -> Json:
        return self._by_label[decide(self.parameter)].build(decide)

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        option = _find_option(self, self.options, tree, record)
        record[self.parameter.name] = option.label

    def size(self) -> int | None:
        sizes = [option.node.size() for option in self.options]
        return None if None in sizes else sum(size or 0 for size in sizes)

    def parameters(self) -> Iterator[Parameter]:
        yield self.parameter
        for option in self.options:
            yield from option.node.parameters()

    def children(self) -> Iterator[Node]:
        return (option.node for option in self.options)


class SubsetNode(Node):
    """`low` to `high` of several options: one flag an option, active while both answers are possible."""

    def __init__(
        self, path: str, name: str, flags: list[Categorical], options: list[Option], low: int, high: int
    ) -> None:
        super().__init__(path)
        self.name = name
        self.flags = flags
        self.options = options
        self.low = low
        self.high = high
        self._by_text = {
            option.node.value: option
            for option in options
            if option.name is None and isinstance(option.node, FixedNode) and isinstance(option.node.value, str)
        }

    def build(self, decide: Decider) -> Json:
        chosen: list[Json] = []
        count, low, high = len(self.options), self.low, self.high
        for index, option in enumerate(self.options):
            picked, left = len(chosen), count - index
            if picked == high:
                break
            if picked + left <= low or decide(self.flags[index], _odds(low, high, picked, left)):
                chosen.append(option.build(decide))
        return chosen

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        if not isinstance(tree, list) or not self.low <= len(tree) <= self.high:
            many = str(self.low) if self.low == self.high else f"{self.low} to {self.high}"
            raise self.refuse(tree, f"a list of {many} different options stands here")
        found = {id(self._option(item, record)) for item in tree}
        if len(found) != len(tree):
            raise self.refuse(tree, "an option stands in a subset once")
        record.update(self.flagged({index for index, option in enumerate(self.options) if id(option) in found}))

    def size(self) -> int | None:
        sizes = [option.node.size() for option in self.options]
        if None in sizes:
            return None
        ways = [1] + [0] * self.high
        for size in sizes:
            for taken in range(self.high, 0, -1):
                ways[taken] += ways[taken - 1] * (size or 0)
        return sum(ways[self.low :])

    def parameters(self) -> Iterator[Parameter]:
        for flag, option in zip(self.flags, self.options, strict=True):
            yield flag
            yield from option.node.parameters()

    def children(self) -> Iterator[Node]:
        return (option.node for option in self.options)

    def subsets(self) -> Iterator[SubsetNode]:
        yield self
        yield from super().subsets()

    def flagged(self, chosen: set[int]) -> dict[str, Scalar]:
        """The active flags that choose the options with these indices."""
        flags: dict[str, Scalar] = {}
        picked = 0
        for index, flag in enumerate(self.flags):
            if picked < self.high and picked + len(self.flags) - index > self.low:
                flags[flag.name] = index in chosen
            picked += index in chosen
        return flags

    def chosen(self, decisions: dict[str, Scalar]) -> set[int]:
        """The indices of the options that these decisions choose."""
        chosen: set[int] = set()
        for index, flag in enumerate(self.flags):
            forced = len(chosen) + len(self.flags) - index <= self.low
            if len(chosen) < self.high and (forced or decisions.get(flag.name, False)):
                chosen.add(index)
        return chosen

    def _option(self, tree: object, record: dict[str, Scalar]) -> Option:
        """The one option that `tree` is; texts, which most are, are looked up."""
        known = self._by_text.get(tree) if isinstance(tree, str) else None
        return known or _find_option(self, self.options, tree, record)


@cache
def _odds(low: int, high: int, picked: int, left: int) -> float:
    """The share of the remaining subsets of `low` to `high` options that hold the next one."""
    need, room = max(low - picked, 0), high - picked
    if need == room:
        return need / left
    rest = left - 1
    with_it = sum(math.comb(rest, taken - 1) for taken in range(max(need, 1), min(room, left) + 1))
    without = sum(math.comb(rest, taken) for taken in range(need, min(room, rest) + 1))
    return with_it / (with_it + without)


def _find_option(node: Node, options: list[Option], tree: object, record: dict[str, Scalar]) -> Option:
    """The one option that `tree` is, its decisions recorded; `ArchitectureError` when it is none of them."""
    for option in options:
        if option.trace(tree, record):
            return option
    unnamed = [o for o in options if o.name is None and not isinstance(o.node, FixedNode)]
    if isinstance(tree, dict | list) and len(unnamed) == 1:
        unnamed[0].node.trace(tree, {})
    known = [str(option.name or option.label) for option in options]
    written = next(iter(tree), None) if isinstance(tree, dict) else tree
    close = did_you_mean(written, known) if isinstance(written, str) else ""
    raise node.refuse(tree, f"allowed: {', '.join(option.said() for option in options)}{close}")
