"""Multilayer perceptrons: size, identity, pictures."""

from __future__ import annotations

from typing import Any

import pytest

import search_spaces
from search_spaces import Space, SpaceError
from search_spaces.catalogue.mlp import MLPSpace
from search_spaces.testing import check_space

SPACE = search_spaces.get("mlp")


def _layer(width: int = 32, activation: str = "relu", norm: str = "none", dropout: float = 0.0) -> dict[str, Any]:
    return {"width": width, "activation": activation, "norm": norm, "dropout": dropout}


def test_it_keeps_every_promise_of_a_space() -> None:
    check_space(SPACE)


def test_its_size_is_that_of_enumeration() -> None:
    assert SPACE.size == 2 * sum((497 * 5 * 3 * 6) ** layers for layers in range(1, 9))
    small = search_spaces.get(
        "mlp", min_width=4, max_width=5, max_layers=2, dropouts=(0.0, 0.5), activations=("relu", "tanh")
    )
    members = list(small.enumerate())
    kinds = 2 * 2 * 3 * 2
    assert small.size == len(members) == len({made.id for made in members}) == 2 * (kinds + kinds**2)


def test_every_decision_makes_another_member() -> None:
    layers = [[_layer()], [_layer(33)], [_layer(activation="gelu")], [_layer(norm="batch")], [_layer(dropout=0.1)]]
    layers += [[_layer()] * 2, [_layer(), _layer(33)], [_layer(33), _layer()]]
    ids = {SPACE.validate({"layers": found, "skip": skip}).id for found in layers for skip in (False, True)}
    assert len(ids) == 2 * len(layers)


def test_the_spec_gives_back_the_space_with_its_settings() -> None:
    small = search_spaces.get("mlp", max_layers=2, norms=("none", "layer"))
    back = Space.from_spec(small.to_spec())
    assert (type(back), back.fingerprint, back.size) == (MLPSpace, small.fingerprint, small.size)


def test_it_is_drawn_with_what_skips_a_layer() -> None:
    tree = {"layers": [_layer(64, norm="batch", dropout=0.1), _layer()], "skip": False}
    (plain,) = SPACE.graphs(tree)
    (skipped,) = SPACE.graphs({**tree, "skip": True})
    assert [vertex.label for vertex in plain.vertices][1:3] == [
        "linear 64, batch norm, relu, dropout 0.1",
        "linear 32, relu",
    ]
    assert [vertex.label for vertex in skipped.vertices].count("+") == 2
    ends = {(edge.source, edge.target) for edge in skipped.edges}
    assert {("<input>", "layers.0.+"), ("layers.0.+", "layers.1"), ("layers.0.+", "layers.1.+")} < ends


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"min_width": 0}, "min_width 0"),
        ({"max_layers": 0}, "max_layers 0"),
        ({"dropouts": (0.0, 1.0)}, "1.0 is not a share from 0 to below 1"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        search_spaces.get("mlp", **settings)
