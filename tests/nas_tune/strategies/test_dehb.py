"""Differential evolution on budgets; what every strategy promises is tested with the others."""

from __future__ import annotations

import numpy as np
import pytest

from nas_tune.errors import ConfigError
from nas_tune.strategies.dehb import Dehb
from nas_tune.strategies.history import ScoreCurve
from search_spaces import Space, choice, integer, real, subset
from tests.nas_tune.strategies.studies import proposer, search
from tests.toys import conditional_space, quality

MIXED = Space(
    {"op": choice("a", "b", "c", "d"), "width": integer(8, 64, step=8), "rate": real(1e-4, 1.0, log=True)}, name="mixed"
)
PICKED = Space({"picked": subset({f"edge_{i}": choice("x", "y", "z") for i in range(5)}, 2)}, name="picked")


@pytest.mark.parametrize("space", [MIXED, PICKED, conditional_space()], ids=lambda space: space.name)
def test_an_architecture_comes_back_from_its_vector(space: Space) -> None:
    strategy = Dehb(space, 0)
    for seed in range(30):
        made = space.sample(seed)
        vector = strategy._vector(made)
        assert vector.shape == (len(space.parameters),)
        assert ((vector >= 0) & (vector <= 1)).all()
        assert strategy._member(vector).id == made.id


def curve(number: int, **scores: float) -> ScoreCurve:
    return ScoreCurve(number, MIXED.sample(number), {int(epoch[1:]): score for epoch, score in scores.items()})


def test_the_highest_budget_with_enough_holders_breeds() -> None:
    strategy = Dehb(MIXED, 0, population=4, held=0.75)
    low = [curve(n, e1=n / 10) for n in range(4)]
    assert strategy._holders(low[:2]) == {}
    assert strategy._holders(low) == {n: low[n].architecture for n in range(4)}
    high = [curve(n, e1=0.1, e3=0.5) for n in range(4, 6)]
    # At epoch 3 are two, too few: the better of each place at epoch 1 hold it.
    assert strategy._holders([*low, *high]) == {
        0: high[0].architecture,
        1: high[1].architecture,
        2: low[2].architecture,
        3: low[3].architecture,
    }
    third = curve(6, e1=0.9, e3=0.1)
    assert strategy._holders([*low, *high, third]) == {
        n: made.architecture for n, made in ((0, high[0]), (1, high[1]), (2, third))
    }


def test_a_child_is_of_its_place_where_the_mutant_is_not_taken() -> None:
    strategy = Dehb(MIXED, 3, population=4, crossover=0.0)
    holders = {n: MIXED.sample(n) for n in range(4)}
    for place in range(4):
        child, parent = strategy._child(holders, place), holders[place]
        # One decision is always the mutant's.
        assert sum(child[name] != parent[name] for name in ("op", "width", "rate")) <= 1


def test_equal_parents_have_their_like() -> None:
    same = MIXED.sample(1)
    strategy = Dehb(MIXED, 0, population=4)
    children = [strategy._child(dict.fromkeys(range(4), same), 0) for _ in range(40)]
    # Numbers do not move without differences; options may, within what their share of 0..1 allows.
    assert {child["width"] for child in children} == {same["width"]}
    assert np.mean([child["op"] == same["op"] for child in children]) > 0.5


def test_it_climbs_where_random_search_does_not() -> None:
    space = Space(
        {f"op_{i}": choice("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3") for i in range(8)}, name="o"
    )

    def last(name: str) -> float:
        found = search(proposer(space, name, seed=1), quality, 120)
        return sum(value for _, value in found[-20:]) / 20

    assert last("dehb") > last("random") + 0.15


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"population": 3}, "strategy.population is 3; a mutant has 3 parents, so it is at least 4"),
        ({"factor": 0.0}, "strategy.factor is 0; it lies above 0 and up to 2"),
        ({"crossover": 1.5}, "strategy.crossover is 1.5; it lies between 0 and 1"),
        ({"held": -0.1}, "strategy.held is -0.1; it lies between 0 and 1"),
    ],
)
def test_settings_out_of_their_range_are_refused(settings: dict[str, float], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Dehb(MIXED, 0, **settings)  # type: ignore[arg-type]
