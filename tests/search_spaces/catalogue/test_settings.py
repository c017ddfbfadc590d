"""Settings of a family: a value on a bound is allowed, one beyond it is refused with the rule and an example."""

from __future__ import annotations

from typing import Any

import pytest

from search_spaces.catalogue.settings import (
    check_kernels,
    check_names,
    check_numbers,
    check_operations,
    check_range,
    check_shares,
)
from search_spaces.errors import SpaceError


@pytest.mark.parametrize("given", [[1], (1, 2), range(1, 4), [0.5], [1e-9, 3]])
def test_numbers_above_0_are_allowed(given: Any) -> None:
    check_numbers("widths", given, (8, 16))
    if all(isinstance(one, int) for one in given):
        check_numbers("widths", given, (8, 16), whole=True)


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("given", "wrong"), [([0], "0"), ([4, -1], "-1"), ([True], "True"), (["4"], "'4'"), ([float("nan")], "nan")]
)
def test_other_numbers_are_refused(given: Any, wrong: str, whole: bool) -> None:
    kind = "whole number" if whole else "number"
    with pytest.raises(SpaceError, match=rf"^widths=.*: {wrong} is not a {kind} above 0; give some such as \[8, 16\]"):
        check_numbers("widths", given, (8, 16), whole=whole)


@pytest.mark.parametrize("given", [[], (), range(0), None, 3, "8", {8: 1}])
def test_only_a_list_of_at_least_one_number_is_one(given: Any) -> None:
    with pytest.raises(SpaceError, match=r"^widths=.*: give a list of numbers above 0, such as \[8, 16\]"):
        check_numbers("widths", given, (8, 16))
    with pytest.raises(SpaceError, match=r"give a list of whole numbers above 0"):
        check_numbers("widths", given, (8, 16), whole=True)


def test_halves_are_no_whole_numbers() -> None:
    with pytest.raises(SpaceError, match=r"1.5 is not a whole number above 0"):
        check_numbers("widths", [1, 1.5], (8, 16), whole=True)


def test_kernels_are_odd() -> None:
    check_kernels([1, 3, 7], (3, 5))
    with pytest.raises(SpaceError, match=r"^kernels=\[3, 4\]: 4 is even, .* give odd numbers"):
        check_kernels([3, 4], (3, 5))
    with pytest.raises(SpaceError, match=r"-3 is not a whole number above 0; give some such as \[3, 5\]"):
        check_kernels([-3], (3, 5))


def test_shares_lie_from_0_to_below_1() -> None:
    check_shares("dropouts", [0, 0.0, 0.5, 0.999], (0.0, 0.1))
    for wrong in (1, 1.0, -0.001, True, False, "0.1"):
        with pytest.raises(SpaceError, match=rf"^dropouts=.*: {wrong!r} is not a share from 0 to below 1; give some"):
            check_shares("dropouts", [0.5, wrong], (0.0, 0.1))  # type: ignore[list-item]
    for given in ([], (), 0.5, None):
        with pytest.raises(SpaceError, match=r"give a list of shares from 0 to below 1, such as \[0.0, 0.1\]"):
            check_shares("dropouts", given, (0.0, 0.1))


def test_names_are_those_that_are_known_unless_any_will_do() -> None:
    check_names("activations", ["relu"], ("relu", "gelu"))
    check_names("activations", ("relu", "gelu"), ("relu", "gelu"))
    check_names("activations", ["other"], ("relu", "gelu"), known=False)
    with pytest.raises(SpaceError, match=r"'rely' is unknown; did you mean 'relu'\?.* known: relu, gelu"):
        check_names("activations", ["gelu", "rely"], ("relu", "gelu"))
    with pytest.raises(SpaceError, match=r"'xyz' is unknown; known: relu, gelu"):
        check_names("activations", ["xyz"], ("relu", "gelu"))
    for given in ([], "relu", ["relu", 3], None):
        for known in (True, False):
            with pytest.raises(SpaceError, match=r"give a list of names, such as \['relu', 'gelu'\]"):
                check_names("activations", given, ("relu", "gelu"), known=known)


def test_a_range_has_its_lesser_end_first() -> None:
    check_range("depths", (1, 1), (1, 4))
    check_range("depths", [1, 3], (1, 4))
    with pytest.raises(SpaceError, match=r"^depths=\(0, 3\): there is at least one block; raise the first number"):
        check_range("depths", (0, 3), (1, 4))
    with pytest.raises(SpaceError, match=r"^depths=\(3, 2\): the least is above the greatest; swap them"):
        check_range("depths", (3, 2), (1, 4))
    for given in (3, (1,), (1, 2, 3), (1.0, 2.5), ("1", "2"), None):
        with pytest.raises(SpaceError, match=r"give the least and the greatest, such as \(1, 4\)"):
            check_range("depths", given, (1, 4))


def test_operations_are_known_and_named_once() -> None:
    assert check_operations(["b", "a"], ("a", "b")) == ("b", "a")
    assert check_operations(("a",), ("a", "b")) == ("a",)
    for given in ([], ["a", "a"], "a", None):
        with pytest.raises(SpaceError, match=r"^edges=.*: give a list of at least one name, each once"):
            check_operations(given, ("a", "b"), "edges")  # type: ignore[arg-type]
    with pytest.raises(SpaceError, match=r"^operations: 'convv' is unknown; did you mean 'conv'\?; known: conv, skip"):
        check_operations(["skip", "convv"], ("conv", "skip"))
