"""BOHB, CMA-ES, NSGA-II and -III, and the Gaussian process: what is theirs beside the conformance of all."""

from __future__ import annotations

import itertools
import random
import statistics

import cmaes
import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from nas_tune.strategies.bohb import Bohb
from nas_tune.strategies.cmaes import CmaEs, _Model
from nas_tune.strategies.gp import GaussianProcess
from nas_tune.strategies.history import Finished, History
from nas_tune.strategies.kernel_density import Codes, KernelDensity
from search_spaces import Space, choice, real
from tests.nas_tune.strategies.studies import proposer, search
from tests.toys import conditional_space, quality

NB201 = search_spaces.get("nb201")


def mean_of_late(name: str, **settings: object) -> float:
    runs = [search(proposer(NB201, name, seed, settings), quality, 70) for seed in range(2)]
    return statistics.mean(value for run in runs for _, value in run[-20:])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bohb", "cmaes", "nsga2", "nsga3"])
def test_what_learns_beats_chance(name: str) -> None:
    """Random proposals have 0.48 in the mean, the best 1.0."""
    assert mean_of_late(name, **({"population": 14} if name != "bohb" else {})) > 0.56


@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_the_sampler_takes_over_as_soon_as_the_first_generation_is_complete(name: str) -> None:
    for trials, is_random in ((5, True), (6, False)):
        last = []
        for population in (6, 100):
            asked = proposer(NB201, name, 3, {"population": population})
            search(asked, quality, trials)
            last.append(asked.propose().architecture)
        assert (last[0] == last[1]) is is_random


# BOHB


def curves_study(reached: dict[int, int], good_at: dict[int, str]) -> optuna.Study:
    """Trials with scores up to an epoch; in each epoch another option is the good one."""
    study = optuna.create_study(direction="maximize")
    space = options_space()
    for seed in range(max(reached.values())):
        made = space.sample(seed)
        params = space.params(made)
        values = {e: float(made["a"] == good_at[e]) + seed / 1e6 for e, n in reached.items() if seed < n}
        study.add_trial(
            create_trial(
                state=TrialState.PRUNED,
                value=values[max(values)],
                params=params,
                distributions={name: space.to_optuna()[name] for name in params},
                intermediate_values=values,
            )
        )
    return study


def options_space() -> Space:
    return Space({"a": choice("x", "y", "z"), **{f"n{i}": real(0.0, 1.0) for i in range(3)}})


def most_proposed(study: optuna.Study) -> str:
    space = options_space()
    found = [Bohb(space, seed, random_fraction=0.0).propose(study, len(study.trials))["a"] for seed in range(20)]
    return statistics.mode(found)


@pytest.mark.slow
def test_the_model_is_of_the_highest_budget_that_enough_trials_have_reached() -> None:
    """Four decisions: a density needs five trials, two of them seven."""
    good = {1: "x", 3: "y", 9: "z"}
    assert most_proposed(curves_study({1: 30, 3: 12, 9: 6}, good)) == "y"
    assert most_proposed(curves_study({1: 30, 3: 12, 9: 7}, good)) == "z"
    assert most_proposed(curves_study({1: 30, 3: 6}, good)) == "x"


def test_a_share_is_random_and_without_enough_trials_all_is() -> None:
    good = {1: "x"}
    study = curves_study({1: 30}, good)
    drawn = [Bohb(options_space(), seed, random_fraction=1.0).propose(study, 30)["a"] for seed in range(60)]
    assert all(drawn.count(option) > 8 for option in "xyz")
    few = curves_study({1: 6}, good)
    drawn = [Bohb(options_space(), seed, random_fraction=0.0).propose(few, 6)["a"] for seed in range(60)]
    assert all(drawn.count(option) > 8 for option in "xyz")


def test_densities_are_normalized_over_options_numbers_and_conditions() -> None:
    space = Space({"head": choice({"conv": {"kernel": choice(3, 5, 7)}, "pool": {}}), "rate": real(0.0, 1.0)})
    codes, rng = Codes(space), np.random.default_rng(0)
    density = KernelDensity(codes, np.array([codes.row(space.sample(seed)) for seed in range(9)]))
    rates = (np.arange(400) + 0.5) / 400
    rows = [[head, kernel, rate] for head, kernel in ((0, 0), (0, 1), (0, 2), (1, np.nan)) for rate in rates]
    assert np.exp(density.log(np.array(rows))).sum() / 400 == pytest.approx(1.0, abs=0.01)
    drawn = np.array(density.draw(200, 3.0, rng))
    assert not np.isnan(drawn).any()
    assert 0 <= drawn[:, 2].min() < drawn[:, 2].max() <= 1
    assert all(space.contains(codes.encoding.member(codes.values(row))) for row in drawn.tolist())


