"""One rule says what a whole number is, wherever one is asked for."""

from __future__ import annotations

import pytest

import search_spaces
from search_spaces.errors import SpaceError
from search_spaces.whole_numbers import is_whole


@pytest.mark.parametrize("value", [0, 3, -2, 10**400])
def test_ints_are_whole(value: int) -> None:
    assert is_whole(value)


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None])
def test_anything_else_is_not(value: object) -> None:
    assert not is_whole(value)


def test_bounds_belong_to_what_is_allowed() -> None:
    assert [number for number in range(6) if is_whole(number, 2, 4)] == [2, 3, 4]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("enas_macro", {"layers": True}),
        ("nb101", {"max_edges": True}),
        ("darts", {"nodes": True}),
        ("mlp", {"min_width": True}),
        ("resnet", {"stages": True}),
    ],
)
def test_true_is_no_number_of_things(name: str, settings: dict[str, object]) -> None:
    with pytest.raises(SpaceError, match="True"):
        search_spaces.get(name, **settings)
