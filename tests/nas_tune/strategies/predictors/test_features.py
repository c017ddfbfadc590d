"""Features: what computes the same looks the same, what differs differs."""

from __future__ import annotations

import numpy as np
import pytest

import search_spaces
from nas_tune.strategies.predictors import Features, GaussianModel
from nas_tune.strategies.predictors.features import FeatureTable
from search_spaces import Architecture, Space, real, repeat

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
