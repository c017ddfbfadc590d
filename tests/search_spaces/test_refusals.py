"""Bad spaces are refused at construction: the value, the rule and the remedy (FAULTS rows 7-11, 14, 15)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from search_spaces import ArchitectureError, Space, SpaceError, choice, const, integer, real, repeat, subset
from search_spaces.algebra.compiler import MAX_PARAMETERS


@pytest.mark.parametrize(
    ("make", "said"),
    [
        # row 7: bounds reversed, equal, not finite
        (lambda: integer(5, 1), r"integer\(5, 1\): low 5 is above high 1; swap them"),
        (lambda: integer(3, 3), r"low equals high.*const\(3\)"),
        (lambda: real(1.0, 0.5), "low 1.0 is above high 0.5; swap"),
        (lambda: real(2, 2), r"low equals high.*const\(2\)"),
        (lambda: real(0, math.nan), "high=nan is not a finite number"),
        (lambda: real(-math.inf, 0), "low=-inf is not a finite number"),
        (lambda: real(0, 10**400), "not a finite number"),
        (lambda: real(-1.7e308, 1.7e308), "wider than the largest float"),
        (lambda: integer(1, 2.0), "high=2.0 is a float, not an int; write high=2"),  # type: ignore[arg-type]
        (lambda: integer(True, 2), "low=True is a bool"),
        (lambda: real("0", 1), "low='0' is a str"),  # type: ignore[arg-type]
        (lambda: repeat("x", 3, 2), "0 <= low <= high"),
        (lambda: repeat("x", -1, 2), "0 <= low <= high"),
        (lambda: repeat("x", 0, 0), "high >= 1"),
        # row 8: a logarithm of nothing, a step that misses the high end
        (lambda: integer(0, 8, log=True), "low 0 has no logarithm"),
        (lambda: real(-1, 1, log=True), "low -1 has no logarithm"),
        (lambda: integer(16, 100, step=16), "never reach high 100; use high=96"),
        (lambda: real(0.0, 1.0, step=0.3), "never reach high 1.0; use high=0.9"),
        (lambda: integer(1, 4, step=9), "never reach high 4; use a smaller step"),
        (lambda: integer(1, 4, step=0), "a step is at least 1"),
        (lambda: real(0, 1, step=-0.1), "a step is above 0"),
        (lambda: real(1e300, 2e300, step=1e-5), "lost in a float's rounding"),
        (lambda: integer(1, 9, step=2, log=True), "no even step; drop step or log"),
        (lambda: real(0.1, 1, step=0.1, log=True), "no even step; drop step or log"),
        (lambda: subset(["a", "b"], 3), "subset of 2 options with k=3"),
        (lambda: subset(["a", "b"], 0), "between 1 and 2"),
        (lambda: subset(["a", "b"], (2, 1)), "k lies between"),
        (lambda: subset(["a", "b"], True), "k=True is a bool"),
    ],
)
def test_bounds_are_refused_where_they_are_written(make: Callable[[], object], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        make()


def test_bounds_that_only_look_wrong_are_accepted() -> None:
    assert Space({"x": real(0.1, 0.7, step=0.2)}).size == 4
    assert Space({"x": integer(-6, 3, step=3)}).size == 4
    assert Space({"x": repeat(choice(1, 2), 3, 3)}).size == 8


class Unhashable:
    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        # row 9: empty, twice, not JSON
        (choice(), "no options.*at least one"),
        (choice([]), "no options"),
        (choice({}), "no options"),
        (choice("a", "b", "a"), "'a'.*twice"),
        (choice({1, 2}, "a"), "not a set"),
        (choice(Unhashable(), "a"), "not a Unhashable"),
        (choice(max, "a"), "by a string"),
        (choice(math.nan, 1.0), "nan"),
        (subset(["a", "a"], 1), "'a'.*twice"),
        # row 10: equal in Python
        (choice(1, 1.0), "1 and 1.0.*indistinguishable"),
        (choice(True, 2, 1), "True and 1.*indistinguishable"),
        (choice(0, False), "0 and False.*indistinguishable"),
        # sub-spaces that could be confused
        (choice({"a": integer(1, 3)}, {"a": integer(3, 5)}), "could be either; name them"),
        (choice("x", choice("x", "y")), "could be either"),
        (choice([choice(1, 2)], repeat(choice(2, 3), 0, 2)), "could be either"),
        (choice(repeat("a", 0, 1), repeat("b", 0, 1)), "could be either"),
        (choice(subset(["a", "b"], 1), ["a"]), "could be either"),
        (choice({"a": choice(1, 2)}, choice({"a": choice(2, 3)})), "could be either"),
        (choice("option1", {"a": choice(1, 2)}), "'option1'.*twice"),
    ],
)
def test_options_are_refused_by_the_name_of_their_parameter(options: Any, said: str) -> None:
    with pytest.raises(SpaceError, match=said) as caught:
        Space({"layers": [{"op": options}]})
    assert "space at layers.0.op" in str(caught.value)


def test_sub_spaces_that_cannot_be_confused_are_accepted() -> None:
    Space(choice({"a": integer(1, 3)}, {"a": integer(4, 5)}, {"b": integer(1, 3)}, [1], [1, 2], "a", None))
    Space(choice({"conv": {"a": choice(1, 2)}, "pool": {"a": choice(1, 2)}, "none": {}}))


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a\nb",
        "a\0b",
        "a/b",
        "a.b",
        "a b",
        "\N{ROCKET}",
        "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "3x3",
        "x" * 10_000,
        7,
        None,
    ],
)
@pytest.mark.parametrize("kind", ["key", "option name"])
def test_names_follow_the_identifier_rule(name: Any, kind: str) -> None:  # row 14
    inner = {name: choice(1, 2)} if kind == "key" else choice({name: choice(1, 2)})
    with pytest.raises(SpaceError, match="letters, digits or _") as caught:
        Space({"outer": inner})
    assert "space at outer" in str(caught.value)
    assert kind in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("wrap", [dict, choice])
def test_names_that_differ_only_in_case_are_refused(wrap: Any) -> None:  # row 15
    with pytest.raises(SpaceError, match=r"space at outer: .*'Width' and 'width'.*only in case"):
        Space({"outer": wrap({"Width": choice(1, 2), "width": choice(1, 2)})})


def test_names_in_different_places_may_be_alike() -> None:
    space = Space({"a": {"x": choice(1, 2)}, "b": {"X": choice(1, 2)}, "c": choice({"x": {"x": choice(1, 2)}})})
    assert [parameter.name for parameter in space.parameters] == ["a.x", "b.X", "c", "c.x.x"]


@pytest.mark.parametrize("tree", [{}, [], ()])
def test_an_empty_space_is_refused(tree: object) -> None:
    with pytest.raises(SpaceError, match="empty space"):
        Space(tree)


def test_a_tree_that_contains_itself_is_refused_with_the_circle() -> None:  # row 11
    tree: dict[str, Any] = {"a": {"b": choice(1, 2)}}
    tree["a"]["c"] = tree
    with pytest.raises(SpaceError, match=r"\(root\) -> a.c"):
        Space(tree)


def test_a_tree_used_twice_is_no_circle() -> None:
    shared = {"x": choice(1, 2)}
    assert Space({"a": shared, "b": [shared, shared]}).size == 8


@pytest.mark.slow
def test_a_repeat_that_explodes_is_refused_at_once() -> None:
    with pytest.raises(SpaceError, match=f"at most {MAX_PARAMETERS}"):
        Space({"x": repeat(repeat(repeat(choice(1, 2), 1, 1000), 1, 1000), 1, 1000)})


@pytest.mark.parametrize("value", [{1, 2}, object(), math.inf, b"x", {"a": {1: 2}}])
def test_constants_are_json(value: object) -> None:
    with pytest.raises(SpaceError, match="space at a"):
        Space({"a": const(value), "b": choice(1, 2)})


def test_a_sub_space_with_rules_of_its_own_is_refused() -> None:
    inner = Space({"x": choice(1, 2)}, valid=lambda made: True)
    with pytest.raises(SpaceError, match=r"space at a: .*give them to the whole"):
        Space({"a": inner})
    assert Space({"a": Space({"x": choice(1, 2)})}).sample(0)["a"]["x"] in (1, 2)


@pytest.mark.parametrize("tree", [{"w": [8, 16, 32]}, [8, 16, 32], {"k": choice(1, 2), "w": {"v": (8, 16, 32)}}])
def test_a_list_of_plain_values_is_asked_about(tree: object) -> None:
    with pytest.raises(SpaceError, match=r"did you mean choice\(8, 16, 32\)\? .* write const\(\[8, 16, 32\]\)"):
        Space(tree)


def test_what_says_that_it_is_constant_and_old_specs_of_such_lists_are_taken() -> None:
    assert Space({"w": const([8, 16])}).size == 1
    assert Space({"k": choice((3, 5), (5, 7)), "one": [8]}).size == 2
    item = {"kind": "const", "value": 8}
    spec = Space({"w": choice(1, 2)}).to_spec()
    spec["tree"]["items"]["old"] = {"kind": "list", "items": [item, item]}
    assert Space.from_spec(spec).sample(0)["old"] == [8, 8]


@pytest.mark.parametrize("bounds", [(1e15, 1e15 + 1), (1.0, 1.0 + 1e-15), (-1.0, -1.0 + 1e-15)])
def test_bounds_between_which_there_is_hardly_a_float_are_refused(bounds: tuple[float, float]) -> None:
    with pytest.raises(SpaceError, match="too few floats"):
        real(*bounds)
    with pytest.raises(SpaceError, match=r"too few floats|no logarithm"):
        real(*bounds, log=True)


def test_a_value_is_shown_whole_up_to_120_characters() -> None:
    space = Space({"op": {"kernel": choice(3, 5)}})
    with pytest.raises(ArchitectureError, match=f" op: '{'x' * 118}' is not allowed"):
        space.validate({"op": "x" * 118})
    with pytest.raises(ArchitectureError, match=rf" op: '{'x' * 116}\.\.\. is not allowed"):
        space.validate({"op": "x" * 119})
