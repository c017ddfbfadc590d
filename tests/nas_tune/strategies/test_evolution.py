"""Regularized evolution: a population that ages, parents that won, children one decision away."""

from __future__ import annotations

import random
from itertools import islice

import optuna
import pytest
from optuna.distributions import BaseDistribution
from optuna.trial import TrialState, create_trial

import search_spaces
from nas_tune.strategies.evolution import EvolutionSampler
from nas_tune.strategies.history import History
from search_spaces import Architecture, Space
from tests.toys import conditional_space, ruled_space

NB201 = search_spaces.get("nb201")


def study_of(
    space: Space, made: list[tuple[Architecture, float, int, TrialState]], direction: str = "maximize"
) -> optuna.Study:
    """A study with these trials: architecture, value, last epoch, state."""
    study = optuna.create_study(direction=direction)
    distributions: dict[str, BaseDistribution] = space.to_optuna()
    for architecture, value, epochs, state in made:
        params = space.params(architecture)
        study.add_trial(
            create_trial(
                state=state,
                value=value if state in (TrialState.COMPLETE, TrialState.PRUNED) else None,
                params=params,
                distributions={name: distributions[name] for name in params},
                intermediate_values=dict.fromkeys(range(1, epochs + 1), value),
            )
        )
    return study


def children(space: Space, study: optuna.Study, *, number: int = 30, population: int = 20, sample: int = 5):
    for seed in range(number):
        study.sampler = EvolutionSampler(space, seed, population, sample)
        yield space.suggest(study.ask())


def distance(space: Space, one: Architecture, other: Architecture) -> int:
    """How many decisions differ; what stands under a decision that differs is not counted."""
    a, b = space.params(one), space.params(other)
    changed = {name for name in a.keys() & b.keys() if a[name] != b[name]}
    stray = {name for name in a.keys() ^ b.keys() if not any(name.startswith(f"{top}.") for top in changed)}
    return len(changed) + len(stray)


@pytest.mark.slow
@pytest.mark.parametrize("space", [NB201, conditional_space(), ruled_space()], ids=lambda space: space.name)
def test_a_child_differs_in_one_decision_from_a_living_parent(space: Space) -> None:
    old = [(space.sample(seed), 1.0, 1, TrialState.COMPLETE) for seed in range(20)]
    living = [(space.sample(seed), 0.5, 1, TrialState.COMPLETE) for seed in range(20, 26)]
    study = study_of(space, old + living)
    for child in children(space, study, population=6, sample=2):
        assert 1 in {distance(space, child, parent) for parent, *_ in living}


def test_the_old_die_however_good_they_were() -> None:
    best, others = NB201.sample(0), [NB201.sample(seed) for seed in range(1, 7)]
    study = study_of(NB201, [(best, 1.0, 1, TrialState.COMPLETE)] + [(o, 0.1, 1, TrialState.COMPLETE) for o in others])
    for child in children(NB201, study, population=6, sample=6):
        assert min(distance(NB201, child, other) for other in others) == 1
        assert distance(NB201, child, best) > 1


def test_with_every_competitor_sampled_the_best_is_most_often_the_parent() -> None:
    trials = [(NB201.sample(seed), seed / 10, 1, TrialState.COMPLETE) for seed in range(6)]
    best = trials[-1][0]
    near = [
        distance(NB201, child, best) == 1 for child in children(NB201, study_of(NB201, trials), population=6, sample=6)
    ]
    # One of six is missed by six draws with replacement in a third of the cases.
    assert sum(near) >= 15


def test_minimizing_the_least_is_the_best() -> None:
    trials = [(NB201.sample(seed), seed / 10, 1, TrialState.COMPLETE) for seed in range(6)]
    study = study_of(NB201, trials, "minimize")
    near = [distance(NB201, child, trials[0][0]) == 1 for child in children(NB201, study, population=6, sample=6)]
    assert sum(near) >= 15


def winners(*trials: tuple[Architecture, float, int, TrialState]) -> set[int]:
    """Which of the two trials is the parent whenever both compete."""
    study = study_of(NB201, list(trials))
    found = set()
    for seed in range(30):
        rng = random.Random(seed)
        if {rng.choice((0, 1)), rng.choice((0, 1))} == {0, 1}:
            history = History.of(study, NB201, 10)
            sampler = EvolutionSampler(NB201, seed, population=2, sample=2)
            parent = sampler._parent(history, list(islice(history.youngest(), 2))[::-1])
            found.add(parent.number)
    return found


@pytest.mark.parametrize("epochs", [3, 9])
def test_a_pruned_trial_does_not_beat_a_longer_trained_one(epochs: int) -> None:
    short = (NB201.sample(1), 0.9, 1, TrialState.PRUNED)
    longer = (NB201.sample(2), 0.1, epochs, TrialState.COMPLETE if epochs == 9 else TrialState.PRUNED)
    assert winners(short, longer) == {1}
    assert winners(longer, short) == {0}


def test_among_those_that_trained_as_long_the_score_decides() -> None:
    for state in (TrialState.PRUNED, TrialState.COMPLETE):
        assert winners((NB201.sample(1), 0.2, 3, state), (NB201.sample(2), 0.3, 3, state)) == {1}


def test_a_training_that_ended_by_itself_beats_the_better_one_only_if_it_was_longer() -> None:
    """As in the results: trained to its own end is trained to the end, but a better one that was as long is better."""
    ended = (NB201.sample(1), 0.6, 2, TrialState.COMPLETE)
    assert winners(ended, (NB201.sample(2), 0.9, 1, TrialState.PRUNED)) == {0}
    assert winners(ended, (NB201.sample(2), 0.5, 7, TrialState.PRUNED)) == {0}
    assert winners(ended, (NB201.sample(2), 0.9, 2, TrialState.PRUNED)) == {1}
    assert winners(ended, (NB201.sample(2), 0.9, 7, TrialState.PRUNED)) == {1}


def test_failed_and_running_trials_are_nobodys_parents() -> None:
    trials = [(NB201.sample(seed), 0.5, 1, TrialState.COMPLETE) for seed in range(2)]
    nobody = [(NB201.sample(8), 0.9, 1, TrialState.FAIL), (NB201.sample(9), 0.9, 1, TrialState.RUNNING)]
    for child in children(NB201, study_of(NB201, trials + nobody), population=2, sample=2):
        assert 1 in {distance(NB201, child, parent) for parent, *_ in trials}


def test_until_the_population_is_full_proposals_are_random() -> None:
    study = study_of(NB201, [(NB201.sample(seed), 0.5, 1, TrialState.COMPLETE) for seed in range(3)])
    study.sampler = EvolutionSampler(NB201, 0, population=20)
    found = [NB201.suggest(study.ask()) for _ in range(10)]
    assert len({made.id for made in found}) > 7


def test_parameters_that_are_not_the_spaces_own_are_drawn_at_random() -> None:
    study = optuna.create_study(sampler=EvolutionSampler(NB201, 0))
    assert 0.0 <= study.ask().suggest_float("own", 0.0, 1.0) <= 1.0
