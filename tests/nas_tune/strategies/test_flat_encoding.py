"""Flat encodings: a value for every decision, active or not, and vectors that decode to what is wanted."""

from __future__ import annotations

import random

import pytest

from nas_tune.strategies.flat_encoding import FlatEncoding
from search_spaces import Space, choice, integer, real
from tests.toys import conditional_space, ruled_space

SPACE = Space({"op": choice("a", "b", "c"), "x": real(0.0, 1.0), "n": integer(1, 5)})


def test_parameters_stand_one_after_another() -> None:
    encoding = FlatEncoding(SPACE)
    assert encoding.slices == {"op": slice(0, 3), "x": slice(3, 4), "n": slice(4, 5)}
    assert encoding.width == 5 == len(SPACE.encode(SPACE.sample(0))[0])


def test_inactive_parameters_have_their_first_value_or_a_drawn_one() -> None:
    encoding = FlatEncoding(conditional_space())
    pool = conditional_space().validate({"head": {"pool": {}}, "width": 16})
    first = {"head": "pool", "head.conv.kernel": 3, "head.conv.depth": 1, "head.attention.heads": 1, "width": 16}
    assert encoding.filled(pool) == first
    drawn = [encoding.filled(pool, random.Random(seed)) for seed in range(30)]
    assert {one["head.conv.kernel"] for one in drawn} == {3, 5, 7}
    assert all((one["head"], one["width"]) == ("pool", 16) for one in drawn)
    assert all(encoding.member(one) == pool for one in drawn)
    whole = SPACE.sample(1)
    assert encoding.filled(pool, random.Random(0)) == drawn[0]
    assert FlatEncoding(SPACE).filled(whole) == SPACE.params(whole)


def test_what_a_rule_refuses_becomes_the_nearest_member() -> None:
    encoding = FlatEncoding(ruled_space())
    assert encoding.allowed({"a": 2, "b": 3}) == encoding.member({"a": 2, "b": 3})
    assert encoding.allowed({"a": 4, "b": 4}) is None
    found = encoding.member({"a": 4, "b": 3})
    assert found == encoding.nearest({"a": 4, "b": 3})
    assert found["a"] + found["b"] == 5
    assert abs(found["a"] - 4) + abs(found["b"] - 3) == 2
    assert dict(encoding.nearest({"a": 3}).tree) == {"a": 3, "b": 1}, "a missing value counts as zeros"


@pytest.mark.parametrize(
    ("numbers", "active", "agrees"),
    [
        ([0.1, 0.8, 0.3, 0.5, 1.0], {"op": "b", "n": 5}, True),
        ([0.1, 0.8, 0.3, 0.5, 1.0], {"op": "c", "n": 5}, False),
        ([0.1, 0.8, 0.3, 0.5, 1.0], {"op": "b", "n": 4}, False),
        ([0.1, 0.8, 0.3, 0.5, 1.0], {"n": 5}, True),
        ([0.1, 0.8, 0.3, 0.5, 1.0], {}, True),
    ],
)
def test_a_vector_agrees_if_every_active_value_does(
    numbers: list[float], active: dict[str, object], agrees: bool
) -> None:
    assert FlatEncoding(SPACE).agrees(numbers, active) is agrees


def test_a_vector_is_corrected_as_little_as_needed() -> None:
    encoding, numbers = FlatEncoding(SPACE), [0.1, 0.8, 0.3, 0.5, 0.9]
    assert encoding.corrected(numbers, {"op": "c"}) == [0.1, 0.3, 0.8, 0.5, 0.9], "the greatest number is swapped"
    assert encoding.corrected(numbers, {"op": "b", "n": 5}) == numbers
    assert encoding.corrected(numbers, {}) == numbers
    low = encoding.corrected(numbers, {"n": 1, "x": 0.25})
    assert low[:4] == [0.1, 0.8, 0.3, 0.25]
    assert encoding.agrees(low, {"n": 1, "x": 0.25, "op": "b"})
    assert numbers == [0.1, 0.8, 0.3, 0.5, 0.9], "the vector that was given stays"
