"""Fronts and crowding distances: against their definitions, for any points, equal ones among them."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_tune.objectives.pareto import best_first, crowding, dominates, front, passes, places, ranks
from tests.nas_tune.objectives.pareto_reference import Point, beats, crowded, fronts, ordered, standing

SQUARE = [(4.0, 0.0), (3.0, 3.0), (0.0, 4.0), (2.0, 2.0), (1.0, 1.0)]
"""Three on the first front, then one after the other."""


def points_of(objectives: int) -> st.SearchStrategy[list[Point]]:
    # Powers of two: differences and their quotients are exact, so that equal distances are equal.
    number = st.sampled_from([0.0, 1.0, 2.0, 3.0, 4.0, 0.5])
    return st.lists(st.tuples(*[number] * objectives), max_size=10)


POINTS = st.integers(1, 4).flatmap(points_of)


@given(POINTS)
@settings(max_examples=30)
def test_ranks_and_the_front_are_those_of_the_definition(points: list[Point]) -> None:
    assert ranks(points).tolist() == fronts(points)
    assert sorted(front(points)) == [i for i, rank in enumerate(fronts(points)) if rank == 0]
    leading = [points[i] for i in front(points)]
    assert leading == sorted(leading, reverse=True)


@given(POINTS)
@settings(max_examples=30)
def test_places_count_the_better_ones(points: list[Point]) -> None:
    keys = [(rank, round(lonely, 9)) for rank, lonely in standing(points)]
    got = places(points).tolist()
    for i in range(len(points)):
        for j in range(len(points)):
            if keys[i] != keys[j]:
                assert (got[i] < got[j]) == (keys[i] < keys[j])
            elif points[i] == points[j]:
                assert got[i] == got[j]


@given(POINTS, st.integers(0, 14))
@settings(max_examples=30)
def test_enough_of_them_is_as_good_as_all(points: list[Point], enough: int) -> None:
    assert best_first(points, enough)[:enough] == best_first(points)[:enough]
    known = fronts(points)
    if enough:
        for rank, told in zip(known, ranks(points, enough).tolist(), strict=True):
            assert told == rank if sum(other < rank for other in known) < enough else told <= rank
    for kept in {1, len(points) // 3 or 1, len(points)} if points else ():
        assert passes(points, kept) == (places(points)[-1] < kept)


@given(POINTS, st.randoms(use_true_random=False))
@settings(max_examples=20)
def test_the_order_in_which_points_come_does_not_matter(points: list[Point], rng: random.Random) -> None:
    mixed = list(range(len(points)))
    rng.shuffle(mixed)
    again = places([points[i] for i in mixed])
    assert [int(place) for place in again] == [int(places(points)[i]) for i in mixed]
    assert [points[mixed[i]] for i in best_first([points[i] for i in mixed])] == [points[i] for i in best_first(points)]


@given(POINTS)
@settings(max_examples=20)
def test_dominance_is_nowhere_worse_and_somewhere_better(points: list[Point]) -> None:
    for one in points:
        for other in points:
            assert dominates(one, other) == beats(one, other)


def test_random_points_in_the_order_of_the_reference() -> None:
    for objectives in (2, 3):
        points = [tuple(row) for row in np.random.default_rng(objectives).random((80, objectives)).tolist()]
        assert best_first(points) == ordered(points)
        one = [point for point, rank in zip(points, fronts(points), strict=True) if rank == 0]
        assert crowding(one) == pytest.approx([crowded(one)[point] for point in one])


def test_an_example_by_hand() -> None:
    assert ranks(SQUARE).tolist() == [0, 0, 0, 1, 2]
    assert crowding(SQUARE[:3]).tolist() == [math.inf, 2.0, math.inf]
    assert best_first(SQUARE) == [0, 2, 1, 3, 4]
    assert places(SQUARE).tolist() == [0, 2, 0, 3, 4]
    assert front(SQUARE) == [0, 1, 2]


def test_of_one_objective_the_order_is_that_of_the_numbers() -> None:
    assert best_first([(1.0,), (3.0,), (2.0,), (3.0,)]) == [1, 3, 2, 0]


def test_equal_points_share_their_front_and_are_no_neighbours_of_each_other() -> None:
    twice = [SQUARE[0], SQUARE[1], SQUARE[1], SQUARE[2]]
    assert crowding(twice).tolist() == [math.inf, 2.0, 2.0, math.inf]
    assert front(twice) == [0, 1, 2, 3]


def test_nothing_has_no_front_and_the_largest_floats_have_one() -> None:
    assert (front([]), best_first([]), places([]).tolist()) == ([], [], [])
    assert best_first([(1e308, -1e308), (-1e308, 1e308), (0.0, 0.0)]) == [0, 1, 2]
