"""The vector face: layout, mask, and a decoder that takes anything."""

from __future__ import annotations

import numpy as np
import pytest

from search_spaces import Architecture, Space, SpaceError, choice, integer, real, subset

SPACE = Space(
    {
        "op": choice({"conv": {"k": integer(1, 5)}, "pool": {}, "none": {}}),
        "lr": real(1e-3, 1e-1, log=True),
        "s": subset(["a", "b"], (0, 2)),
    }
)


def test_layout_and_mask() -> None:
    vector, mask = SPACE.encode({"op": {"conv": {"k": 2}}, "lr": 1e-2, "s": ["b"]})
    assert vector.dtype == np.float64
    assert mask.dtype == np.bool_
    assert vector.tolist() == pytest.approx([1, 0, 0, 0.25, 0.5, 0, 1])
    assert mask.all()
    vector, mask = SPACE.encode({"op": {"pool": {}}, "lr": 1e-1, "s": []})
    assert vector.tolist() == pytest.approx([0, 1, 0, 0, 1, 0, 0])
    assert mask.tolist() == [True, True, True, False, True, True, True]


def test_the_nearest_member_is_decoded() -> None:
    made = SPACE.decode([0.2, 0.1, 0.3, 0.9, 7.0, 0.6, 0.4])
    assert made.tree == {"op": {"none": {}}, "lr": 0.1, "s": ["a"]}
    assert SPACE.decode([0.4, 0.1, 0.3, 0.4, -1, 0, 0])["op"] == {"conv": {"k": 3}}


@pytest.mark.parametrize("vector", [[], [1.0] * 6, [[1.0] * 7]])
def test_another_shape_is_refused(vector: list[float]) -> None:
    with pytest.raises(SpaceError, match=r"shape \(7,\)"):
        SPACE.decode(vector)


def even(made: Architecture) -> bool:
    return bool(sum(made.values()) % 2 == 0)


def test_a_refused_vector_decodes_to_the_nearest_valid_member() -> None:
    space = Space({name: integer(0, 4) for name in "abc"}, valid=even)
    assert space.decode([0.25, 0.25, 0.25 + 0.12]).tree == {"a": 1, "b": 1, "c": 2}


@pytest.mark.slow
def test_far_from_every_valid_member_one_is_found_anyway() -> None:
    space = Space({f"p{i}": choice(0, 1) for i in range(12)}, valid=lambda made: sum(made.values()) == 12)
    assert sum(space.decode([1.0, 0.0] * 12).values()) == 12


@pytest.mark.slow
def test_under_a_sparse_rule_few_trees_are_looked_at() -> None:
    """Minutes a search: three rings of moves were gone through for every vector, and members were drawn again."""
    looked: list[Architecture] = []

    def scattered(made: Architecture) -> bool:
        looked.append(made)
        return sum(i * i * value for i, value in enumerate(made.values())) % 1009 == 0

    space = Space({f"p{i:02}": integer(0, 9) for i in range(12)}, valid=scattered)
    generator = np.random.default_rng(0)
    space.decode(generator.random(12))
    for vector in generator.random((5, 12)):
        looked.clear()
        assert scattered(space.decode(vector))
        assert len(looked) < 5_000


def test_from_known_members_a_walk_comes_nearer() -> None:
    """Only members of one half are valid, so that the last of many moves is far from any of those known at first."""
    space = Space({f"p{i}": choice(0, 1) for i in range(30)}, valid=lambda made: sum(made.values()) <= 8)
    made = space.decode([0.0, 1.0] * 20 + [1.0, 0.0] * 10)
    assert sum(made.values()) == 8
    assert sum([made[f"p{i}"] for i in range(20)]) == 8