# CMA-ES


def test_the_points_that_were_drawn_are_drawn_again() -> None:
    sampler = CmaEs(NB201, 0)
    first = [Finished(i, NB201.sample(i), quality(NB201.sample(i))) for i in range(sampler.population)]
    model = _Model.of(History(NB201), sampler.encoding, first, sampler.population)
    for number in range(20, 25):
        point = next(model.draws(number))
        told = Finished(number, NB201.decode(point), 0.5)
        assert model._point(told) == pytest.approx(point, abs=0)
        other = Finished(number, NB201.mutate(told.architecture, random.Random(number)), 0.5)
        moved = model._point(other)
        assert NB201.decode(moved) == other.architecture
        assert 0 < (moved != point).sum() <= 2


def test_a_trial_whose_first_draws_were_not_new_is_learnt_from_the_point_that_it_came_from() -> None:
    sampler = CmaEs(NB201, 0)
    first = [Finished(i, NB201.sample(i), quality(NB201.sample(i))) for i in range(sampler.population)]
    model = _Model.of(History(NB201), sampler.encoding, first, sampler.population)
    for point in [point.copy() for point in itertools.islice(model.draws(20), 3)]:
        assert model._point(Finished(20, NB201.decode(point), 0.5)) == pytest.approx(point, abs=0)


@pytest.mark.parametrize("name", ["nb201", "chain", "darts"])
def test_a_generation_is_by_default_as_large_as_the_package_takes_it_for_such_vectors(name: str) -> None:
    space = search_spaces.get(name)
    width = len(space.encode(space.sample(0))[0])
    assert CmaEs(space, 0).population == cmaes.SepCMA(np.zeros(width), 1.0).population_size


def test_a_trial_that_ends_late_is_folded_in_at_its_place() -> None:
    sampler = CmaEs(NB201, 0, population=4)
    told = [Finished(i, NB201.sample(i), quality(NB201.sample(i))) for i in range(9)]
    history = History(NB201)
    early = _Model.of(history, sampler.encoding, told[1:], 4)
    late = _Model.of(history, sampler.encoding, told[:8], 4)
    fresh = _Model.of(History(NB201), sampler.encoding, told[:8], 4)
    assert (next(late.draws(9)) == next(fresh.draws(9))).all()
    assert (next(late.draws(9)) != next(early.draws(9))).any()


# The Gaussian process


def test_the_gaussian_process_remembers_the_best_and_the_youngest() -> None:
    sampler = GaussianProcess(NB201, 0, memory=4)
    told = [Finished(i, NB201.sample(i), score) for i, score in enumerate([0.9, 0.1, 0.8, 0.2, 0.25, 0.3, 0.4])]
    assert [trial.number for trial in sampler.training_trials(told)] == [0, 2, 5, 6]
    assert sampler.training_trials(told[:4]) == told[:4]


@pytest.mark.parametrize(
    ("name", "settings", "said"),
    [
        ("bohb", {"random_fraction": 1.5}, "strategy.random_fraction is 1.5; a share lies between 0 and 1"),
        ("bohb", {"top": 1.0}, "strategy.top is 1.0; it is the share of trials that count as good"),
        ("bohb", {"candidates": 0}, "strategy.candidates is 0; .* at least 1"),
        ("bohb", {"min_points": 1}, "strategy.min_points is 1; a density needs at least 2"),
        ("bohb", {"widening": 0.0}, "strategy.widening is 0.0; it is a factor above 0"),
        ("cmaes", {"population": 3}, "strategy.population is 3; .* at least 4"),
        ("gp", {"startup": 0}, "strategy.startup is 0; .* at least 1"),
        ("gp", {"memory": 1}, "strategy.memory is 1; .* at least 2"),
        ("nsga2", {"population": 1}, "strategy.population is 1; .* at least 2"),
        ("nsga3", {"crossover": 1.1}, "strategy.crossover is 1.1; a probability"),
        ("nsga2", {"mutation": -0.1}, "strategy.mutation is -0.1; a probability"),
    ],
)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name, conditional_space(), 0, settings)
