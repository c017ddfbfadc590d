"""The interpreter of a space's tree: it turns decisions into a tree, and a tree back into decisions.

A compiled node holds its path and its flat parameters. `build(decide)` calls `decide(parameter, odds)` for every
active decision in the order of the tree, and returns the decided tree; the decider may be a random generator, an
Optuna trial, a dict, a vector or an enumeration. `trace(tree, record)` is the inverse: it checks a tree and writes the
active decisions into `record`. Both walk the same nodes, so they agree.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from search_spaces.algebra.flat import IntegerRange, Parameter
from search_spaces.architecture import Json, Scalar
from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

if TYPE_CHECKING:
    from search_spaces.algebra.options import SubsetNode

__all__ = ["Decider", "FixedNode", "GroupNode", "ListNode", "RepeatNode", "SpaceNode", "ValueNode", "product_of"]


class Decider(Protocol):
    """Decides one parameter: returns a value of it. `odds` is the chance of True that makes subsets equally likely."""

    def __call__(self, parameter: Parameter, odds: float | None = None, /) -> Scalar: ...


class SpaceNode(ABC):
    """A compiled piece of a space.

    Args:
        path: its dotted place in the decided tree; empty at the root.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    @abstractmethod
    def build(self, decide: Decider) -> Json:
        """Decide every active parameter, in the order of the tree.

        Args:
            decide: returns a value for a parameter.

        Returns:
            The decided tree.
        """

    @abstractmethod
    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        """Check a decided tree, and record its active decisions.

        Args:
            tree: the tree of this node, as plain JSON.
            record: gets a value by parameter name.

        Raises:
            ArchitectureError: the tree does not belong to this node.
        """

    @abstractmethod
    def size(self) -> int | None:
        """Count the decided trees.

        Returns:
            The number of different sets of decisions; None where a real makes it infinite.
        """

    @abstractmethod
    def parameters(self) -> Iterator[Parameter]:
        """Walk the parameters at and below this node.

        Yields:
            Every parameter that can be active, in the order of the tree.
        """

    def children(self) -> Iterator[SpaceNode]:
        """Walk the nodes right below.

        Returns:
            The nodes in the order of the tree.
        """
        return iter(())

    def subsets(self) -> Iterator[SubsetNode]:
        """Walk the subsets.

        Yields:
            Every subset at or below this node.
        """
        for node in self.children():
            yield from node.subsets()

    def refuse(self, value: object, rule: str) -> ArchitectureError:
        """Make the error for a value at this node.

        Args:
            value: the value that does not belong here; its text is cut after 120 characters.
            rule: what is allowed.

        Returns:
            The error, to be raised by the caller.
        """
        text = repr(value)
        shown = text if len(text) <= 120 else f"{text[:117]}..."
        return ArchitectureError(self.path, f"{shown} is not allowed; {rule}")


class FixedNode(SpaceNode):
    """A constant.

    Args:
        path: its dotted place in the decided tree.
        value: the JSON value.
    """

    def __init__(self, path: str, value: Json) -> None:
        super().__init__(path)
        self.value = value

    def build(self, decide: Decider) -> Json:
        return self.value

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        if not _same(tree, self.value):
            raise self.refuse(tree, f"it is fixed to {self.value!r}")

    def size(self) -> int | None:
        return 1

    def parameters(self) -> Iterator[Parameter]:
        return iter(())


class ValueNode(SpaceNode):
    """One parameter whose value is in the tree: a number, or a choice among plain values.

    Args:
        path: its dotted place in the decided tree.
        parameter: the parameter.
    """

    def __init__(self, path: str, parameter: Parameter) -> None:
        super().__init__(path)
        self.parameter = parameter

    def build(self, decide: Decider) -> Json:
        return decide(self.parameter)

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        record[self.parameter.name] = self.parameter.read(tree)

    def size(self) -> int | None:
        return self.parameter.count

    def parameters(self) -> Iterator[Parameter]:
        yield self.parameter


