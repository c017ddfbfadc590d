"""Features: what computes the same looks the same, what differs differs."""

from __future__ import annotations

import numpy as np
import pytest

import search_spaces
from nas_tune.strategies.predictors import Features, GaussianModel
from nas_tune.strategies.predictors.features import FeatureTable
from search_spaces import Architecture, Space, choice, integer, real, repeat
from tests.toys import conditional_space

NB201 = search_spaces.get("nb201")


def cell(*operations: str) -> Architecture:
    edges = ("edge_0_1", "edge_0_2", "edge_1_2", "edge_0_3", "edge_1_3", "edge_2_3")
    return NB201.validate(dict(zip(edges, operations, strict=True)))


def test_cells_that_compute_the_same_have_the_same_paths() -> None:
    features = Features(NB201)
    skipped = cell("skip_connect", "none", "none", "none", "nor_conv_3x3", "none")
    direct = cell("avg_pool_3x3", "none", "none", "nor_conv_3x3", "none", "none")
    other = cell("none", "none", "none", "nor_conv_1x1", "none", "none")
    paths = [features.of(made).paths for made in (skipped, direct, other)]
    assert (paths[0] == paths[1]).all()
    assert paths[0].sum() == 1
    assert (paths[0] != paths[2]).any()


def test_a_cell_of_zeros_has_no_paths() -> None:
    assert not Features(NB201).of(cell(*["none"] * 6)).paths.any()


def test_numbers_far_apart_are_as_different_as_options_and_no_more() -> None:
    features = Features(Space({"x": real(0.0, 1.0)}))
    at = [features.of(features._space.validate({"x": x})).decisions for x in (0.0, 0.02, 0.6, 1.0)]
    near, far, further = (float(((at[0] - other) ** 2).sum()) for other in at[1:])
    assert near < 0.1
    assert far == pytest.approx(further, abs=0.15)
    assert further == pytest.approx(1.0, abs=0.1)


def test_where_an_item_stands_does_not_matter_to_what_is_pooled() -> None:
    space = Space({"items": repeat({"x": search_spaces.choice("a", "b")}, 1, 3)})
    one, other = ({"items": [{"x": x} for x in order]} for order in (("a", "b", "b"), ("b", "b", "a")))
    features = Features(space)
    assert (features.of(space.validate(one)).pooled == features.of(space.validate(other)).pooled).all()


def test_a_model_knows_what_it_was_told_and_doubts_the_rest() -> None:
    features, shelf = Features(NB201), FeatureTable()
    places = [shelf.add(features.of(NB201.sample(seed))) for seed in range(40)]
    scores = shelf.rows(places).decisions.sum(axis=1) + np.arange(40) / 10
    mean, deviation = GaussianModel(shelf.rows(places[:30]), scores[:30]).predict(shelf.rows(places))
    assert np.corrcoef(mean[:30], scores[:30])[0, 1] > 0.7
    assert deviation[30:].mean() > deviation[:30].mean()


# In numbers


def bumps(number: float) -> np.ndarray:
    """Five Gaussian bumps of width 0.2 whose squares add up to a half."""
    found = np.exp(-0.5 * ((number - np.array([0, 0.25, 0.5, 0.75, 1])) / 0.2) ** 2)
    return np.asarray(found * np.sqrt(0.5 / (found**2).sum()))


def test_options_weigh_as_much_as_numbers_that_lie_far_apart() -> None:
    space = Space({"a": choice("x", "y", "z"), "x": real(0.0, 10.0), "only": choice("one")})
    found = Features(space).of(space.validate({"a": "y", "x": 2.5, "only": "one"}))
    options = [0, 0.5**0.5, 0, 1.0]
    assert found.decisions == pytest.approx(np.array([*options, *bumps(0.25)]))
    assert (found.decisions**2).sum() == pytest.approx(2.0)
    assert found.paths.shape == (0,), "without graphs there are no paths"
    assert found.all() == pytest.approx(np.concatenate([found.decisions, found.pooled]))


def test_an_inactive_number_has_no_bumps() -> None:
    space = conditional_space()
    pool = Features(space).of(space.validate({"head": {"pool": {}}, "width": 8}))
    names = [p.name for p in space.parameters if p.kind != "choice"]
    numbers = pool.decisions[-5 * len(names) :].reshape(len(names), 5)
    assert {name: bool(row.any()) for name, row in zip(names, numbers, strict=True)} == {
        "head.conv.depth": False,
        "width": True,
    }
    assert numbers[names.index("width")] == pytest.approx(bumps(0.0))


def test_pools_count_options_and_add_up_numbers_of_one_meaning() -> None:
    """The items of a list have one meaning, and another decision with the same options has its own."""
    items = repeat({"op": choice("a", "b"), "n": integer(1, 5)}, 1, 3)
    space = Space({"items": items, "op": choice("a", "b"), "free": real(0.0, 1.0), "other": real(0.0, 1.0)})
    tree = {"items": [{"op": "a", "n": 1}, {"op": "b", "n": 5}], "op": "a", "free": 0.25, "other": 0.5}
    found = Features(space).of(space.validate(tree)).pooled
    sums, active = np.split(found, 2)
    assert sorted(sums) == pytest.approx(sorted([0.5, 1, 1, 1.0, 1, 0, 0.75]))
    assert sorted(active) == pytest.approx(sorted([1, 2, 2, 2, 1, 1, 2]))


def test_a_graph_has_its_paths_and_its_size() -> None:
    """One way leads through node 1, by a 3x3 and a 1x1; the skip to node 2 ends there."""
    made = cell("nor_conv_3x3", "skip_connect", "none", "none", "nor_conv_1x1", "none")
    found = Features(NB201).of(made)
    assert found.pooled[-4:] == pytest.approx([np.log1p(1), 2.0, 2, 2])
    assert sorted(found.paths)[-1] == 1.0
    assert (found.paths > 0).sum() == 1
    both = Features(NB201).of(cell("nor_conv_3x3", "none", "none", "nor_conv_3x3", "nor_conv_1x1", "none"))
    assert both.pooled[-4:] == pytest.approx([np.log1p(2), 1.5, 2, 1])
    twice = Features(NB201).of(cell("skip_connect", "skip_connect", "none", "nor_conv_3x3", "nor_conv_3x3", "none"))
    assert sorted(twice.paths)[-1] == pytest.approx(2**0.5), "the root of the count"
    nothing = Features(NB201).of(cell(*["none"] * 6))
    assert nothing.pooled[-4:].tolist() == [0, 0, 0, 0]


def test_a_table_grows_and_keeps_its_rows() -> None:
    features, table = Features(NB201), FeatureTable()
    made = [features.of(NB201.sample(seed)) for seed in range(140)]
    assert [table.add(blocks) for blocks in made] == list(range(140))
    asked = [0, 63, 64, 127, 128, 139, 5]
    rows = table.rows(asked)
    for row, place in enumerate(asked):
        assert (rows.decisions[row] == made[place].decisions).all()
        assert (rows.pooled[row] == made[place].pooled).all()
        assert (rows.paths[row] == made[place].paths).all()
