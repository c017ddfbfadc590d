"""Which two sub-spaces of a choice could decide to the same tree."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces import choice, const, integer, real, repeat, subset
from search_spaces.algebra.compiler import compile_tree
from search_spaces.algebra.confusion import confusable


def node(tree: Any) -> Any:
    return compile_tree({"at": tree}).items["at"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (integer(1, 4), integer(4, 8), True),
        (integer(1, 3), integer(4, 8), False),
        (integer(1, 3), real(3, 4), True),
        (real(0, 1), real(1.5, 2), False),
        (integer(1, 3), 3, True),
        (integer(1, 3), 4, False),
        (integer(1, 3), choice(3, 9), True),
        (integer(1, 3), choice(0, 4), False),
        (choice("a", "b"), choice("b", "c"), True),
        (choice("a", "b"), choice("c", "d"), False),
        (const([1, 2]), [choice(1, 2), choice(2, 3)], True),
        (const([2, 2]), [choice(1, 3), choice(2, 3)], False),
        ({"k": choice(1, 2)}, {"k": choice(2, 3)}, True),
        ({"k": choice(1, 2)}, {"k": choice(3, 4)}, False),
        ({"k": choice(1, 2)}, {"l": choice(1, 2)}, False),
        ({"k": choice(1, 2), "l": 1}, {"k": choice(1, 2)}, False),
        ({"k": choice(1, 2)}, integer(1, 3), False),
        ({"k": choice(1, 2)}, [choice(1, 2)], False),
        ([choice(1, 2)], {"k": choice(1, 2)}, False),
        ([choice(1, 2)], integer(1, 2), False),
        ([choice(1, 2), choice(1, 2)], [choice(2, 3), choice(2, 3)], True),
        ([choice(1, 2), choice(1, 2)], [choice(2, 3), choice(3, 4)], False),
        ([choice(1, 2)], [choice(1, 2), choice(1, 2)], False),
        (repeat(choice(1, 2), 1, 3), [choice(2, 3), choice(2, 3)], True),
        (repeat(choice(1, 2), 1, 2), [choice(1, 2)] * 3, False),
        (repeat(choice(1, 2), 2, 3), [choice(1, 2)], False),
        (repeat(choice(1, 2), 1, 2), repeat(choice(2, 3), 2, 4), True),
        (repeat(choice(1, 2), 0, 2), repeat(choice(3, 4), 0, 2), True),
        (repeat(choice(1, 2), 1, 2), repeat(choice(3, 4), 1, 2), False),
        (subset(["a", "b"], 1), repeat(choice("a", "c"), 1, 2), True),
        (subset(["a", "b"], 2), repeat(choice("a", "c"), 1, 1), False),
        (subset(["a", "b"], (0, 1)), [], True),
        (subset(["a", "b"], (0, 1)), repeat(choice("c", "d"), 2, 3), False),
        (repeat(choice(1, 2), 0, 2), [], True),
        (choice({"x": 1, "y": 2}), {"x": choice(1, 3)}, True),
        (choice({"x": 1, "y": 2}), {"z": choice(1, 3)}, False),
        (choice({"k": 1}, [choice(1, 2)]), [choice(2, 3)], True),
    ],
)
def test_two_pieces_may_be_the_same_tree(left: Any, right: Any, same: bool) -> None:
    assert confusable(node(left), node(right)) is same
    assert confusable(node(right), node(left)) is same
