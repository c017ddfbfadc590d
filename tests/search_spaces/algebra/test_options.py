"""Choices and subsets: subsets are equally likely, flags and choices are inverse, and sizes are counted."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations
from math import comb
from typing import Any

import pytest

from search_spaces import ArchitectureError, Space, choice, real, subset
from search_spaces.algebra.options import SubsetNode, _odds

BOUNDS = [(0, 4), (1, 1), (2, 2), (1, 3), (0, 2), (4, 4), (3, 4), (0, 0 + 1)]


def node(count: int, low: int, high: int) -> SubsetNode:
    space = Space({"s": subset([f"o{place}" for place in range(count)], (low, high))})
    (found,) = space._root.subsets()
    return found


@pytest.mark.parametrize(("low", "high"), [(0, 5), (1, 1), (2, 2), (1, 3), (0, 2), (3, 5), (2, 4)])
def test_the_odds_of_an_option_are_those_of_counting(low: int, high: int) -> None:
    for picked in range(high):
        for left in range(1, 6 - picked):
            if picked + left <= low:
                continue
            sets = [one for size in range(left + 1) for one in combinations(range(left), size)]
            fitting = [one for one in sets if low <= picked + len(one) <= high]
            wanted = sum(0 in one for one in fitting) / len(fitting)
            assert _odds(low, high, picked, left) == pytest.approx(wanted), (picked, left)


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_every_subset_is_drawn_equally_often(low: int, high: int) -> None:
    space = Space({"s": subset(("a", "b", "c", "d"), (low, high))})
    total = sum(comb(4, size) for size in range(low, high + 1))
    assert space.size == total
    rng = random.Random(0)
    drawn = Counter(tuple(space.sample(rng)["s"]) for _ in range(200 * total))
    assert len(drawn) == total
    assert all(130 < count < 275 for count in drawn.values())


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_flags_and_choices_are_inverse(low: int, high: int) -> None:
    found = node(4, low, high)
    seen = set()
    for size in range(low, high + 1):
        for chosen in combinations(range(4), size):
            flags = found.flagged(set(chosen))
            assert found.chosen(flags) == set(chosen)
            seen.add(tuple(sorted(flags.items())))
    assert len(seen) == sum(comb(4, size) for size in range(low, high + 1)), "no two subsets have the same flags"


def test_a_flag_is_active_while_both_its_values_are_possible() -> None:
    assert node(4, 4, 4).flagged({0, 1, 2, 3}) == {}
    assert node(3, 1, 1).flagged({0}) == {"s.0": True}
    assert node(3, 1, 1).flagged({2}) == {"s.0": False, "s.1": False}
    assert node(3, 0, 2).flagged({0, 1}) == {"s.0": True, "s.1": True}
    assert node(3, 0, 2).flagged({2}) == {"s.0": False, "s.1": False, "s.2": True}
    assert node(3, 1, 1).chosen({}) == {2}, "the last one is forced"
    assert node(3, 0, 1).chosen({"s.0": True, "s.1": True}) == {0}, "no more than the greatest number"


def test_subsets_of_sub_spaces_multiply_their_sizes() -> None:
    space = Space({"s": subset({"a": choice(1, 2), "b": choice(1, 2, 3), "c": {}}, (1, 2))})
    assert space.size == (2 + 3 + 1) + (2 * 3 + 2 * 1 + 3 * 1) == len(list(space.enumerate()))
    assert Space({"s": subset({"a": real(0.0, 1.0), "b": {}}, (1, 1))}).size is None
    assert Space({"c": choice({"a": real(0.0, 1.0), "b": {}})}).size is None
    assert Space({"c": choice({"a": choice(1, 2), "b": {}})}).size == 3


@pytest.mark.parametrize(
    ("bounds", "tree", "said"),
    [
        ((1, 2), [], "a list of 1 to 2 different options is needed here"),
        ((1, 2), ["a", "b", "c"], "a list of 1 to 2 different options is needed here"),
        ((2, 2), ["a"], "a list of 2 different options is needed here"),
        ((1, 2), "a", "a list of 1 to 2 different options is needed here"),
        ((1, 2), ["a", "a"], "an option occurs at most once in a subset"),
        ((1, 2), ["x"], "allowed"),
    ],
)
def test_other_lists_are_refused(bounds: tuple[int, int], tree: Any, said: str) -> None:
    space = Space({"s": subset(("a", "b", "c"), bounds)})
    with pytest.raises(ArchitectureError, match=said):
        space.validate({"s": tree})
    assert space.validate({"s": ["c", "a"][: bounds[1]]})["s"] == ["a", "c"]
