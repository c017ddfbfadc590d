"""The faces of a space are equal, whatever the space: properties over random spaces."""

from __future__ import annotations

import json
import random

import optuna
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from search_spaces import Architecture, Space, SpaceError
from search_spaces.testing import check_member, check_space
from tests.search_spaces.trees import small_spaces, spaces

seeds = st.integers(0, 2**32)


@given(spaces, seeds)
@settings(max_examples=150)
def test_every_face_leads_back_to_the_member(space: Space, seed: int) -> None:
    check_member(space, space.sample(seed))


@pytest.mark.slow
@given(spaces, seeds)
@settings(max_examples=60)
def test_the_conformance_suite_passes(space: Space, seed: int) -> None:
    check_space(space, samples=3, seed=seed)


@pytest.mark.slow
@given(small_spaces)
@settings(max_examples=80)
def test_the_formula_counts_what_enumeration_finds(space: Space) -> None:
    members = list(space.enumerate())
    assert len(members) == space.size
    assert len(set(members)) == space.size


@pytest.mark.slow
@given(small_spaces, seeds)
@settings(max_examples=50)
def test_samples_are_among_the_enumerated_and_so_are_moves(space: Space, seed: int) -> None:
    rng = random.Random(seed)
    members = set(space.enumerate())
    one, other = space.sample(rng), space.sample(rng)
    assert {one, other, space.crossover(one, other, rng), *space.neighbors(one)} <= members
    if len(members) > 1:
        assert space.mutate(one, rng) in members - {one}
    else:
        with pytest.raises(SpaceError, match="nothing to mutate"):
            space.mutate(one, rng)


@given(small_spaces)
@settings(max_examples=40)
def test_different_members_have_different_parameters_and_ids(space: Space) -> None:
    members = list(space.enumerate())
    assert len({json.dumps(space.params(made), sort_keys=True) for made in members}) == len(members)
    assert len({made.id for made in members}) == len(members)


@pytest.mark.slow
@given(small_spaces, seeds)
@settings(max_examples=40)
def test_a_rule_binds_every_way_to_a_member(space: Space, seed: int) -> None:
    def valid(made: Architecture) -> bool:
        return int(made.id, 16) % 3 > 0

    ruled = Space(space, valid=valid)
    allowed = set(ruled.enumerate())
    assert allowed == {made for made in space.enumerate() if valid(made)}
    assert ruled.size == len(allowed)
    assume(allowed)
    rng = random.Random(seed)
    one, other = ruled.sample(rng), ruled.sample(rng)
    width = len(ruled.encode(one)[0])
    decoded = ruled.decode([rng.uniform(-1, 2) for _ in range(width)])
    found = {one, other, decoded, ruled.crossover(one, other, rng), *ruled.neighbors(one)}
    if len(allowed) > 1 and len(allowed) * 20 > (space.size or 0):
        found.add(ruled.mutate(one, rng))
    assert found <= allowed


@pytest.mark.slow
@given(spaces, seeds)
@settings(max_examples=40)
def test_the_spec_describes_the_space_completely(space: Space, seed: int) -> None:
    again = Space.from_spec(json.loads(json.dumps(space.to_spec())))
    assert again.fingerprint == space.fingerprint
    assert again.parameters == space.parameters
    assert again.sample(seed) == space.sample(seed)


@pytest.mark.slow
@given(spaces, seeds, st.sampled_from(["random", "tpe"]))
@settings(max_examples=25)
def test_a_real_study_records_the_parameters_of_what_it_suggests(space: Space, seed: int, kind: str) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler: optuna.samplers.BaseSampler = optuna.samplers.RandomSampler(seed=seed % 2**32)
    if kind == "tpe":
        sampler = optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=2)
    study = optuna.create_study(sampler=sampler)
    for value in range(5):
        trial = study.ask()
        made = space.suggest(trial)
        assert space.validate(made) == made
        assert trial.params == pytest.approx(space.params(made))
        expected = space.to_optuna()
        assert trial.distributions == {name: expected[name] for name in trial.params}
        study.tell(trial, value)
