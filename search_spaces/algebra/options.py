"""The nodes of `choice` and `subset`, whose options are plain values or sub-spaces.

A choice among plain values only is a `ValueNode`. Every decided tree belongs to one option: its key tells named ones
apart, and the compiler refuses unnamed ones that could be confused.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache

from search_spaces.algebra.flat import Categorical, Parameter
from search_spaces.algebra.interpreter import Decider, FixedNode, SpaceNode
from search_spaces.architecture import Json, Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

__all__ = ["ChoiceNode", "Option", "SubsetNode"]


class Option:
    """One option of a choice or a subset.

    Args:
        label: its value in the parameter.
        name: its key, of a named option; else None.
        node: what it decides to: a `FixedNode` for a plain option, else its sub-space.
    """

    def __init__(self, label: Scalar, name: str | None, node: SpaceNode) -> None:
        self.label = label
        self.name = name
        self.node = node

    def build(self, decide: Decider) -> Json:
        """Decide the option.

        Args:
            decide: returns a value for a parameter.

        Returns:
            The decided tree; of a named option `{name: tree}`.
        """
        decided = self.node.build(decide)
        return decided if self.name is None else {self.name: decided}

    def trace(self, tree: object, record: dict[str, Scalar]) -> bool:
        """Check whether a tree belongs to this option.

        Args:
            tree: a decided tree, as plain JSON.
            record: gets the active decisions inside, by parameter name, if it does.

        Returns:
            True if it does.

        Raises:
            ArchitectureError: the tree has the name of this option, but does not belong to its sub-space.
        """
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

    @property
    def text(self) -> str:
        """The option as messages show it."""
        if self.name is not None:
            return f"{{{self.name!r}: ..}}"
        return repr(self.node.value) if isinstance(self.node, FixedNode) else f"a sub-space ({self.label})"


class ChoiceNode(SpaceNode):
    """One of several options, at least one of them a sub-space.

    Args:
        path: its dotted place in the decided tree.
        parameter: its values are the labels of the options.
        options: the options, in their order.
    """

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

    def children(self) -> Iterator[SpaceNode]:
        return (option.node for option in self.options)


class SubsetNode(SpaceNode):
    """`low` to `high` of several options, each with a flag. A flag is active while both its values are possible.

    Args:
        path: its dotted place in the decided tree.
        name: the name of the subset, the `group` of its flags.
        flags: one parameter for each option: whether it is chosen.
        options: the options, in their order.
        low: the least number of chosen options.
        high: the greatest number of chosen options.
    """

    def __init__(
        self, path: str, name: str, flags: list[Categorical], options: list[Option], low: int, high: int
    ) -> None:
        super().__init__(path)
        self.name = name
        self.flags = flags
        self.options = options
        self.low = low
        self.high = high
        self._by_text: dict[str, Option] = {}
        for option in options:
            value = option.node.value if isinstance(option.node, FixedNode) else None
            if option.name is None and isinstance(value, str):
                self._by_text[value] = option

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
            raise self.refuse(tree, f"a list of {many} different options is needed here")
        found = {id(self._option(item, record)) for item in tree}
        if len(found) != len(tree):
            raise self.refuse(tree, "an option occurs at most once in a subset")
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

    def children(self) -> Iterator[SpaceNode]:
        return (option.node for option in self.options)

    def subsets(self) -> Iterator[SubsetNode]:
        yield self
        yield from super().subsets()

    def flagged(self, chosen: set[int]) -> dict[str, Scalar]:
        """Encode a choice of options as flags.

        Args:
            chosen: the indices of the options.

        Returns:
            The active flags, by parameter name.
        """
        flags: dict[str, Scalar] = {}
        picked = 0
        for index, flag in enumerate(self.flags):
            if picked < self.high and picked + len(self.flags) - index > self.low:
                flags[flag.name] = index in chosen
            picked += index in chosen
        return flags

    def chosen(self, decisions: dict[str, Scalar]) -> set[int]:
        """Decode flags; the inverse of `flagged`.

        Args:
            decisions: values by parameter name; a missing flag is False.

        Returns:
            The indices of the chosen options.
        """
        chosen: set[int] = set()
        for index, flag in enumerate(self.flags):
            forced = len(chosen) + len(self.flags) - index <= self.low
            if len(chosen) < self.high and (forced or decisions.get(flag.name, False)):
                chosen.add(index)
        return chosen

    def _option(self, tree: object, record: dict[str, Scalar]) -> Option:
        """The option that `tree` belongs to; a text is looked up, since most options are texts."""
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


def _find_option(node: SpaceNode, options: list[Option], tree: object, record: dict[str, Scalar]) -> Option:
    """The option that `tree` belongs to, its decisions recorded; `ArchitectureError` where it belongs to none."""
    for option in options:
        if option.trace(tree, record):
            return option
    unnamed = []
    for o in options:
        if o.name is None and not isinstance(o.node, FixedNode):
            unnamed.append(o)
    if isinstance(tree, dict | list) and len(unnamed) == 1:
        unnamed[0].node.trace(tree, {})
    known = [str(option.name or option.label) for option in options]
    written = next(iter(tree), None) if isinstance(tree, dict) else tree
    close = did_you_mean(written, known) if isinstance(written, str) else ""
    raise node.refuse(tree, f"allowed: {', '.join(option.text for option in options)}{close}")
