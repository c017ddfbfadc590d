"""Who is better where trainings are of different lengths: by hand, and as properties of every mix of them."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nas_tune.objectives.pareto import dominates
from nas_tune.objectives.standings import Result, contenders, in_order, standings, uneven


def stopped(epochs: int, *scores: float) -> Result:
    return Result(scores, epochs, False)


def complete(epochs: int, *scores: float) -> Result:
    return Result(scores, epochs, True)


def values(results: list[Result]) -> list[float]:
    return [results[place].scores[0] for place in in_order(results)]


def mixes(objectives: int) -> st.SearchStrategy[list[Result]]:
    score = st.sampled_from([0.1, 0.2, 0.3, 0.4, 0.5])
    one = st.builds(Result, st.tuples(*[score] * objectives), st.sampled_from([1, 3, 5, 9]), st.booleans())
    return st.lists(one, max_size=12)


@pytest.mark.parametrize(
    ("results", "wanted"),
    [
        pytest.param(
            [complete(1, 0.94), complete(1, 0.016), stopped(1, 0.78), stopped(1, 0.63)],
            [0.94, 0.78, 0.63, 0.016],
            id="all as long: by value",
        ),
        pytest.param(
            [complete(1, 0.1), complete(9, 0.5), stopped(1, 0.9)],
            [0.5, 0.9, 0.1],
            id="behind the longer, before the worse and no longer",
        ),
        pytest.param(
            [complete(2, 0.1), stopped(3, 0.2), stopped(1, 0.9)], [0.2, 0.1, 0.9], id="stopped ones keep their order"
        ),
        pytest.param([complete(5, 0.9), complete(9, 0.8)], [0.9, 0.8], id="complete ones by value"),
        pytest.param([complete(2, 0.1), stopped(1, 0.9)], [0.1, 0.9], id="a longer one comes first, however bad"),
        pytest.param([complete(1, 0.5), complete(9, 0.4), stopped(3, 0.6)], [0.5, 0.4, 0.6], id="a circle"),
        pytest.param([complete(9, 0.4), stopped(3, 0.6), complete(1, 0.4)], [0.4, 0.6, 0.4], id="a circle of equals"),
        pytest.param(
            [stopped(27, 0.9), stopped(27, 0.3), stopped(9, 0.8), complete(81, 0.5)], [0.5, 0.9, 0.3, 0.8], id="as ever"
        ),
        pytest.param([], [], id="nothing"),
    ],
)
def test_an_order_by_hand(results: list[Result], wanted: list[float]) -> None:
    for shuffled in permutations(results[:4]):
        assert values(list(shuffled)) == wanted


@pytest.mark.slow
@given(mixes(1))
def test_of_one_objective_the_rule_holds_for_every_pair(results: list[Result]) -> None:
    order = in_order(results)
    assert sorted(order) == list(range(len(results)))
    place = {member: at for at, member in enumerate(order)}
    for a, one in enumerate(results):
        for b, other in enumerate(results):
            if one.complete and other.complete and one.scores[0] > other.scores[0]:
                assert place[a] < place[b]
            if one.epochs > other.epochs and not other.complete:
                assert place[a] < place[b]
            if not one.complete and other.complete and one.epochs >= other.epochs and one.scores[0] > other.scores[0]:
                between = [results[m] for m in order[place[b] + 1 : place[a]]]
                # Behind it only because a longer one is, too.
                assert place[a] < place[b] or any(m.epochs > one.epochs for m in between)


@pytest.mark.slow
@settings(max_examples=60)
@given(mixes(2))
def test_of_several_objectives_no_one_stands_behind_what_it_dominates(results: list[Result]) -> None:
    order = in_order(results)
    assert sorted(order) == list(range(len(results)))
    assert in_order(results, 3) == order[:3]
    place = {member: at for at, member in enumerate(order)}
    for a, one in enumerate(results):
        for b, other in enumerate(results):
            if one.epochs > other.epochs and not other.complete:
                assert place[a] < place[b]
            if one.complete == other.complete and one.epochs == other.epochs and dominates(one.scores, other.scores):
                assert place[a] < place[b]


@pytest.mark.slow
@settings(max_examples=60)
@given(st.one_of(mixes(1), mixes(2)))
def test_standings_are_the_same_order_with_ties(results: list[Result]) -> None:
    found, order = standings(results), in_order(results)
    assert [found[member] for member in order] == sorted(found)
    assert all(found.count(place) and sum(other < place for other in found) == place for place in found)


def test_only_complete_ones_and_those_that_are_as_long_contend() -> None:
    results = [complete(3, 0.1), stopped(3, 0.2), stopped(1, 0.9), complete(2, 0.3)]
    assert contenders(results) == [0, 1, 3]
    assert contenders([stopped(3, 0.2)]) == []
    assert uneven(results)
    assert not uneven([complete(3, 0.1), stopped(2, 0.2)])
