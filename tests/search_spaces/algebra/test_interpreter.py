"""The nodes of a space's tree by themselves: what each refuses, in which words, and how many trees it counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from search_spaces import Space, choice, integer, real, repeat
from search_spaces.algebra.interpreter import FixedNode, GroupNode, ListNode, RepeatNode, product_of
from search_spaces.errors import ArchitectureError


def space(tree: Any) -> Space:
    return Space({"a": tree})


def refused(tree: Any, given: Any) -> str:
    with pytest.raises(ArchitectureError) as caught:
        space(tree).validate({"a": given})
    return str(caught.value)


def test_a_list_of_a_decided_length_says_between_which_lengths() -> None:
    assert "a list of 2 to 4 is needed here" in refused(repeat(choice(1, 2), 2, 4), [1])
    assert "a list of 2 to 4 is needed here" in refused(repeat(choice(1, 2), 2, 4), [1] * 5)
    assert "a list of 3 is needed here" in refused(repeat(choice(1, 2), 3, 3), [1] * 2)
    assert "a list of 3 is needed here" in refused(repeat(choice(1, 2), 3, 3), "ab")
    assert "a list of 2 is needed here" in refused([choice(1, 2), 5], [1])
    assert "a list of 2 is needed here" in refused([choice(1, 2), 5], (1, 5, 5))


@pytest.mark.parametrize("length", [2, 3, 4])
def test_a_list_of_a_decided_length_takes_both_ends(length: int) -> None:
    taken = space(repeat(choice(1, 2), 2, 4)).validate({"a": [1] * length})
    assert len(taken["a"]) == length  # type: ignore[arg-type]


@pytest.mark.parametrize(("given", "fixed"), [(True, 1), (1, True), (0, False), ([1], [1, 2]), ({"b": 1}, {"c": 1})])
def test_a_constant_is_itself_alone(given: Any, fixed: Any) -> None:
    node = FixedNode("a", fixed)
    with pytest.raises(ArchitectureError, match="it is fixed to "):
        node.trace(given, {})


@pytest.mark.parametrize(
    ("given", "fixed"), [(1.0, 1), (True, True), ([1.0, {"b": 2}], [1, {"b": 2.0}]), (None, None), ("x", "x")]
)
def test_a_constant_is_equal_as_json_is(given: Any, fixed: Any) -> None:
    record: dict[str, Any] = {}
    FixedNode("a", fixed).trace(given, record)
    assert record == {}


def test_a_group_names_the_key_that_is_missing_and_the_one_too_many() -> None:
    tree = {"depth": choice(1, 2), "width": 3}
    assert "the key 'width' is missing" in refused(tree, {"depth": 1})
    extra = refused(tree, {"depth": 1, "width": 3, "dept": 1})
    assert "'dept' is not allowed; the keys are depth, width" in extra
    assert "did you mean 'depth'" in extra
    assert "a dict with the keys depth, width is needed here" in refused(tree, [1, 3])
    with pytest.raises(ArchitectureError, match=r"a dict with the keys \(none\) is needed here"):
        GroupNode("", {}).trace([], {})
    with pytest.raises(ArchitectureError, match=r"the keys are \(none\)"):
        GroupNode("", {}).trace({"b": 1}, {})


@pytest.mark.parametrize(("length", "is_cut"), [(118, False), (119, True)])
def test_a_long_value_is_cut_in_messages(length: int, is_cut: bool) -> None:
    said = str(FixedNode("a", 1).refuse("x" * length, "no"))
    whole = repr("x" * length)
    assert (whole in said) is not is_cut
    assert ("..." in said) is is_cut
    if is_cut:
        assert whole[:117] + "... is not allowed; no" in said


def test_members_are_counted() -> None:
    assert space(repeat(choice(1, 2, 3), 0, 3)).size == 1 + 3 + 9 + 27
    assert space(repeat(choice(1, 2, 3), 2, 2)).size == 9
    assert space([integer(1, 4), choice(1, 2)]).size == 8
    assert space(repeat(real(0, 1), 1, 2)).size is None
    assert space({"b": real(0, 1), "c": choice(1, 2)}).size is None
    assert product_of([]) == 1
    assert product_of([2, 3, 4]) == 24
    assert product_of([2, None]) is None


def test_the_length_is_recorded_first_and_only_where_it_is_decided() -> None:
    def recorded(tree: Any, given: Any) -> Mapping[str, Any]:
        return space(tree).params({"a": given})

    assert [*recorded(repeat(choice(1, 2), 1, 2), [2]).values()] == [1, 2]
    assert [*recorded(repeat(choice(1, 2), 2, 2), [2, 1]).values()] == [2, 1]


def test_nodes_are_walked_in_the_order_of_the_tree() -> None:
    items = [FixedNode(f"a.{place}", place) for place in range(3)]
    assert [*ListNode("a", [*items]).children()] == items
    assert [*GroupNode("", {"b": items[2], "a": items[0]}).children()] == [items[2], items[0]]
    assert [*RepeatNode("a", None, [*items], 3).children()] == items
    assert RepeatNode("a", None, [*items], 2).build(lambda parameter, odds=None: 0) == [0, 1]
    assert [*items[0].children()] == [*items[0].parameters()] == [*items[0].subsets()] == []
