"""What both policy-gradient strategies promise of their episodes, and of what is kept between proposals."""

from __future__ import annotations

import math
import statistics

import pytest

import search_spaces
from nas_tune.errors import ConfigError
from nas_tune.ledger import Event
from nas_tune.strategies import make
from nas_tune.strategies.controllers import TableController
from nas_tune.strategies.policy_sampler import _LATEST_KEPT, _MARKS_KEPT, Episode, PolicyState, _States
from search_spaces import Space
from tests.nas_tune.strategies.studies import events_of, proposer, search
from tests.toys import conditional_space, quality, tiny_space

NAMES = ["reinforce", "ppo"]
QUICK = {"controller": "table", "rate": 0.1}


def state() -> PolicyState:
    return PolicyState((), TableController([2]))


def complete(*scores: float) -> list[Episode]:
    return [Episode(number, math.inf, score) for number, score in enumerate(scores)]


def test_a_reward_is_the_cube_of_the_rank_whatever_the_scale() -> None:
    for scale in (1.0, 1e-3, 1e6):
        pupil = state()
        rewards = [pupil._reward(episode) for episode in complete(*(scale * x for x in (1, 3, 2, 0, 2)))]
        assert rewards == pytest.approx([0.0, 1.0, 0.5**3, 0.0, 0.625**3])


def test_one_that_was_stopped_ranks_below_one_that_trained_longer() -> None:
    pupil = state()
    pupil.advantages(complete(0.1, 0.2), 0.9)
    assert pupil._reward(Episode(2, 3, 0.9)) == 0.0
    assert pupil._reward(Episode(3, 4, 0.5)) == pytest.approx((1 / 3) ** 3)


def test_a_training_that_ended_by_itself_ranks_by_its_score_among_those_that_were_as_long() -> None:
    pupil = state()
    short = [Episode(0, math.inf, 0.9, 1), Episode(1, math.inf, 0.1, 1), Episode(2, 1, 0.7), Episode(3, 1, 0.5)]
    pupil.advantages(short, 0.9)
    assert pupil.copy()._reward(Episode(4, 1, 0.6)) == pytest.approx((2 / 4) ** 3)
    assert pupil.copy()._reward(Episode(4, 3, 0.8)) == pytest.approx((3 / 4) ** 3)
    assert pupil.copy()._reward(Episode(4, 1, 0.7)) == pytest.approx((2.5 / 4) ** 3), "half way between its equals"


def test_advantages_are_above_a_moving_average() -> None:
    pupil = state()
    assert pupil.advantages(complete(1, 2, 3), 0.5).ravel().tolist() == pytest.approx([0.0, 1.0, 0.5])
    assert pupil.baseline == pytest.approx(0.75)


def test_what_is_kept_is_bounded_and_reaches_back() -> None:
    states, pupil = _States(), state()
    episodes = complete(*range(1000))
    for episode in episodes:
        pupil = pupil.copy()
        pupil.advantages([episode], 0.9)
        states.keep(pupil)
    assert len(states._latest) == _LATEST_KEPT
    assert len(states._marks) == _MARKS_KEPT
    assert states.furthest((), episodes) is pupil
    # A trial that ends 200 trials late: what was learnt before it need not be learnt again.
    late = [*episodes[:800], Episode(5000, math.inf, 1.0), *episodes[801:]]
    found = states.furthest((), late)
    assert found is not None
    assert 760 < len(found.episodes) <= 800
    assert states.furthest(("other",), episodes) is None


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["lstm", "table"])
def test_a_fresh_process_learns_the_same_from_trials_that_ended_in_another_order(name: str, kind: str) -> None:
    """Three at a time, the oldest ending last."""
    live = proposer(conditional_space(), name, 1, {"controller": kind})
    told: list[Event] = []
    for start in range(0, 21, 3):
        group = []
        for number in range(start, start + 3):
            proposal = live.propose()
            asked, *rest = events_of(number, proposal.ask, proposal.architecture, quality(proposal.architecture))
            live.apply(asked)
            told.append(asked)
            group.append(rest)
        for event in [event for rest in reversed(group) for event in rest]:
            live.apply(event)
            told.append(event)
    replayed = proposer(conditional_space(), name, 1, {"controller": kind})
    for event in told:
        replayed.apply(event)
    assert search(replayed, quality, 6) == search(live, quality, 6)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["lstm", "table"])
def test_it_learns(name: str, kind: str) -> None:
    """The mean of the last proposals is far above that of random ones, which is 0.48 there."""
    settings = {"controller": kind, "rate": 0.03 if kind == "lstm" else 0.2}
    found = search(proposer(search_spaces.get("nb201"), name, 3, settings), quality, 90)
    assert statistics.mean(value for _, value in found[-20:]) > 0.65


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_minimizing_it_learns_the_other_way(name: str) -> None:
    found = search(proposer(search_spaces.get("nb201"), name, 3, QUICK, mode="min"), quality, 90)
    assert statistics.mean(value for _, value in found[-20:]) < 0.35


def test_what_another_proposed_is_learnt_too() -> None:
    """Twenty trials of prior knowledge, which say that one operation is best everywhere."""
    space = search_spaces.get("nb201")
    asked = proposer(space, "reinforce", 0, QUICK)
    for number in range(20):
        made = space.sample(number)
        asked.propose_instead(made)
        for event in events_of(number, number, made, quality(made)):
            asked.apply(event)
    found = [asked.propose().architecture for _ in range(20)]
    assert statistics.mean(map(quality, found)) > 0.55


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_proposed_twice_while_there_is_something_else(name: str) -> None:
    found = search(proposer(tiny_space(), name, 0, {**QUICK, "rate": 1.0}), quality, 6)
    assert len({made.id for made, _ in found}) == 6


@pytest.mark.parametrize("name", NAMES)
def test_a_space_with_nothing_to_decide_is_proposed_as_it_is(name: str) -> None:
    space = Space({"op": search_spaces.choice("a")})
    assert [made["op"] for made, _ in search(proposer(space, name), lambda made: 1.0, 7)] == ["a"] * 7


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"controller": "gru"}, 'strategy.controller is \'gru\'; it is "lstm" or "table"'),
        ({"units": 0}, "strategy.units is 0; at least 1"),
        ({"batch": 0}, "strategy.batch is 0; at least 1"),
        ({"rate": 0.0}, "strategy.rate is 0.0; a learning rate is above 0"),
        ({"rate": math.nan}, "strategy.rate is nan"),
        ({"entropy": -1.0}, "strategy.entropy is -1.0"),
        ({"decay": 1.0}, "strategy.decay is 1.0; what a moving average keeps is below 1"),
    ],
)
@pytest.mark.parametrize("name", NAMES)
def test_bad_settings_are_refused(name: str, settings: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make(name, tiny_space(), 0, settings)