class GroupNode(SpaceNode):
    """A dict.

    Args:
        path: its dotted place in the decided tree.
        items: the node of each key, in the order of the tree.
    """

    def __init__(self, path: str, items: dict[str, SpaceNode]) -> None:
        super().__init__(path)
        self.items = items
        self._builds = [(key, node.build) for key, node in items.items()]

    def build(self, decide: Decider) -> Json:
        return {key: build(decide) for key, build in self._builds}

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        if not isinstance(tree, dict):
            raise self.refuse(tree, f"a dict with the keys {', '.join(self.items) or '(none)'} is needed here")
        for key, node in self.items.items():
            if key not in tree:
                raise self.refuse(tree, f"the key {key!r} is missing")
            node.trace(tree[key], record)
        if len(tree) != len(self.items):
            extra = next(key for key in tree if key not in self.items)
            raise self.refuse(
                extra, f"the keys are {', '.join(self.items) or '(none)'}{did_you_mean(extra, self.items)}"
            )

    def size(self) -> int | None:
        return product_of(node.size() for node in self.items.values())

    def parameters(self) -> Iterator[Parameter]:
        for node in self.items.values():
            yield from node.parameters()

    def children(self) -> Iterator[SpaceNode]:
        return iter(self.items.values())


class ListNode(SpaceNode):
    """A list of fixed length.

    Args:
        path: its dotted place in the decided tree.
        items: the node of each item.
    """

    def __init__(self, path: str, items: list[SpaceNode]) -> None:
        super().__init__(path)
        self.items = items

    def build(self, decide: Decider) -> Json:
        return [node.build(decide) for node in self.items]

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        if not isinstance(tree, list) or len(tree) != len(self.items):
            raise self.refuse(tree, f"a list of {len(self.items)} is needed here")
        for node, item in zip(self.items, tree, strict=True):
            node.trace(item, record)

    def size(self) -> int | None:
        return product_of(node.size() for node in self.items)

    def parameters(self) -> Iterator[Parameter]:
        for node in self.items:
            yield from node.parameters()

    def children(self) -> Iterator[SpaceNode]:
        return iter(self.items)


class RepeatNode(SpaceNode):
    """A list whose length is a decision (unless low equals high).

    Args:
        path: its dotted place in the decided tree.
        parameter: the length; None if it is fixed.
        items: one node for each place, as many as the longest list has.
        low: the least length.
    """

    def __init__(self, path: str, parameter: IntegerRange | None, items: list[SpaceNode], low: int) -> None:
        super().__init__(path)
        self.parameter = parameter
        self.items = items
        self.low = low

    def build(self, decide: Decider) -> Json:
        count: Any = self.low if self.parameter is None else decide(self.parameter)
        return [node.build(decide) for node in self.items[:count]]

    def trace(self, tree: object, record: dict[str, Scalar]) -> None:
        if not isinstance(tree, list) or not self.low <= len(tree) <= len(self.items):
            many = str(self.low) if self.parameter is None else f"{self.low} to {len(self.items)}"
            raise self.refuse(tree, f"a list of {many} is needed here")
        if self.parameter is not None:
            record[self.parameter.name] = len(tree)
        for node, item in zip(self.items, tree, strict=False):
            node.trace(item, record)

    def size(self) -> int | None:
        each = self.items[0].size()
        return None if each is None else sum(each**count for count in range(self.low, len(self.items) + 1))

    def parameters(self) -> Iterator[Parameter]:
        if self.parameter is not None:
            yield self.parameter
        for node in self.items:
            yield from node.parameters()

    def children(self) -> Iterator[SpaceNode]:
        return iter(self.items)


def _same(left: object, right: object) -> bool:
    """Whether two JSON values are equal; 1.0 equals 1, but True does not."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same, left, right))
    return left == right


def product_of(sizes: Iterable[int | None]) -> int | None:
    """Multiply sizes of which some may be infinite.

    Args:
        sizes: numbers of trees; None for infinitely many.

    Returns:
        The product; None if one of them is None.
    """
    total = 1
    for size in sizes:
        if size is None:
            return None
        total *= size
    return total
