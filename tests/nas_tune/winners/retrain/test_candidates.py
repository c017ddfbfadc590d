"""The random architectures beside the chosen: of equal cost, another one each, and what is said where there is none."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from nas_tune.winners.retrain.candidates import Candidate, baselines_of
from search_spaces import Architecture, Space, choice

FIRST = Candidate({"width": 0}, "chosen", 0, 0.5, parameters=100)


def drawn(costs: Sequence[int], count: int = 1, seed: int = 0) -> tuple[list[Candidate], list[str], list[int]]:
    """The baselines from a space of so many members, what is said, and the costs in the order they were asked for."""
    space, asked = Space({"width": choice(*range(len(costs)))}), list[int]()

    def parameters(member: Architecture) -> int:
        asked.append(costs[member["width"]])
        return asked[-1]

    found, notes = baselines_of(space, count, FIRST, [], parameters, seed)
    return found, notes, asked


@pytest.mark.parametrize("cost", [90, 100, 110])
def test_a_tenth_more_or_less_is_the_same_cost(cost: int) -> None:
    found, notes, asked = drawn([cost, cost])
    assert ([one.parameters for one in found], notes) == ([cost], [])
    assert len(asked) == 1, "the first that costs as much is taken"


@pytest.mark.parametrize(("cost", "told"), [(89, "-11%"), (111, "+11%"), (200, "+100%")])
def test_what_costs_more_or_less_is_taken_with_a_word(cost: int, told: str) -> None:
    found, notes, asked = drawn([cost, cost])
    assert [one.parameters for one in found] == [cost]
    assert len(asked) == 200
    assert notes == [f"no random architecture of 200 has the same cost: the closest has {told} parameters"]


def test_of_two_that_are_as_far_the_first_drawn_is_taken() -> None:
    for seed in range(4):
        first = Space({"width": choice(0, 1)}).sample(random.Random(seed))["width"]
        found, _, _ = drawn([80, 120], seed=seed)
        assert found[0].tree == {"width": first}


def test_the_closest_is_taken_and_no_member_twice() -> None:
    found, notes, _ = drawn([300, 95, 150, 105], count=5)
    assert [one.parameters for one in found[:2]] in ([95, 105], [105, 95])
    assert [one.parameters for one in found[2:]] == [150, 300]
    assert notes[-1] == "the space has no further architecture: 4 of 5 baselines"
    assert len({str(one.tree) for one in found}) == 4
