"""The study behind a strategy: what it is told, and what stands in for a strategy that fails."""

from __future__ import annotations

import math
from typing import Any

import pytest
from optuna.samplers import BaseSampler, RandomSampler
from optuna.trial import TrialState

import search_spaces
from nas_tune.coordination.proposer import Proposal, Proposer, derive_seed
from nas_tune.errors import StrategyError
from nas_tune.ledger import Answered, Asked, Ended, Event, Reported, RunState
from search_spaces import Space
from tests.toys import conditional_space, ruled_space, tiny_space


def random_proposer(space: Space | None = None, seed: int = 0, **more: Any) -> Proposer:
    more = {"mode": "max", "metric": "accuracy", **more}
    return Proposer(space or tiny_space(), RandomSampler, seed=seed, **more)


def asked(trial: int, proposal: Proposal) -> Asked:
    return Asked(trial, proposal.ask, proposal.architecture.tree, proposal.architecture.id, 0)


class Broken(RandomSampler):
    """Raises at the asks that it is told to."""

    def __init__(self, seed: int, fails: bool) -> None:
        super().__init__(seed)
        self.fails = fails

    def infer_relative_search_space(self, study: Any, trial: Any) -> dict[str, Any]:
        if self.fails:
            raise RuntimeError("a strategy with a mistake")
        return super().infer_relative_search_space(study, trial)


def broken(*fails: int, space: Space | None = None) -> Proposer:
    """Its sampler raises at these calls, counted from 0."""
    calls = iter(range(1000))
    space = space or tiny_space()
    make = lambda seed: Broken(seed, next(calls) in fails)  # noqa: E731
    return Proposer(space, make, seed=0, mode="max", metric="accuracy")


