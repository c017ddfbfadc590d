"""Distances and diffs: the documented numbers by hand, symmetry, lists aligned, cells by node."""

from __future__ import annotations

import random

import pytest

from search_spaces import ArchitectureError, Space, choice, get, integer, real, repeat, subset
from search_spaces.algebra.differences import differences

LAYER = {"op": choice("a", "b", "c"), "width": integer(0, 10)}


def test_numbers_by_their_scale_options_by_equality_subsets_by_their_share() -> None:
    space = Space(
        {"n": integer(0, 10), "x": real(1, 100, log=True), "op": choice("a", "b"), "s": subset(list("abcd"), 2)}
    )
    a = {"n": 0, "x": 1.0, "op": "a", "s": ["a", "b"]}
    assert space.distance(a, a) == 0
    assert space.distance(a, {**a, "n": 5}) == pytest.approx(0.5 / 4)
    assert space.distance(a, {**a, "x": 10.0}) == pytest.approx(0.5 / 4)
    assert space.distance(a, {**a, "op": "b"}) == pytest.approx(1 / 4)
    assert space.distance(a, {**a, "s": ["b", "c"]}) == pytest.approx((2 / 3) / 4)
    assert space.distance(a, {"n": 10, "x": 100.0, "op": "b", "s": ["c", "d"]}) == pytest.approx(1)


def test_what_only_one_has_counts_one() -> None:
    space = Space({"op": choice({"conv": {"k": choice(3, 5), "w": integer(0, 4)}, "pool": {"k": choice(2, 3)}})})
    conv, pool = {"op": {"conv": {"k": 3, "w": 0}}}, {"op": {"pool": {"k": 2}}}
    assert space.distance(conv, pool) == 1
    assert space.distance(conv, {"op": {"conv": {"k": 3, "w": 2}}}) == pytest.approx(0.5 / 3)
    assert space.diff(conv, pool).splitlines() == [
        "op: conv -> pool",
        "op.conv.k: 3 -> (inactive)",
        "op.conv.w: 0 -> (inactive)",
        "op.pool.k: (inactive) -> 2",
    ]


def test_lists_are_aligned() -> None:
    space = Space({"layers": repeat(LAYER, 1, 6)})
    layers = [{"op": op, "width": width} for op, width in zip("abcab", (0, 2, 4, 6, 8), strict=True)]
    a, b = {"layers": layers}, {"layers": [layers[0], {"op": "c", "width": 10}, *layers[1:]]}
    changed = {"layers": [*b["layers"][:3], {"op": "b", "width": 4}, *b["layers"][4:]]}
    assert space.distance(a, b) == pytest.approx((0.2 + 2) / (1 + 10 + 2))
    assert space.diff(a, changed).splitlines() == [
        "layers: 5 -> 6",
        "layers.1.op: (inactive) -> c",
        "layers.1.width: (inactive) -> 10",
        "layers.2.op (now layers.3.op): c -> b",
    ]
    assert space.diff(b, a).splitlines()[1] == "layers.1.op: c -> (inactive)"


def test_a_decision_is_that_of_the_side_before_unless_only_the_other_has_it() -> None:
    space = Space({"layers": repeat(LAYER, 1, 6)})
    layers = [{"op": op, "width": width} for op, width in zip("abc", (0, 4, 8), strict=True)]
    a = space.validate({"layers": layers})
    b = space.validate({"layers": [{"op": "c", "width": 10}, *layers]})
    found = [(one.parameter.name, one.path, one.moved, one.put_in) for one in differences(space, a, b)]
    assert found == [
        ("layers", "layers", "layers", False),
        *((f"layers.0.{name}", f"layers.0.{name}", f"layers.0.{name}", True) for name in LAYER),
        *(
            (f"layers.{place}.{name}", f"layers.{place}.{name}", f"layers.{place + 1}.{name}", False)
            for place in range(3)
            for name in LAYER
        ),
    ]


def test_cells_are_compared_by_node() -> None:
    space = get("darts")
    a = space.sample(0).tree
    node = a["normal"]["node_3"]
    unused = ({"input_0", "input_1", "input_2"} - {name for edge in node for name in edge}).pop()
    other = {**a, "normal": {**a["normal"], "node_3": [node[0], {unused: "skip_connect"}]}}
    assert space.distance(a, other) == pytest.approx(((2 / 3 + 0 + 1 + 1) / 4) / 8)
    assert space.diff(a, other).count("\n") == 2


def test_equal_ids_are_at_no_distance_whatever_the_spelling() -> None:
    space = get("chain")
    first = {"op": "identity", "channels": 16, "stride": 1, "connection": "series"}
    a, b = {"layers": [first]}, {"layers": [{**first, "channels": 32}]}
    assert space.distance(a, b) == 0
    said, line = space.diff(a, b).splitlines()
    assert "the same architecture" in said
    assert line == "layers.0.channels: 16 -> 32"
    assert space.diff(a, a) == "equal"


@pytest.mark.parametrize("family", ["chain", "darts", "nb201", "nasnet"])
def test_distances_are_symmetric_between_nothing_and_one_and_grow_with_mutation(family: str) -> None:
    space, rng = get(family), random.Random(0)
    near, far = 0.0, 0.0
    for _ in range(12):
        a, b = space.sample(rng), space.sample(rng)
        mutant = space.mutate(a, rng)
        assert space.distance(a, b) == space.distance(b, a)
        assert 0 <= space.distance(a, b) <= 1
        assert (space.distance(a, mutant) > 0) == (a.id != mutant.id)
        near, far = near + space.distance(a, mutant), far + space.distance(a, b)
    assert near < far / 3


def test_numbers_of_a_range_are_rounded_for_a_reader_where_they_stay_apart() -> None:
    space = Space({"lr": real(0.001, 1.0)})
    assert space.diff({"lr": 0.25034710394718407}, {"lr": 0.3}) == "lr: 0.2503 -> 0.3"
    assert space.diff({"lr": 0.2503471039}, {"lr": 0.2503471038}) == "lr: 0.2503471039 -> 0.2503471038"


def test_foreign_members_are_refused() -> None:
    with pytest.raises(ArchitectureError, match="layers"):
        get("chain").distance({"edge_0_1": "none"}, get("chain").sample(0))
    with pytest.raises(ArchitectureError, match="layers"):
        get("chain").diff(get("chain").sample(0), get("nb201").sample(0))
