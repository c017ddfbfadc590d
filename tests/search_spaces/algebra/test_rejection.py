"""Spaces whose rule refuses nearly all trees: members are found with bounded work, or it is said how much was done."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from search_spaces import Architecture, NoMemberError, Space, SpaceError, choice, const, integer
from search_spaces.algebra import rejection


def bits(count: int, valid: Callable[[Architecture], bool]) -> Space:
    return Space({f"b{i}": choice(0, 1) for i in range(count)}, valid=valid)


def ones(count: int) -> Callable[[Architecture], bool]:
    """A corner: the first so many decisions are 1."""
    return lambda made: all(made[f"b{i}"] for i in range(count))


def number(made: Architecture) -> int:
    return int("".join(map(str, made.values())), 2)


@pytest.mark.parametrize(("count", "share"), [(40, 3), pytest.param(40, 10, marks=pytest.mark.slow), (12, 10)])
def test_members_of_a_rule_of_an_eighth_and_of_a_thousandth_are_drawn(count: int, share: int) -> None:
    space = bits(count, ones(share))
    made = [space.sample(seed) for seed in range(6)]
    assert all(space.contains(one) for one in made)
    assert len(set(made)) > (1 if count == 12 else 5)
    assert bits(count, ones(share)).sample(5) == made[5], "what a process did before changes nothing"


def test_the_one_member_of_many_trees_is_found_and_has_no_mutant(monkeypatch: pytest.MonkeyPatch) -> None:
    """To list 2^18 trees takes 5 s. This is the same with smaller bounds."""
    monkeypatch.setattr(rejection, "LISTED_UP_TO", 100)
    monkeypatch.setattr(rejection, "SURVEYED", 500)
    space = bits(13, lambda made: number(made) == 6_789)
    assert number(space.sample(0)) == 6_789
    with pytest.raises(NoMemberError, match="no other valid member"):
        space.mutate(space.sample(0), 0)
    assert space.crossover(space.sample(0), space.sample(1), 0) == space.sample(2)


@pytest.mark.slow
def test_one_member_of_a_quarter_of_a_million_trees() -> None:
    wanted = [int(bit) for bit in f"{123_456:018b}"]
    space = bits(18, lambda made: all(made[f"b{i}"] == bit for i, bit in enumerate(wanted)))
    assert number(space.sample(0)) == 123_456


def test_plain_decisions_are_listed_in_the_order_of_all_others() -> None:
    tree = {"a": choice("x", "y"), "b": const(3), "c": integer(1, 7, step=3)}
    listed = [made.tree for made in Space(tree).enumerate()]
    assert listed == [made.tree["in"] for made in Space({"in": tree}).enumerate()]
    assert [(one["a"], one["c"]) for one in listed] == [(a, c) for a in "xy" for c in (1, 4, 7)]


def test_no_member_is_proven_where_the_trees_can_be_listed_and_told_as_searched_for_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rejection, "SURVEYED", 500)
    with pytest.raises(NoMemberError, match="none of all 1024 trees pass its rule"):
        bits(10, lambda made: False).sample(0)
    with pytest.raises(NoMemberError, match="was found: none of 500 draws pass its rule, of 1099511627776 trees"):
        bits(40, lambda made: False).sample(0)


@pytest.mark.slow
def test_a_corner_that_draws_hardly_meet_is_walked_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """One member in 4,096; the survey meets a few, and the walk leads to others."""
    monkeypatch.setattr(rejection, "SURVEYED", 20_000)
    space = bits(40, ones(12))
    found = len(space._rare._survey[0])
    assert 0 < found < 20
    made = {space.sample(seed) for seed in range(25)}
    assert all(space.contains(one) for one in made)
    assert len(made) > 20


def test_where_the_survey_finds_enough_members_a_sample_is_the_first_member_that_is_drawn() -> None:
    space = bits(40, ones(4))
    rare, rng, same = rejection.RareMembers(space), random.Random(7), random.Random(7)
    assert len(rare._survey[0]) == 20
    drawn = space._drawn(same)
    while not space._is_valid(drawn):
        drawn = space._drawn(same)
    assert rare.sample(rng) == drawn
    assert rng.getstate() == same.getstate(), "no walk follows"


@pytest.mark.parametrize(("found", "draws", "tried"), [(20, 44, 22), (19, 44, 0)])
def test_draws_end_with_ten_times_the_share_and_a_walk_of_eight_steps(
    found: int, draws: int, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = bits(40, ones(40))
    rare, asked, steps = rejection.RareMembers(space), list[Architecture](), list[object]()
    member = Architecture._bound(dict.fromkeys([f"b{i}" for i in range(40)], 1), space)
    rare.__dict__.update(_survey=([member] * found, draws), listed=None)
    drawn = space._drawn
    monkeypatch.setattr(space, "_drawn", lambda rng: asked.append(drawn(rng)) or asked[-1], raising=False)
    monkeypatch.setattr("search_spaces.algebra.moves.step", lambda space, trace, rng: steps.append(trace))
    assert rare.sample(random.Random(0)) == member
    assert (len(asked), len(steps)) == (tried, 8)


def test_the_members_that_are_known_are_the_same_in_every_process() -> None:
    space = bits(12, ones(6))
    rng = random.Random(0)
    assert space._rare.known == [space.sample(rng) for _ in range(16)]


def test_few_trees_are_listed_and_many_only_where_members_are_rare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection, "LISTED_UP_TO", 100)
    monkeypatch.setattr(rejection, "PROVEN_UP_TO", 1000)
    monkeypatch.setattr(rejection, "SURVEYED", 300)
    assert len(bits(6, ones(1))._rare.listed or ()) == 32
    assert bits(9, ones(1))._rare.listed is None
    assert [made.tree for made in bits(9, ones(9))._rare.listed or ()] == [
        dict.fromkeys([f"b{i}" for i in range(9)], 1)
    ]
    assert bits(10, ones(9))._rare.listed is None


def test_a_rule_that_raises_is_named_wherever_it_is_asked() -> None:
    def raising(made: Architecture) -> bool:
        raise KeyError("width")

    space = bits(4, raising)
    for ask in (lambda: space.sample(0), lambda: space.mutate(dict.fromkeys([f"b{i}" for i in range(4)], 0), 0)):
        with pytest.raises(SpaceError, match=r"rule .*raising raised KeyError\('width'\)"):
            ask()


def test_where_single_changes_are_refused_a_mutant_differs_in_a_few() -> None:
    """Members have an even number of ones: two decisions must change together."""
    space = bits(40, lambda made: sum(made.values()) % 2 == 0)
    parent = space.sample(0)
    rng = random.Random(0)
    for _ in range(10):
        child = space.mutate(parent, rng)
        assert 1 < sum(child[name] != parent[name] for name in parent) <= 4


def test_where_all_small_changes_are_refused_a_mutant_is_any_other_member() -> None:
    """Of too many trees to list; the other members differ from the parent in at least ten decisions."""
    space = bits(40, lambda made: sum(made.values()) in (0, *range(10, 41)))
    child = space.mutate(dict.fromkeys([f"b{i}" for i in range(40)], 0), 0)
    assert sum(child.values()) >= 10
