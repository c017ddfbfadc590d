"""The trials that a search begins with: the best by scores that cost nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pytest

from nas_tune.config import Component
from nas_tune.errors import ConfigError
from nas_tune.session.initial_design import Design, ZeroCost, make, ranked_design, summed_ranks
from search_spaces import Architecture, Space, UnknownNameError, integer
from tests.toys import Climber, conditional_space, quality, ruled_space, tiny_space


class Oracle(Climber):
    """Scores by the very quality that the training is after, by nothing, and by something that fails."""

    proxies = ("quality", "flat", "broken")

    def zero_cost(self, architecture: Architecture, proxy: str, *, seed: int) -> float:
        if proxy == "broken":
            raise RuntimeError("out of luck")
        return quality(architecture) if proxy == "quality" else float(seed)


def by_quality(architecture: Architecture) -> Sequence[float]:
    return [quality(architecture)]


def test_the_best_candidates_are_first_and_distinct() -> None:
    seen: list[float] = []

    def noted(architecture: Architecture) -> Sequence[float]:
        seen.append(quality(architecture))
        return [seen[-1]]

    design = ranked_design(conditional_space(), noted, candidates=40, trials=5, seed=3)
    assert len(seen) == design.scored == 40
    assert [quality(chosen) for chosen in design.architectures] == sorted(seen, reverse=True)[:5]
    assert len({chosen.id for chosen in design.architectures}) == 5


def test_the_seed_decides_the_design() -> None:
    first, again, other = (
        ranked_design(conditional_space(), by_quality, candidates=20, trials=4, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_a_small_space_gives_what_it_has() -> None:
    design = ranked_design(tiny_space(), by_quality, candidates=100, trials=50)
    assert len(design.architectures) == design.scored == tiny_space().size == 6
    assert all(ruled_space().contains(chosen) for chosen in ranked_design(ruled_space(), by_quality).architectures)


def test_candidates_that_cannot_be_scored_are_left_out_and_counted() -> None:
    def fragile(architecture: Architecture) -> Sequence[float]:
        if architecture["op"] == "a":
            raise RuntimeError("no kernel for a")
        return [math.nan if architecture["op"] == "b" else 1.0]

    design = ranked_design(tiny_space(), fragile, candidates=6, trials=6)
    assert [chosen["op"] for chosen in design.architectures] == ["c", "c"]
    assert (design.scored, design.failed) == (2, 4)
    assert "tried first: the best 2 of 2 candidates, 4 could not be scored (first: " in str(design)
    assert "no kernel for a" in design.cause or "its score is nan" in design.cause


def test_a_design_without_a_single_score_is_an_error() -> None:
    with pytest.raises(ConfigError, match=r"not one of 6 candidates could be scored; the first: RuntimeError: out of"):
        ZeroCost(proxy="broken", candidates=6, trials=2).design(tiny_space(), Oracle(), 0)


def test_an_interrupt_while_ranking_goes_through() -> None:
    def stopped(architecture: Architecture) -> Sequence[float]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ranked_design(tiny_space(), stopped)


def test_the_worst_is_minus_infinity() -> None:
    space = Space({"x": integer(1, 4)})
    design = ranked_design(space, lambda member: [-math.inf if member["x"] > 2 else -float(member["x"])], trials=4)
    assert [chosen["x"] for chosen in design.architectures[:2]] == [1, 2]


def test_ranks_of_several_scores_are_added_and_equal_ones_share_theirs() -> None:
    assert summed_ranks([(1.0,), (3.0,), (-math.inf,), (3.0,)]) == [1, 2.5, 0, 2.5]
    # Each is the best by one score and the worst by the other; the one between them is second by both.
    assert summed_ranks([(1e9, 0.0), (1.0, 1.0), (0.0, 2.0), (2.0, 1.5)]) == [3, 2, 3, 4]


def test_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    ranked_design(tiny_space(), by_quality, candidates=3, trials=1, progress=lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_the_trainable_is_asked_with_the_seed_of_the_search() -> None:
    design = ZeroCost(proxy="quality + flat", candidates=104, trials=3).design(conditional_space(), Oracle(), 5)
    best = sorted((quality(each) for each in conditional_space().enumerate()), reverse=True)
    assert isinstance(design, Design)
    assert [quality(chosen) for chosen in design.architectures] == pytest.approx(best[:3])


def test_a_configuration_becomes_a_design() -> None:
    settings = {"proxy": "zico", "candidates": 20, "trials": 4}
    assert make(Component("zero_cost", settings)) == ZeroCost("zico", 20, 4)
    assert make(Component("zero_cost")) == ZeroCost()


@pytest.mark.parametrize(
    ("name", "settings", "error", "message"),
    [
        ("zerocost", {}, UnknownNameError, "did you mean 'zero_cost'"),
        ("zero_cost", {"candidate": 3}, ConfigError, "initial.candidate is not a setting.*did you mean 'candidates'"),
        ("zero_cost", {"trials": "8"}, ConfigError, "initial.trials is '8' of type str; expected int"),
        ("zero_cost", {"trials": 0}, ConfigError, "initial.trials is 0; at least one trial"),
        ("zero_cost", {"candidates": 7}, ConfigError, "initial.candidates is 7, fewer than the 8 trials"),
    ],
)
def test_a_design_that_cannot_be_is_refused(
    name: str, settings: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        make(Component(name, settings))


def test_a_trainable_that_cannot_score_is_refused_before_anything_is_drawn() -> None:
    with pytest.raises(ConfigError, match="initial: Climber cannot score an architecture"):
        ZeroCost().check(Climber())
    with pytest.raises(UnknownNameError, match="did you mean 'quality'"):
        ZeroCost(proxy="flat+qualty").check(Oracle())
    ZeroCost(proxy="flat+quality").check(Oracle())
