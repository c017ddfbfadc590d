"""Growing: one block more, everything decided before kept; exact counts; from the smallest up to the space itself."""

from __future__ import annotations

from itertools import islice

import pytest

from search_spaces import NoMemberError, Space, SpaceError, choice, get, integer, real, repeat, subset
from search_spaces.algebra import growth


def test_a_chain_grows_by_every_layer_at_its_end_within_its_space() -> None:
    space = Space({"lr": real(0, 1), "layers": repeat({"op": choice("a", "b"), "width": integer(1, 3)}, 1, 4)})
    start = space.validate({"lr": 0.5, "layers": [{"op": "b", "width": 2}]})
    larger = list(space.grow(start))
    assert len(larger) == len(set(larger)) == 6
    for made in larger:
        assert made.space is space
        assert made["lr"] == 0.5
        assert made["layers"][:1] == start["layers"]
        assert len(made["layers"]) == 2


def test_a_full_list_grows_into_the_larger_space() -> None:
    space = Space(repeat(choice("a", "b", "c"), 1, 2))
    assert space.has_room(["a"])
    assert not space.has_room(["a", "b"])
    larger = list(space.grow(["a", "b"]))
    assert [made.tree for made in larger] == [["a", "b", last] for last in "abc"]
    assert {made.space for made in larger} == {space.grown()}
    assert space.grown().to_spec()["tree"]["high"] == 3


def test_of_several_lists_one_at_a_time_grows_and_lists_inside_options_do_not() -> None:
    block = choice({"plain": {}, "deep": repeat(choice(1, 2), 1, 5)})
    space = Space({"stages": [repeat(choice("a", "b"), 1, 2), repeat(choice("c", "d"), 0, 3)], "block": block})
    start = {"stages": [["a", "b"], []], "block": {"deep": [1]}}
    assert [made["stages"][1] for made in space.grow(start)] == [["c"], ["d"]]
    assert all(made["block"] == {"deep": [1]} for made in space.grow(start))
    start = {"stages": [["a"], ["c"]], "block": {"plain": {}}}
    assert len(list(space.grow(start))) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "count"), [("pnas", (3 * 8) ** 2), ("darts", 3 * 7**2), ("enas_micro", (3 * 5) ** 2)]
)
def test_cells_grow_by_a_block(family: str, count: int) -> None:
    small = get(family).smallest()
    assert small.blocks == 1
    start = small.sample(0)
    larger = [made for made, _ in zip(small.grow(start), range(3000), strict=False)]
    kinds = len(start)
    assert len(set(larger)) == min(count**kinds, 3000)
    for made in (larger[0], larger[-1]):
        assert (made.space, made.space and made.space.blocks) == (small.grown(), 2)
        for kind in start:
            assert dict(list(made[kind].items())[:1]) == start[kind]
            assert len(made[kind]) == 2
    assert small.grown().grown().grown().resized(get(family).blocks or 0).fingerprint == get(family).fingerprint


def test_a_search_climbs_from_the_smallest_to_the_space_itself() -> None:
    for space in (get("pnas", blocks=3, operations=("skip_connect", "sep_conv_3x3")), get("chain")):
        beam = list(islice(space.smallest().enumerate(), 2))
        sizes = [len(beam[0].to_json())]
        while any(map(space.has_room, beam)):
            beam = list(islice((larger for made in beam if space.has_room(made) for larger in space.grow(made)), 2))
            sizes.append(len(beam[0].to_json()))
        assert sizes == sorted(set(sizes))
        assert all(space.contains(made) for made in beam)


def test_a_member_of_another_smaller_space_is_not_extended() -> None:
    other = get("pnas", blocks=1, operations=("skip_connect",)).sample(0)
    with pytest.raises(SpaceError, match="block_3"):
        get("pnas", blocks=2).grow(other)


def test_growth_keeps_the_rule_of_the_space() -> None:
    space = Space(repeat(choice(1, 2, 3), 1, 3), valid=ascending)
    assert [made.tree for made in space.grow([2])] == [[2, 2], [2, 3]]
    assert space.grown().valid is ascending


def ascending(made: object) -> bool:
    values = list(made)  # type: ignore[call-overload]
    return values == sorted(values)


def test_what_cannot_grow_says_so() -> None:
    for space in (get("nb201"), Space({"s": subset([1, 2, 3], 2)})):
        with pytest.raises(SpaceError, match="nothing to grow"):
            space.grow(space.sample(0)).__next__()
        with pytest.raises(SpaceError, match="nothing to grow"):
            space.smallest()
    with pytest.raises(SpaceError, match="no cells of blocks"):
        get("nb201").resized(3)
    endless = Space(repeat({"x": real(0, 1)}, 1, 3))
    with pytest.raises(SpaceError, match="give it a step"):
        list(endless.grow([{"x": 0.5}]))


def test_extensions_that_a_rule_refuses_are_not_gone_through_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(growth, "PROVEN_UP_TO", 200)
    block = {f"b{i}": choice(0, 1) for i in range(40)}
    space = Space({"blocks": repeat(block, 1, 3)}, valid=lambda made: len(made["blocks"]) == 1, name="tall")
    with pytest.raises(NoMemberError, match="tall: its rule refused 200 extensions in a row; loosen `valid`"):
        list(space.grow(space.sample(0)))
