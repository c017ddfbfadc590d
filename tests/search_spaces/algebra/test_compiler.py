"""The rules of the language of spaces: what each message names, and where a rule begins to hold."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces import Space, choice, const, integer, real, repeat, subset
from search_spaces.algebra import compiler
from search_spaces.algebra.compiler import compile_tree
from search_spaces.errors import SpaceError


def names(tree: Any) -> list[str]:
    return [parameter.name for parameter in compile_tree(tree).parameters()]


def refusal(tree: Any) -> str:
    with pytest.raises(SpaceError) as caught:
        compile_tree(tree)
    return str(caught.value)


def test_parameters_are_named_by_their_paths() -> None:
    assert names({"a": choice(1, 2), "b": {"c": integer(1, 3), "d": real(0, 1)}}) == ["a", "b.c", "b.d"]
    assert names([choice(1, 2), choice(3, 4)]) == ["0", "1"]
    assert names(choice(1, 2)) == ["root"]
    assert names(Space(choice(1, 2))) == ["root"]
    assert names(Space({"a": choice(1, 2)})) == ["a"]
    assert names({"a": choice({"x": {"k": choice(3, 5)}, "y": 1})}) == ["a", "a.x.k"]
    assert names({"a": choice({"k": choice(3, 5)}, [choice(1, 2)])}) == ["a", "a.option0.k", "a.option1.0"]
    assert names({"a": subset(["p", "q", "r"], (1, 2))}) == ["a.0", "a.1", "a.2"]
    assert names({"a": repeat(choice(1, 2), 1, 2)}) == ["a", "a.0", "a.1"]
    assert names({"a": repeat(choice(1, 2), 2, 2)}) == ["a.0", "a.1"]
    assert names({"a": const([1, 2]), "b": 3, "c": choice(1)}) == ["c"]


@pytest.mark.parametrize("tree", [{}, [], ()])
def test_an_empty_tree_decides_nothing(tree: Any) -> None:
    assert "an empty space has nothing to decide; declare at least one parameter" in refusal(tree)
    assert names({"a": tree, "b": choice(1, 2)}) == ["b"]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"w": [8, 16]}, "space at w: [8, 16]: a list of plain values decides nothing: did you mean choice(8, 16)?"),
        ([True, "a"], "space at its root: [True, 'a']: a list of plain values decides nothing"),
        ({"w": (1, 2, 3, 4, 5)}, "[1, 2, 3, 4, 5]: a list"),
        ({"w": [1, 2, 3, 4, 5, 6]}, "[1, 2, 3, 4, 5, ..]: a list"),
    ],
)
def test_a_list_of_plain_values_most_likely_stands_for_a_choice(tree: Any, said: str) -> None:
    assert said in refusal(tree)


def test_lists_that_say_something_else_are_taken() -> None:
    assert names({"a": [8], "b": [8, None], "c": [8, choice(1, 2)], "d": const([8, 16])}) == ["c.1"]


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"a b": choice(1, 2)}, "key 'a b'"),
        ({3: choice(1, 2)}, "key 3"),
        ({"a": choice({"x y": 1, "z": 2})}, "space at a: option name 'x y'"),
        ({"Kernel": choice(1, 2), "kernel": choice(1, 2)}, "keys 'Kernel' and 'kernel': they differ only in case"),
        ({"a": choice({"X": 1, "x": 2})}, "option names 'X' and 'x': they differ only in case"),
        ({"a": choice(1, 1)}, "space at a: 1: the option occurs twice"),
        ({"a": choice(1, True)}, "1 and True: these options are equal in Python"),
        ({"a": choice(1, 1.0)}, "1 and 1.0: these options are equal in Python"),
        ({"a": choice(1, print)}, "an option is JSON or a sub-space, not a builtin_function_or_method"),
        ({"a": choice({"k": choice(1, 2)}, {"k": choice(2, 3)})}, "a decided tree could be either; name them"),
        ({"a": choice(subset(["x", "y"], (0, 1)), [])}, "a decided tree could be either; name them"),
        ({"a": print}, "name it by a string instead"),
        ({"a": Space({"b": choice(1, 2)}, valid=lambda one: True)}, "must not have `valid` or `canonical`"),
        ({"a": Space({"b": choice(1, 2)}, canonical=lambda tree: tree)}, "must not have `valid` or `canonical`"),
        ({"a": choice({"b": 1}), "A": choice(1, 2)}, "they differ only in case"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_its_place(tree: Any, said: str) -> None:
    assert said in refusal(tree)


def test_options_may_be_alike_where_they_have_names_or_cannot_be_confused() -> None:
    assert names({"a": choice({"x": {"k": choice(1, 2)}, "y": {"k": choice(2, 3)}})}) == ["a", "a.x.k", "a.y.k"]
    assert names({"a": choice({"k": choice(1, 2)}, {"l": choice(2, 3)})}) == ["a", "a.option0.k", "a.option1.l"]
    assert names({"a": choice(1, "1", None)}) == ["a"]


def test_a_tree_that_contains_itself_is_refused_with_the_circle() -> None:
    tree: dict[str, Any] = {"a": choice(1, 2)}
    tree["b"] = {"c": tree}
    assert "(root) -> b.c: the tree contains itself; write repeat(..) for repetition" in refusal(tree)
    inner: list[Any] = [choice(1, 2)]
    inner.append({"d": inner})
    assert "a -> a.1.d: the tree contains itself" in refusal({"a": inner})


def test_the_same_piece_may_stand_in_several_places() -> None:
    piece = {"k": choice(3, 5)}
    assert names({"a": piece, "b": piece}) == ["a.k", "b.k"]


def test_the_most_parameters_of_a_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiler, "MAX_PARAMETERS", 6)
    for tree in ({"a": repeat(1, 1, 6)}, {"a": repeat(choice(1, 2), 3, 3)}, {"a": choice(1, 2), "b": repeat(0, 1, 5)}):
        compile_tree(tree)
    assert "space at b: too many parameters: a space has at most 6" in refusal({"a": repeat(1, 1, 6), "b": real(0, 1)})
    assert "space at a.2: too many parameters" in refusal({"a": repeat(integer(1, 2), 4, 4)})
    assert "space at a: too many parameters" in refusal({"a": subset([*range(7)], 2)})
    compile_tree({"a": subset([*range(6)], 2)})
