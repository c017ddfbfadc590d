"""Decisions beside those of a space: its rules and pictures hold, and the spec says all of it."""

from __future__ import annotations

import pytest

import search_spaces
from search_spaces import Space, choice, real
from search_spaces.algebra.spec import references
from search_spaces.errors import SpaceError


def beside(name: str) -> Space:
    return search_spaces.get(name).beside(lr=real(1e-4, 1e-1, log=True), optimizer=choice("sgd", "adamw"))


@pytest.mark.parametrize("name", ["nb201", "darts", "nb101", "mlp", "proxylessnas", "recurrent", "pnas"])
def test_every_face_of_a_space_of_the_catalogue_holds(name: str) -> None:
    space = beside(name)
    one, two = space.sample(0), space.sample(1)
    assert space.contains(space.mutate(one, 0))
    assert space.contains(space.crossover(one, two, 0))
    assert 0 < space.distance(one, two) <= 1
    assert space.encode(one)[0].shape == space.encode(two)[0].shape
    assert space.graphs(one)
    again = Space.from_spec(space.to_spec())
    assert again.fingerprint == space.fingerprint
    assert again.validate(one.tree).id == one.id
    assert Space.from_spec(space.to_spec(), bare=True).validate(one.tree).id == one.id


def test_isomorphic_cells_have_one_id_where_the_setting_is_the_same() -> None:
    plain, space = search_spaces.get("nb201"), beside("nb201")
    dead = dict.fromkeys(plain.sample(0).tree, "none")
    other = {**dead, "edge_0_1": "nor_conv_3x3"}
    assert plain.validate(dead).id == plain.validate(other).id
    setting = {"lr": 0.01, "optimizer": "sgd"}
    assert space.validate({**dead, **setting}).id == space.validate({**other, **setting}).id
    assert space.validate({**dead, **setting}).id != space.validate({**dead, **setting, "lr": 0.02}).id


def test_the_rule_of_the_space_inside_refuses() -> None:
    space = beside("nb101")
    tree = space.sample(0).tree
    cut = {**tree, "edges": [0] * len(tree["edges"])}
    assert not space.contains(cut)


def test_the_code_of_the_space_inside_is_listed_and_left_out_by_readers() -> None:
    spec = beside("nb201").to_spec()
    spec["canonical"]["state"]["space"]["canonical"] = "stranger.module:rule"
    assert ("canonical", "stranger.module:rule") in list(references(spec))
    assert Space.from_spec(spec, bare=True).canonical is None
    spec["canonical"]["state"] = {"names": []}
    with pytest.raises(SpaceError, match="spec: canonical: malformed"):
        Space.from_spec(spec)


def test_what_cannot_stand_beside_is_refused() -> None:
    with pytest.raises(SpaceError, match="has the decision 'skip' already"):
        search_spaces.get("mlp").beside(skip=choice(1, 2))
    with pytest.raises(SpaceError, match="is not a dict of decisions"):
        Space(choice(1, 2)).beside(lr=real(0.1, 1))


@pytest.mark.parametrize(
    ("name", "has_rules"), [("nb101", True), ("darts", True), ("mlp", False), ("enas_macro", False)]
)
def test_a_class_stays_only_where_it_has_no_rules_that_read_the_whole_tree(name: str, has_rules: bool) -> None:
    plain, space = search_spaces.get(name), beside(name)
    assert type(space) is (Space if has_rules else type(plain))
    assert [space.valid is None, space.canonical is None] == [plain.valid is None, plain.canonical is None]
    assert (space.name, list(space.declared)) == (plain.name, [*plain.declared, "lr", "optimizer"])


def test_a_rule_that_refuses_alone_is_kept_beside_others() -> None:
    plain = Space({"a": choice(1, 2), "b": choice(1, 2)}, valid=lambda made: made["a"] < made["b"])
    space = plain.beside(lr=choice(0.1, 0.2))
    assert [space.contains({"a": 1, "b": b, "lr": 0.1}) for b in (1, 2)] == [False, True]
    assert space.canonical is None
