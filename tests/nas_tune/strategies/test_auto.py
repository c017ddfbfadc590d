"""The default strategy: it learns fast, compares at equal epochs, and a fresh process proposes the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import optuna
import pytest
from optuna.trial import TrialState, create_trial

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.strategies import make
from nas_tune.strategies.auto import Auto
from nas_tune.strategies.predictors import Candidates, Observations
from search_spaces import Architecture, Space, choice, integer, real
from tests.nas_tune.strategies.studies import events_of, proposer, search
from tests.toys import conditional_space, quality, tiny_space

NB201 = search_spaces.get("nb201")
MIXED = Space({"rate": real(1e-4, 1.0, log=True), "depth": integer(1, 20), "kind": choice("a", "b", "c")})


def convolutions(architecture: Architecture) -> float:
    """The more, the better; a skip on the longest edge is worth one more."""
    cell = NB201.params(architecture)
    return sum(op == "nor_conv_3x3" for op in cell.values()) + 2.0 * (cell["edge_0_3"] == "skip_connect")


def mixed(architecture: Architecture) -> float:
    params = MIXED.params(architecture)
    units = [parameter.to_units(params[parameter.name]) for parameter in MIXED.parameters[:2]]
    return (params["kind"] == "b") - abs(units[0][0] - 0.6) - abs(units[1][0] - 0.3)


def best(space: Space, objective: Callable[[Architecture], float], name: str, trials: int, seeds: int = 2) -> float:
    """The mean over the seeds of the best score that was found."""
    runs = [search(proposer(space, name, seed), objective, trials) for seed in range(seeds)]
    return sum(max(value for _, value in run) for run in runs) / seeds


@pytest.mark.slow
def test_it_finds_the_best_of_a_table_in_few_trials() -> None:
    assert best(NB201, convolutions, "auto", 30) > best(NB201, convolutions, "random", 30) + 1.0


@pytest.mark.slow
def test_it_finds_numbers_inside_their_range() -> None:
    assert best(MIXED, mixed, "auto", 30) > max(0.85, best(MIXED, mixed, "random", 30))


def test_less_is_better_when_minimizing() -> None:
    asked = proposer(NB201, "auto", mode="min")
    assert min(value for _, value in search(asked, lambda made: -convolutions(made), 30)) <= -6


def test_nothing_is_proposed_twice_as_long_as_there_is_more() -> None:
    space = tiny_space()
    found = search(proposer(space, "auto", settings={"startup": 2}), lambda made: float(len(made.id)), space.size or 0)
    assert len({made.id for made, _ in found}) == len({made.id for made in space.enumerate()})


def test_a_fresh_process_proposes_the_same() -> None:
    """What is kept between proposals is kept for speed only."""
    first = [made for made, _ in search(proposer(conditional_space(), "auto", 3), lambda made: len(repr(made)), 14)]
    Candidates._kept.clear()
    Auto._hyperparameters.clear()
    again = [made for made, _ in search(proposer(conditional_space(), "auto", 3), lambda made: len(repr(made)), 14)]
    assert [made.id for made in first] == [made.id for made in again]


def test_what_was_kept_while_there_were_few_trials_does_not_answer_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few are explained by several shapes and many by one, found for a number of trials that was few before."""
    monkeypatch.setattr("nas_tune.strategies.auto._FEW", 8)
    space, found = conditional_space(), []
    for forgetful in (False, True):
        asked = proposer(space, "auto", 3, {"startup": 4})
        for number in range(12):
            if forgetful:
                Auto._hyperparameters.clear()
            proposal = asked.propose()
            found.append(proposal.architecture.id)
            for event in events_of(number, proposal.ask, proposal.architecture, quality(proposal.architecture)):
                asked.apply(event)
        Auto._hyperparameters.clear()
    assert found[:12] == found[12:]


def study_of(*trials: tuple[int, TrialState, list[float]]) -> optuna.Study:
    """Members drawn with these seeds, and their curves."""
    study, distributions = optuna.create_study(direction="maximize"), NB201.to_optuna()
    for seed, state, curve in trials:
        params = NB201.params(NB201.sample(seed))
        study.add_trial(
            create_trial(
                state=state,
                value=curve[-1] if curve else None,
                params=params,
                distributions=distributions,
                intermediate_values=dict(enumerate(curve, 1)),
            )
        )
    return study


def test_a_stopped_trial_is_compared_at_its_own_epoch() -> None:
    """0.5 after one epoch is better than what became 0.8 in three, having had 0.3 then."""
    study = study_of(
        (1, TrialState.COMPLETE, [0.3, 0.6, 0.8]),
        (2, TrialState.COMPLETE, [0.4, 0.7, 0.9]),
        (3, TrialState.PRUNED, [0.2]),
        (4, TrialState.PRUNED, [0.35]),
    )
    known = Observations.of(study, NB201, 4, random.Random(0))
    worst, middle = known.scores[2], known.scores[3]
    assert worst < known.scores[0] < middle < known.scores[1]
    assert worst == pytest.approx(0.7)
    assert known.noise_factors[2] > known.noise_factors[0]


def test_what_failed_or_runs_is_not_proposed_again() -> None:
    study = study_of(*((seed, TrialState.COMPLETE, [seed / 10]) for seed in range(8)))
    number = len(study.trials)
    wanted = Auto(NB201, 0).propose(study, number)
    for state in (TrialState.FAIL, TrialState.RUNNING):
        study = study_of(*((seed, TrialState.COMPLETE, [seed / 10]) for seed in range(8)))
        params = NB201.params(wanted)
        study.add_trial(create_trial(state=state, params=params, distributions=NB201.to_optuna()))
        assert Auto(NB201, 0).propose(study, number + 1).id != wanted.id


@pytest.mark.parametrize(("settings", "message"), [({"startup": 1}, "startup is 1"), ({"candidates": 0}, "is 0")])
def test_settings_out_of_range_are_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make("auto", NB201, 0, settings)
