"""Settings of strategies and schedulers: a value on a bound is taken, and the next one beyond it is refused."""

from __future__ import annotations

import math
from typing import Any

import pytest

import search_spaces
from nas_tune import schedulers
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from nas_tune.strategies.nsga import _divisions

SPACES = {"progressive": "chain"}
BOUNDS: list[tuple[str, dict[str, Any], str, list[Any], list[Any]]] = [
    ("auto", {}, "startup", [2], [1]),
    ("auto", {}, "candidates", [1], [0]),
    ("bananas", {}, "startup", [2], [1]),
    ("bananas", {}, "ensemble", [2], [1]),
    ("bananas", {}, "candidates", [1], [0]),
    ("predictor", {}, "startup", [2], [1]),
    ("predictor", {}, "candidates", [1], [0]),
    ("predictor", {}, "explore", [2], [1]),
    ("bohb", {}, "random_fraction", [0, 1], [-0.01, 1.01]),
    ("bohb", {}, "top", [0.01, 0.99], [0, 1]),
    ("bohb", {}, "candidates", [1], [0]),
    ("bohb", {}, "min_points", [2, None], [1]),
    ("bohb", {}, "widening", [0.01], [0, -1]),
    ("cmaes", {}, "population", [4, None], [3]),
    ("gp", {}, "startup", [1], [0]),
    ("gp", {}, "memory", [2], [1]),
    ("tpe", {}, "startup", [1], [0]),
    ("tpe", {}, "candidates", [1], [0]),
    ("tpe", {}, "memory", [1], [0]),
    ("dehb", {}, "population", [4], [3]),
    ("dehb", {}, "factor", [0.01, 2], [0, 2.01]),
    ("dehb", {}, "crossover", [0, 1], [-0.01, 1.01]),
    ("dehb", {}, "held", [0, 1], [-0.01, 1.01]),
    ("evolution", {}, "population", [2], [1]),
    ("evolution", {"population": 9}, "sample", [1, 9, None], [0, 10]),
    ("genetic", {"tournament": 1, "elites": 0}, "population", [2], [1]),
    ("genetic", {"population": 9}, "tournament", [1, 9], [0, 10]),
    ("genetic", {"population": 9}, "elites", [0, 9], [-1, 10]),
    ("genetic", {}, "crossover", [0.0, 1.0], [-0.01, 1.01]),
    ("genetic", {}, "mutation", [0.0, 1.0], [-0.01, 1.01]),
    ("nsga2", {}, "population", [2], [1]),
    ("nsga2", {}, "crossover", [0, 1], [-0.01, 1.01]),
    ("nsga3", {}, "mutation", [0, 1, None], [-0.01, 1.01]),
    ("local_search", {}, "initial", [1], [0]),
    ("progressive", {}, "beam", [2], [1]),
    ("grid", {}, "points", [2, None], [1]),
    ("reinforce", {}, "units", [1], [0]),
    ("reinforce", {}, "batch", [1], [0]),
    ("reinforce", {}, "rate", [0.01], [0, math.inf, math.nan]),
    ("reinforce", {}, "entropy", [0], [-0.01, math.inf]),
    ("reinforce", {}, "decay", [0, 0.99], [1, -0.01]),
    ("reinforce", {}, "controller", ["lstm", "table"], ["gru"]),
    ("ppo", {}, "epochs", [1], [0]),
    ("ppo", {}, "clip", [0.01, 0.99], [0, 1]),
]


@pytest.mark.parametrize(
    ("name", "others", "key", "taken", "refused"), BOUNDS, ids=[f"{name}.{key}" for name, _, key, _, _ in BOUNDS]
)
def test_a_strategy_takes_its_bounds_and_nothing_beyond(
    name: str, others: dict[str, Any], key: str, taken: list[Any], refused: list[Any]
) -> None:
    space = search_spaces.get(SPACES.get(name, "nb201"))
    for value in taken:
        make(name, space, 0, {**others, key: value})
    for value in refused:
        with pytest.raises(ConfigError, match=rf"^strategy\.{key} is '?{value}'?"):
            make(name, space, 0, {**others, key: value})


EPOCHS = 9
OF_SCHEDULERS: list[tuple[str, str, list[Any], list[Any]]] = [
    ("asha", "reduction", [2], [1]),
    ("asha", "grace", [1, EPOCHS], [0, EPOCHS + 1]),
    ("asha_promote", "reduction", [2], [1]),
    ("asha_promote", "grace", [1, EPOCHS], [0, EPOCHS + 1]),
    ("hyperband", "reduction", [2], [1]),
    ("learning_curve", "grace", [1, EPOCHS], [0, EPOCHS + 1]),
    ("learning_curve", "chance", [0.01, 0.99], [0, 1]),
    ("learning_curve", "min_complete", [3], [2]),
    ("median", "grace", [1, EPOCHS], [0, EPOCHS + 1]),
    ("median", "min_trials", [1], [0]),
]


@pytest.mark.parametrize(
    ("name", "key", "taken", "refused"), OF_SCHEDULERS, ids=[f"{name}.{key}" for name, key, _, _ in OF_SCHEDULERS]
)
def test_a_scheduler_takes_its_bounds_and_nothing_beyond(
    name: str, key: str, taken: list[Any], refused: list[Any]
) -> None:
    for value in taken:
        schedulers.make(name, EPOCHS, {key: value})
    for value in refused:
        with pytest.raises(ConfigError, match=rf"scheduler\.{key} is {value}"):
            schedulers.make(name, EPOCHS, {key: value})


@pytest.mark.parametrize(
    ("objectives", "population", "parts"),
    [
        (1, 20, 1),
        (2, 20, 19),
        (2, 2, 1),
        (2, 3, 2),
        (3, 20, 4),
        (3, 15, 4),
        (3, 14, 3),
        (3, 21, 5),
        (4, 20, 3),
        (4, 3, 1),
    ],
)
def test_reference_directions_are_as_many_as_the_population_allows(
    objectives: int, population: int, parts: int
) -> None:
    assert _divisions(objectives, population) == parts
    directions = math.comb(parts + objectives - 1, objectives - 1)
    assert directions <= population or parts == 1
