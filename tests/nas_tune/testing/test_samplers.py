"""The conformance suite of samplers: a sampler that breaks one promise is refused by it, and by nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import optuna
import pytest
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.random_search import RandomSearch
from nas_tune.testing import samplers
from search_spaces import Architecture, Space, choice

SPACE = samplers.example_space()
TINY = Space({"a": choice(*range(40))})


class InOrder(ArchitectureSampler):
    """Proposes the members of TINY in turn, from the state of the study alone."""

    def propose(self, study: Study, number: int) -> Architecture:
        return self.space.validate({"a": number % 40})


class Repeating(optuna.samplers.BaseSampler):
    """Proposes the same again and again, and nothing beside."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, Any]:
        return {}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Any) -> dict[str, Any]:
        return {}

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        return param_distribution.choices[0] if hasattr(param_distribution, "choices") else param_distribution.low


class Remembering(Repeating):
    """Draws from a state of its own, which a new sampler lacks; it may watch what stands beside the architecture."""

    def __init__(self, watches: bool = False) -> None:
        self._rng, self._watches = random.Random(0), watches

    def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
        if hasattr(param_distribution, "choices"):
            return self._rng.choice(param_distribution.choices)
        low, high = param_distribution.low, param_distribution.high
        if isinstance(low, int):
            return self._rng.randrange(low, high + 1, param_distribution.step)
        return self._rng.uniform(low, high)


def refused(check: Callable[[], None]) -> str:
    with pytest.raises(AssertionError) as caught:
        check()
    return str(caught.value)


def test_a_strategy_that_keeps_its_promises_passes() -> None:
    before = optuna.logging.get_verbosity()
    samplers.check_sampler(RandomSearch, trials=6)
    assert optuna.logging.get_verbosity() == before


def test_a_proposal_that_is_repeated_is_told() -> None:
    said = refused(lambda: samplers.check_beside_parameters(lambda space, seed: Repeating(), SPACE, trials=4))
    assert said.startswith("no architecture is proposed twice: broken by [")
    said = refused(lambda: samplers.check_threads(lambda space, seed: Repeating(), SPACE))
    assert said.startswith("no architecture is proposed twice")


def test_parameters_beside_that_change_a_proposal_are_told() -> None:
    said = refused(lambda: samplers.check_beside_parameters(lambda space, seed: Remembering(), SPACE, trials=4))
    assert said.startswith("parameters beside the architecture change no proposal: broken by ")


def test_parameters_beside_that_are_not_sampled_are_told() -> None:
    class Stuck(InOrder):
        def sample_independent(self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: Any) -> Any:
            return param_distribution.choices[0] if hasattr(param_distribution, "choices") else param_distribution.low

    said = refused(lambda: samplers.check_beside_parameters(lambda space, seed: Stuck(space, seed), TINY, trials=6))
    assert said.startswith("the parameter 'lr' beside the architecture is sampled: broken by {0.0001}")


@pytest.mark.parametrize("shared", [True, False])
def test_a_study_that_goes_on_otherwise_is_told(shared: bool) -> None:
    kept = optuna.storages.InMemoryStorage()
    make = kept.__class__ if not shared else lambda: kept
    samplers.check_restart(lambda space, seed: InOrder(space, seed), TINY, make, trials=7)

    class Forgetful(InOrder):
        """The second sampler of a study begins elsewhere."""

        made = 0

        def __init__(self, space: Space, seed: int) -> None:
            super().__init__(space, seed)
            Forgetful.made += 1
            self.shift = 20 if Forgetful.made == 3 else 0

        def propose(self, study: Study, number: int) -> Architecture:
            return self.space.validate({"a": (number + self.shift) % 40})

    said = refused(lambda: samplers.check_restart(Forgetful, TINY, optuna.storages.InMemoryStorage, trials=7))
    assert said.startswith("a study that is loaded again goes on as it would have: broken by ")


def test_what_was_proposed_before_is_not_proposed_again() -> None:
    first = samplers._members(SPACE, 12)[0]

    class Again(InOrder):
        asked_again = 1

        def _proposed(self, study: Study, number: int) -> Architecture:
            return first

    said = refused(lambda: samplers.check_foreign_trials(lambda space, seed: Again(space, seed), SPACE))
    assert said.startswith("what was proposed before is not proposed again: broken by ")


def test_a_small_space_that_is_not_searched_whole_is_told() -> None:
    said = refused(lambda: samplers.check_small_space(lambda space, seed: Repeating()))
    assert said.startswith("a small space is searched whole: broken by ")


def test_members_are_different_and_values_follow_from_them() -> None:
    members = samplers._members(SPACE, 12)
    assert len({made.id for made in members}) == 12
    assert samplers._members(SPACE, 12) == members
    one, other = (samplers._values(made, 3) for made in members[:2])
    assert (len(one), len(set(one))) == (3, 3)
    assert one == samplers._values(members[0], 3) != other
    assert samplers._values(members[0], 1) == one[:1]
    assert all(0 <= value < 1 for value in one)


def test_foreign_trials_are_of_every_kind() -> None:
    made = samplers._members(SPACE, 1)[0]
    odd = samplers._odd_trials(SPACE, made, 2)
    assert [trial.state for trial in odd] == [
        *[TrialState.COMPLETE] * 3,
        TrialState.PRUNED,
        TrialState.FAIL,
        TrialState.COMPLETE,
    ]
    assert [sorted(trial.params) for trial in odd[:2]] == [[], ["lr"]]
    assert len(odd[2].params) == 1
    assert odd[5].values == [float("inf")] * 2
    assert odd[0].values == [1.0, 1.0]
    failed = samplers._failed(SPACE, made)
    assert (failed.state, failed.params) == (TrialState.FAIL, SPACE.params(made))