def test_seeds_are_apart_and_say_everything() -> None:
    seeds = [derive_seed(run, kind, number) for run in (0, 1, 2**32 - 1) for kind in (0, 1) for number in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert derive_seed(0, 1, 2) == derive_seed(0, 1, 2)
    assert all(0 <= seed < 2**32 for seed in seeds)


def test_proposals_are_numbered_and_bound_to_the_space() -> None:
    proposer = random_proposer(search_spaces.get("nb201"))
    found = [proposer.propose() for _ in range(5)]
    assert [proposal.ask for proposal in found] == list(range(5))
    assert all(proposer._space.validate(p.architecture.tree).id == p.architecture.id for p in found)


def test_the_study_learns_score_and_budget_apart() -> None:
    proposer = random_proposer()
    for trial, (state, value) in enumerate([("complete", 0.3), ("pruned", 0.2), ("failed", None)]):
        proposer.apply(asked(trial, proposer.propose()))
        proposer.apply(Reported(trial, 1, {"accuracy": 0.1, "loss": 2.0}, 0.0))
        proposer.apply(Reported(trial, 2, {"accuracy": 0.2, "loss": 1.0}, 0.0))
        proposer.apply(Ended(trial, state, value))
    complete, pruned, failed = proposer._study.get_trials()
    assert [trial.state for trial in (complete, pruned, failed)] == [
        TrialState.COMPLETE,
        TrialState.PRUNED,
        TrialState.FAIL,
    ]
    assert (complete.value, complete.last_step) == (0.3, 2)
    assert pruned.intermediate_values == {1: 0.1, 2: 0.2}
    assert failed.value is None


def test_a_trial_that_diverged_is_told_as_a_failure() -> None:
    proposer = random_proposer()
    proposer.apply(asked(0, proposer.propose()))
    proposer.apply(Reported(0, 1, {"accuracy": math.nan}, 0.0))
    proposer.apply(Ended(0, "failed", None, "diverged"))
    assert proposer._study.get_trials()[0].state == TrialState.FAIL


def test_a_repeat_is_answered_with_what_the_trial_came_to() -> None:
    proposer, state = random_proposer(), RunState()
    first, again = proposer.propose(), proposer.propose()
    events: list[Event] = [
        asked(0, first),
        Reported(0, 1, {"accuracy": 0.4}, 0.0),
        Ended(0, "pruned", 0.4),
        Answered(0, again.ask, first.architecture.tree),
    ]
    for event in events:
        state.apply(event, 0.0)
        proposer.apply(event, state.trials[0])
    one, other = proposer._study.get_trials()
    assert (other.state, other.intermediate_values) == (one.state, one.intermediate_values)


def test_a_repeat_of_a_trial_that_still_runs_is_no_answer() -> None:
    proposer, state = random_proposer(), RunState()
    first, again = proposer.propose(), proposer.propose()
    for event in (asked(0, first), Answered(0, again.ask, first.architecture.tree)):
        state.apply(event, 0.0)
        proposer.apply(event, state.trials[0])
    assert [trial.state for trial in proposer._study.get_trials()] == [TrialState.RUNNING, TrialState.FAIL]


def test_a_replay_rebuilds_the_study() -> None:
    space = conditional_space()
    live, replayed = random_proposer(space), random_proposer(space)
    told: list[Event] = []
    for trial in range(6):
        events = [asked(trial, live.propose()), Reported(trial, 1, {"accuracy": trial / 10}, 0.0)]
        events += [Ended(trial, "complete", trial / 10)] if trial != 3 else []
        for event in events:
            live.apply(event)
        told += events
    for event in told:
        replayed.apply(event)
    for one, other in zip(live._study.get_trials(), replayed._study.get_trials(), strict=True):
        assert (one.params, one.distributions, one.state, one.values, one.intermediate_values) == (
            other.params,
            other.distributions,
            other.state,
            other.values,
            other.intermediate_values,
        )
    assert [live.propose() for _ in range(4)] == [replayed.propose() for _ in range(4)]


def test_a_choice_of_the_coordinators_stands_in_the_study_like_a_proposal() -> None:
    proposer = random_proposer()
    chosen = proposer._space.sample(3)
    assert proposer.propose_instead(chosen) == Proposal(0, chosen)
    assert proposer.propose().ask == 1
    assert proposer._study.get_trials()[0].params == proposer._space.params(chosen)


def test_a_strategy_that_fails_once_is_stood_in_for_at_random_and_it_is_noted() -> None:
    proposer = broken(1)
    found = [proposer.propose() for _ in range(3)]
    assert [bool(proposal.note) for proposal in found] == [False, True, False]
    assert "RuntimeError('a strategy with a mistake')" in found[1].note
    assert "proposed at random instead" in found[1].note
    assert proposer._space.contains(found[1].architecture)
    assert [proposal.ask for proposal in found] == [0, 2, 3]


def test_a_strategy_that_cannot_even_be_made_is_stood_in_for() -> None:
    def unmakeable(seed: int) -> BaseSampler:
        raise OSError("no licence")

    proposer = Proposer(tiny_space(), unmakeable, seed=0, mode="max", metric="accuracy")
    assert "no licence" in proposer.propose().note


def test_five_failures_in_a_row_end_it_and_four_do_not() -> None:
    proposer = broken(0, 1, 2, 3, 5, 6, 7, 8)
    assert [bool(proposer.propose().note) for _ in range(10)] == [True] * 4 + [False] + [True] * 4 + [False]
    hopeless = broken(*range(5))
    for _ in range(4):
        hopeless.propose()
    with pytest.raises(
        StrategyError, match=r"failed 5 times in a row, at last with RuntimeError: .*then resume"
    ) as why:
        hopeless.propose()
    assert why.value.exit_code == 1
    assert isinstance(why.value.__cause__, RuntimeError)


def test_a_replay_of_stand_ins_goes_on_with_the_same_numbers() -> None:
    live = broken(1)
    proposals = [live.propose() for _ in range(4)]
    replayed = broken()
    for trial, proposal in enumerate(proposals):
        replayed.apply(asked(trial, proposal))
        live.apply(asked(trial, proposal))
    assert replayed.propose() == live.propose()


def test_what_the_spaces_rule_refuses_is_asked_again() -> None:
    proposer = random_proposer(ruled_space())
    found = [proposer.propose() for _ in range(40)]
    assert all(made.architecture["a"] + made.architecture["b"] <= 5 for made in found)
    # 6 of 16 trees are refused.
    assert found[-1].ask > 45
    assert not any(made.note for made in found)


class Stubborn(RandomSampler):
    """Insists on what the rule of `ruled_space` refuses."""

    def sample_independent(self, study: Any, trial: Any, param_name: str, param_distribution: Any) -> Any:
        return 4


def test_a_strategy_that_insists_on_what_is_refused_is_stood_in_for() -> None:
    proposer = Proposer(ruled_space(), Stubborn, seed=0, mode="max", metric="accuracy")
    found = {proposer.propose().architecture.id for _ in range(15)}
    assert len(found) > 5


def test_a_replay_of_what_was_refused_goes_on_the_same() -> None:
    live, replayed = (random_proposer(ruled_space(), seed=4) for _ in range(2))
    for trial in range(10):
        event = asked(trial, live.propose())
        live.apply(event)
        replayed.apply(event)
    assert [live.propose() for _ in range(10)] == [replayed.propose() for _ in range(10)]
