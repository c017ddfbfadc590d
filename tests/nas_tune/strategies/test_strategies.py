"""Strategies by name, and what is promised of random search, evolution and TPE beside the conformance of all."""

from __future__ import annotations

import statistics

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from search_spaces import Architecture
from search_spaces.errors import UnknownNameError
from tests.nas_tune.strategies.studies import proposer, search
from tests.toys import conditional_space, quality, tiny_space

FAST = {"evolution": {"population": 6, "sample": 3}, "tpe": {"startup": 5}, "random": {}}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tpe", "evolution"])
def test_what_learns_beats_chance(name: str) -> None:
    """Mean of the best of 60, over five seeds, on a target of six additive decisions."""
    space = search_spaces.get("nb201")

    def mean_best(strategy: str) -> float:
        runs = [search(proposer(space, strategy, seed, FAST[strategy]), quality, 60) for seed in range(5)]
        return statistics.mean(statistics.mean(sorted(value for _, value in run)[-10:]) for run in runs)

    assert mean_best(name) > mean_best("random") + 0.05


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tpe", "evolution"])
def test_minimizing_goes_the_other_way(name: str) -> None:
    space = search_spaces.get("nb201")
    found = search(proposer(space, name, 0, FAST[name], mode="min"), quality, 60)
    late, early = ([value for _, value in part] for part in (found[40:], found[:10]))
    assert statistics.mean(late) < statistics.mean(early) - 0.05


def test_random_is_uniform_over_the_decisions() -> None:
    drawn = [made["op"] for made, _ in search(proposer(tiny_space(), "random"), quality, 300)]
    assert all(70 < drawn.count(op) < 130 for op in "abc")


@pytest.mark.slow
def test_tpe_learns_what_stands_under_a_condition() -> None:
    """55 % of conditional parameters are drawn at random by a TPE that does not group."""

    def kernel_matters(made: Architecture) -> float:
        head = made["head"]
        return float(head["conv"]["kernel"]) if "conv" in head else 0.0

    found = search(proposer(conditional_space(), "tpe", 1), kernel_matters, 60)
    assert sum(value == 7.0 for _, value in found[30:]) > 12


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        (
            "evolution",
            {"populaton": 8},
            "strategy.populaton is not a setting of 'evolution'; did you mean 'population'",
        ),
        ("evolution", {"population": 1}, "strategy.population is 1; evolution needs at least 2"),
        ("evolution", {"population": 4, "sample": 5}, "strategy.sample is 5; it lies between 1 and population = 4"),
        ("evolution", {"sample": 0}, "strategy.sample is 0"),
        ("evolution", {"population": "8"}, "strategy.population is '8' of type str; expected int"),
        ("evolution", {"seed": 3}, "strategy.seed is not a setting of 'evolution'"),
        ("tpe", {"startup": 0}, "strategy.startup is 0; .* at least 1"),
        ("tpe", {"candidates": 0}, "strategy.candidates is 0; .* at least 1"),
        ("tpe", {"startup": 2.5}, "strategy.startup is 2.5 of type float; expected int"),
        ("random", {"population": 8}, "population is not a setting of 'random'; its settings: none"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name, tiny_space(), 0, settings)


def test_an_unknown_name_is_answered_with_the_close_one() -> None:
    with pytest.raises(UnknownNameError, match="no strategy is called 'evolutoin'; did you mean 'evolution'"):
        make("evolutoin", tiny_space(), 0)
