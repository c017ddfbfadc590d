"""Mutation, neighbours and crossover: one decision at a time, subsets whole, lists at any place."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, cast

import pytest

from search_spaces import Architecture, Space, SpaceError, choice, get, integer, real, repeat, subset

if TYPE_CHECKING:
    from search_spaces.catalogue.cells import CellSpace


def test_neighbours_change_one_decision_by_one_step() -> None:
    space = Space({"op": choice("a", "b", "c"), "n": integer(0, 10, step=5), "x": real(0, 1, step=0.5)})
    near = {made.to_json() for made in space.neighbors({"op": "a", "n": 5, "x": 0.0})}
    assert near == {
        '{"op":"b","n":5,"x":0.0}',
        '{"op":"c","n":5,"x":0.0}',
        '{"op":"a","n":0,"x":0.0}',
        '{"op":"a","n":10,"x":0.0}',
        '{"op":"a","n":5,"x":0.5}',
    }


def test_neighbours_on_a_continuous_scale_are_a_tenth_away() -> None:
    space = Space({"x": real(0, 1)})
    assert [made["x"] for made in space.neighbors({"x": 0.5})] == pytest.approx([0.4, 0.6])
    assert [made["x"] for made in space.neighbors({"x": 0.0})] == pytest.approx([0.1])


def test_neighbours_of_a_list_leave_one_out_or_double_one() -> None:
    space = Space(repeat(choice("a", "b"), 1, 3))
    near = {made.to_json() for made in space.neighbors(["a", "b"])}
    assert near == {'["a"]', '["b"]', '["b","b"]', '["a","a"]', '["a","a","b"]', '["a","b","b"]'}


def test_neighbours_of_a_subset_exchange_add_and_drop_one() -> None:
    fixed = Space(subset(["a", "b", "c"], 2))
    assert {tuple(made) for made in fixed.neighbors(["a", "b"])} == {("b", "c"), ("a", "c")}
    free = Space(subset(["a", "b", "c"], (1, 3)))
    assert {tuple(made) for made in free.neighbors(["a"])} == {("b",), ("c",), ("a", "b"), ("a", "c")}


def test_what_a_new_option_brings_takes_its_first_value() -> None:
    space = Space({"op": choice({"pool": {}, "conv": {"kernel": choice(3, 5), "width": integer(8, 9)}})})
    (near,) = space.neighbors({"op": {"pool": {}}})
    assert near.tree == {"op": {"conv": {"kernel": 3, "width": 8}}}


def test_a_mutant_differs_in_one_parameter_and_every_parameter_gets_its_turn() -> None:
    space = Space({"a": choice(1, 2, 3), "b": integer(0, 9), "c": real(0, 1), "d": choice(7)})
    start = space.sample(0)
    rng = random.Random(0)
    before = space.params(start)
    changed: Counter[str] = Counter()
    for _ in range(300):
        after = space.params(space.mutate(start, rng))
        (name,) = [name for name in before if before[name] != after[name]]
        changed[name] += 1
    assert changed.keys() == {"a", "b", "c"}
    assert min(changed.values()) > 70


def test_a_list_mutates_at_every_place_and_keeps_the_rest() -> None:
    space = Space(repeat({"v": integer(0, 1000)}, 1, 4))
    start = [{"v": 1}, {"v": 2}, {"v": 3}]
    rng = random.Random(0)
    shorter, places = set(), set()
    for _ in range(300):
        tree = [item["v"] for item in space.mutate(start, rng)]
        if len(tree) == 2:
            shorter.add(tuple(tree))
        if len(tree) == 4:
            new = next(i for i in range(4) if tree[:i] + tree[i + 1 :] == [1, 2, 3])
            places.add(new)
    assert shorter == {(1, 2), (1, 3), (2, 3)}
    assert places == {0, 1, 2, 3}


def test_a_subset_mutates_whole_and_keeps_its_size() -> None:
    space = Space(subset(["a", "b", "c", "d"], 2))
    rng = random.Random(0)
    mutants = Counter(tuple(space.mutate(["a", "b"], rng)) for _ in range(400))
    assert set(mutants) == {("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")}
    assert min(mutants.values()) > 60


def test_a_child_takes_every_decision_from_a_parent() -> None:
    space = Space(
        {
            "op": choice({"conv": {"k": integer(1, 99)}, "pool": {"s": integer(1, 99)}}),
            "layers": repeat(integer(1, 99), 1, 5),
            "s": subset(["a", "b", "c", "d"], (1, 3)),
        }
    )
    rng = random.Random(0)
    for _ in range(200):
        a, b = space.sample(rng), space.sample(rng)
        child = space.crossover(a, b, rng)
        pa, pb, pc = space.params(a), space.params(b), space.params(child)
        assert all(value in (pa.get(name), pb.get(name)) for name, value in pc.items())
        assert child["s"] in (a["s"], b["s"])


def test_crossover_really_mixes() -> None:
    space = Space({f"p{i}": choice(0, 1) for i in range(8)})
    rng = random.Random(0)
    zeros, ones = (
        space.validate({f"p{i}": 0 for i in range(8)}),
        space.validate({f"p{i}": 1 for i in range(8)}),
    )
    sums = [sum(space.crossover(zeros, ones, rng).values()) for _ in range(300)]
    assert 3.5 < sum(sums) / 300 < 4.5
    assert space.crossover(zeros, zeros, rng) == zeros


def two_ones(made: Architecture) -> bool:
    return sum(made.values()) == 2


def test_where_no_single_change_is_valid_a_mutant_is_found_anyway() -> None:
    space = Space({name: choice(0, 1) for name in "abcd"}, valid=two_ones)
    mutant = space.mutate({"a": 1, "b": 1, "c": 0, "d": 0}, 0)
    assert two_ones(mutant)
    assert space.neighbors(mutant) == []


def test_there_is_no_mutant_of_an_only_member() -> None:
    with pytest.raises(SpaceError, match="nothing to mutate"):
        Space({"a": choice(1)}).mutate({"a": 1}, 0)
    lone = Space({"a": choice(0, 1), "b": choice(0, 1)}, valid=lambda made: made.tree == {"a": 1, "b": 1})
    with pytest.raises(SpaceError, match="no other valid member"):
        lone.mutate({"a": 1, "b": 1}, 0)


@pytest.mark.parametrize("family", ["darts", "nasnet", "pnas", "enas_micro"])
def test_cells_cross_at_nodes_and_mutants_keep_valid_inputs(family: str) -> None:
    space = cast("CellSpace", get(family))
    rng = random.Random(0)
    from_each: Counter[str] = Counter()
    for _ in range(40):
        a, b = space.sample(rng), space.sample(rng)
        child = space.crossover(a, space.mutate(b, rng), rng)
        mutant = space.mutate(child, rng)
        for cell in space.cells(mutant).values():
            assert all(0 <= source < index for index, node in enumerate(cell, 2) for _, source in node)
        child = space.crossover(a, b, rng)
        for kind in space.kinds:
            for node in child[kind]:
                assert child[kind][node] in (a[kind][node], b[kind][node])
                from_each["a"] += child[kind][node] == a[kind][node]
                from_each["b"] += child[kind][node] == b[kind][node]
    assert min(from_each.values()) > 0.35 * max(from_each.values())


def test_what_stands_inside_a_chosen_option_comes_with_the_subset() -> None:
    edge = {"op": choice(*range(9)), "deep": subset({"x": choice(*range(9)), "y": choice(*range(9))}, (1, 2))}
    space = Space({"node": subset({f"input_{i}": edge for i in range(4)}, 2), "other": choice(1, 2)})
    rng = random.Random(0)
    mixed = 0
    for _ in range(200):
        a, b = space.sample(rng), space.sample(rng)
        child = space.crossover(a, b, rng)
        if [list(edge) for edge in a["node"]] != [list(edge) for edge in b["node"]]:
            assert child["node"] in (a["node"], b["node"])
        else:
            mixed += child["node"] not in (a["node"], b["node"])
    assert mixed > 0


def test_inside_an_option_that_both_parents_took_decisions_cross_on() -> None:
    space = Space(choice({"conv": {f"p{i}": integer(0, 1) for i in range(6)}, "pool": {"size": integer(1, 9)}}))
    low, high = ({"conv": {f"p{i}": value for i in range(6)}} for value in (0, 1))
    rng = random.Random(0)
    assert len({space.crossover(low, high, rng) for _ in range(50)}) > 10
    children = {space.crossover(low, {"pool": {"size": 3}}, rng).to_json() for _ in range(30)}
    assert children == {space.validate(low).to_json(), '{"pool":{"size":3}}'}


def pairs_agree(made: Architecture) -> bool:
    return all(made[f"a{place}"] == made[f"b{place}"] for place in range(4))


def test_where_one_change_is_always_refused_a_few_together_are_tried() -> None:
    space = Space({f"{side}{place}": choice(*range(3)) for place in range(4) for side in "ab"}, valid=pairs_agree)
    start = space.sample(0)
    for seed in range(4):
        made = space.mutate(start, seed)
        changed = [name for name in made if made[name] != start[name]]
        # A draw of any other member would change five or six of eight.
        assert len(changed) == 2
        assert pairs_agree(made)


def test_neighbours_of_a_number_are_a_step_below_and_above() -> None:
    space = Space({"n": integer(2, 10, step=2)})
    assert [[made["n"] for made in space.neighbors({"n": value})] for value in (2, 6, 10)] == [[4], [4, 8], [8]]
