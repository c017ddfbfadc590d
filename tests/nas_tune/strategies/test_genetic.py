"""The genetic algorithm: generations by number, parents that won, elites that stay."""

from __future__ import annotations

import random

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies.genetic import GeneticSampler
from nas_tune.strategies.history import Finished
from search_spaces import Architecture, Space
from tests.nas_tune.strategies.studies import proposer, search
from tests.toys import quality

NB201 = search_spaces.get("nb201")


class Past:
    """A history of these scores, one trial each."""

    def __init__(self, scores: list[float]) -> None:
        self._finished = [Finished(number, NB201.sample(number), score) for number, score in enumerate(scores)]

    def finished(self) -> list[Finished]:
        return self._finished


def parents(scores: list[float], number: int, **settings: int) -> list[int]:
    sampler = GeneticSampler(NB201, 0, **settings)
    return [trial.number for trial in sampler._parents(Past(scores), number)]  # type: ignore[arg-type]


def test_a_generation_is_born_of_the_one_before_and_its_elites() -> None:
    scores = [5, 9, 1, 8, 2, 3, 4, 1, 7, 6]
    settings = {"population": 4, "tournament": 2, "elites": 2}
    assert parents(scores, 3, **settings) == []
    assert parents(scores, 5, **settings) == [0, 1, 2, 3]
    assert parents(scores, 8, **settings) == [1, 3, 4, 5, 6, 7]
    # 8 and 9 are of the generation that is being born: they are nobody's parents yet.
    assert parents(scores, 10, **settings) == [1, 3, 4, 5, 6, 7]
    assert parents(scores, 12, **settings) == [1, 3, 8, 9]


def test_a_generation_that_failed_leaves_the_parents_as_they_are() -> None:
    assert parents([1, 2, 3, 4], 17, population=4, tournament=2) == [0, 1, 2, 3]


def distance(one: Architecture, other: Architecture) -> int:
    return sum(one[edge] != other[edge] for edge in one)


def test_children_of_crossing_alone_have_every_decision_from_a_parent() -> None:
    sampler = GeneticSampler(NB201, 1, crossover=1.0, mutation=0.0)
    a, b = NB201.sample(1), NB201.sample(2)
    both = [Finished(0, a, 1.0), Finished(1, b, 1.0)]
    children = [sampler._child(both) for _ in range(50)]
    assert all(child[edge] in (a[edge], b[edge]) for child in children for edge in child)
    assert len(set(children)) > 5


def test_a_child_of_one_parent_is_one_mutation_away() -> None:
    sampler = GeneticSampler(NB201, 1, crossover=0.0, mutation=0.0)
    parent = NB201.sample(1)
    assert {distance(parent, sampler._child([Finished(0, parent, 1.0)])) for _ in range(20)} == {1}


@pytest.mark.parametrize(("tournament", "least", "most"), [(1, 0.05, 0.15), (8, 0.5, 0.65)])
def test_the_better_win_tournaments(tournament: int, least: float, most: float) -> None:
    living = [Finished(number, NB201.sample(number), number) for number in range(10)]
    sampler = GeneticSampler(NB201, 3, population=10, tournament=tournament)
    best = living[-1].architecture
    assert least < sum(sampler._winner(living) == best for _ in range(1000)) / 1000 < most


def test_nothing_is_proposed_twice() -> None:
    found = search(proposer(NB201, "genetic", 4, {"population": 5, "tournament": 5, "mutation": 0.0}), quality, 80)
    assert len({made.id for made, _ in found}) == 80


def test_a_space_of_one_member_has_one_child() -> None:
    space = Space({"op": search_spaces.choice("a")})
    only = space.sample(random.Random(0))
    sampler = GeneticSampler(space, 0, population=2, tournament=1, mutation=1.0)
    assert sampler._child([Finished(0, only, 1.0)]) == only


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"population": 1}, "strategy.population is 1; a generation needs at least 2"),
        ({"tournament": 21}, "strategy.tournament is 21; it lies between 1 and population = 20"),
        ({"elites": -1}, "strategy.elites is -1"),
        ({"crossover": 1.5}, "strategy.crossover is 1.5; it is a chance, from 0 to 1"),
        ({"mutation": float("nan")}, "strategy.mutation is nan"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        GeneticSampler(NB201, 0, **settings)  # type: ignore[arg-type]
