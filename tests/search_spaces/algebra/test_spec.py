"""A space as JSON and back, and its fingerprint."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from typing import Any

import pytest

import search_spaces
from search_spaces import Architecture, Space, SpaceError, catalogue, choice, integer, real, repeat, subset
from search_spaces.algebra.code import is_catalogued
from search_spaces.algebra.spec import references
from search_spaces.catalogue import SPACES


def is_valid(made: Architecture) -> bool:
    return bool(made["a"] == 1)


def only_a(made: Architecture) -> Any:
    return made["a"]


def test_rules_are_written_as_references_and_imported() -> None:
    space = Space({"a": choice(1, 2), "b": choice(1, 2)}, name="ruled", valid=is_valid, canonical=only_a)
    described = space.to_spec()
    assert described["valid"].endswith("test_spec:is_valid")
    again = Space.from_spec(described)
    assert (again.name, again.size) == ("ruled", 2)
    assert len({made.id for made in again.enumerate()}) == 1


def test_a_rule_that_cannot_be_imported_is_told_apart_but_not_read_back() -> None:
    space = Space({"a": choice(1, 2)}, valid=lambda made: True)
    assert space.fingerprint != Space({"a": choice(1, 2)}).fingerprint
    with pytest.raises(SpaceError, match=r"<lambda>.*cannot be imported.*top level of a module"):
        Space.from_spec(space.to_spec())


def test_the_catalogue_comes_back_as_what_it_was() -> None:
    for name in search_spaces.names():
        space = search_spaces.get(name)
        again = Space.from_spec(json.loads(json.dumps(space.to_spec())))
        assert type(again) is type(space)
        assert again.fingerprint == space.fingerprint
        assert again.sample(1).id == space.sample(1).id


def test_the_fingerprint_ignores_the_order_of_keys_and_sees_every_change() -> None:
    base: dict[str, Any] = {"a": choice(1, 2), "b": integer(1, 4), "c": real(0, 1)}
    same = Space(dict(reversed(base.items())))
    assert Space(base).fingerprint == same.fingerprint
    changes: list[dict[str, Any]] = [
        {"a": choice(2, 1)},
        {"a": choice(1, 2, 3)},
        {"a": choice("1", "2")},
        {"b": integer(1, 5)},
        {"b": integer(1, 4, log=True)},
        {"b": integer(1, 4, step=3)},
        {"c": real(0, 2)},
        {"c": real(0, 1, step=0.5)},
        {"c": repeat(real(0, 1), 1, 1)},
        {"c": subset(["x", "y"], 1)},
        {"c": subset(["x", "y"], (1, 2))},
        {"c": choice({"x": {}, "y": {}})},
        {"d": 1},
    ]
    prints = {Space(base | change).fingerprint for change in changes} | {Space(base).fingerprint}
    assert len(prints) == len(changes) + 1
    assert all(len(one) == 16 for one in prints)


def _spec(tree: Any) -> dict[str, Any]:
    return {"format": 1, "type": None, "name": None, "tree": tree, "valid": None, "canonical": None}


@pytest.mark.parametrize(
    ("described", "said"),
    [
        ({"format": 99}, "format 99"),
        ({}, "format None"),
        (
            _spec({"kind": "dict", "items": {"a": {"kind": "list", "items": [{"kind": "cohice"}]}}}),
            r"spec at a\.0: unknown kind",
        ),
        (
            _spec(
                {
                    "kind": "dict",
                    "items": {"a": {"kind": "integer", "low": 5, "high": 1, "step": 1, "log": False}},
                }
            ),
            "spec at a: .*swap",
        ),
        (_spec({"kind": "dict", "items": {"a": {"kind": "integer", "low": 5}}}), "spec at a: malformed"),
        (_spec(None), "spec at its root: malformed"),
        (
            _spec({"kind": "const", "value": 1}) | {"valid": "no.such:thing"},
            "no.such:thing.*cannot be imported",
        ),
        (_spec({"kind": "const", "value": 1}) | {"type": "json:JSONDecoder"}, "is neither a Space nor a rule"),
    ],
)
def test_a_damaged_spec_is_refused(described: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        Space.from_spec(described)


class Touchy(Space):
    """A space of somebody else."""


class Stateful:
    """A rule with a state, of somebody else."""

    def __call__(self, made: Architecture) -> Any:
        return made["a"]

    def to_spec(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_spec(cls, written: dict[str, Any]) -> Stateful:
        raise AssertionError("called")


@pytest.mark.parametrize(
    "rules",
    [
        {"valid": is_valid},
        {"canonical": only_a},
        {"canonical": Stateful()},
    ],
)
def test_a_bare_space_has_the_tree_and_nobodys_code(rules: dict[str, Any]) -> None:
    tree = {"a": choice(1, 2), "b": choice(1, 2)}
    described = Touchy(tree, name="foreign", **rules).to_spec()
    found = Space.from_spec(described, bare=True)
    assert (type(found), found.name, found.size) == (Space, "foreign", 4)
    assert (found.valid, found.canonical) == (None, None)


@pytest.mark.parametrize("what", ["type", "valid", "canonical"])
@pytest.mark.parametrize(
    "reference",
    [
        "no_such_module_anywhere:x",
        "subprocess:getoutput",
        "antigravity:x",
        "nas_tune.api:resume",
        "",
        ":",
        "x",
        "a:b:c",
    ],
)
def test_a_bare_space_imports_nothing(what: str, reference: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.import_module", lambda name: pytest.fail(f"imported {name}"))
    described = {**Space({"a": choice(1, 2)}).to_spec(), "type": None}
    for written in (reference, {"type": reference, "state": {}}) if what != "type" else (reference,):
        assert Space.from_spec({**described, what: written}, bare=True).size == 2


def test_the_catalogue_is_bare_itself() -> None:
    """Every class and rule of the spaces that come with the package is known to a reader, by its name."""
    named: set[str] = set()
    for name in SPACES.built_in():
        space = search_spaces.get(name)
        described = json.loads(json.dumps(space.to_spec()))
        named |= {reference for _, reference in references(described)}
        again = Space.from_spec(described, bare=True)
        assert type(again) is type(space)
        assert again.fingerprint == space.fingerprint
    assert all(map(is_catalogued, named))


def test_what_is_called_like_a_rule_in_the_catalogue_is_a_space_or_takes_an_architecture() -> None:
    found = 0
    for module in pkgutil.iter_modules(catalogue.__path__, "search_spaces.catalogue."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if is_catalogued(f"{module.name}:{name}"):
                found += 1
                hints = list(inspect.signature(value).parameters.values())
                is_space = isinstance(value, type) and issubclass(value, Space)
                assert is_space or [hint.annotation for hint in hints] == ["Architecture"], name
    assert found > 20


@pytest.mark.parametrize(
    "reference",
    ["search_spaces.catalogue.nb201:space", "search_spaces.catalogue.nb201:os.canonical", "x.catalogue.a:canonical",
     "search_spaces.catalogue:get", "search_spaces.catalogue.nb201:canonical\n", "search_spaces.catalogue.a.b:x"],
)  # fmt: skip
def test_nothing_else_is_of_the_catalogue(reference: str) -> None:
    assert not is_catalogued(reference)


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"valid": "subprocess:getoutput"}, "is neither a Space nor a rule"),
        ({"canonical": "os.path:exists"}, "is neither a Space nor a rule"),
        ({"valid": "nas_tune.api:resume"}, "is not a rule of a space of this package"),
        ({"valid": "search_spaces.catalogue.nb201:NB201Space"}, "is not a function of that name"),
        ({"valid": "tests.search_spaces.algebra.test_spec:pytest.exit"}, "is not a function of that name"),
        ({"valid": "tests.search_spaces.algebra.test_spec:_spec_of_two"}, "does not take one architecture"),
        (
            {"canonical": {"type": "tests.search_spaces.algebra.test_spec:Touchy", "state": {}}},
            r"it has no __call__\(\)",
        ),
        (
            {"canonical": {"type": "tests.search_spaces.algebra.test_spec:only_a", "state": {}}},
            "is not a class of rules",
        ),
        ({"canonical": {"type": "nas_tune.ledger:Ledger", "state": {}}}, "is not a class of rules"),
        ({"canonical": {"state": {}}}, "malformed"),
        ({"type": "tests.search_spaces.algebra.test_spec:only_a"}, "is not a Space"),
        ({"type": 3}, "is not a reference"),
        ({"name": 3}, "name 3 is not text"),
    ],
)
def test_only_a_space_and_a_rule_are_taken_from_a_spec(part: dict[str, Any], said: str) -> None:
    described = Space({"a": choice(1, 2)}).to_spec()
    with pytest.raises(SpaceError, match=said):
        Space.from_spec({**described, **part}).size  # noqa: B018


def _spec_of_two(one: Any, other: Any) -> bool:
    return True


def test_a_space_that_is_the_whole_of_another_has_the_same_parameters_before_and_after_its_spec() -> None:
    inner = Space({"width": choice(8, 16), "blocks": [integer(1, 3)]})
    whole = Space(inner, name="whole")
    again = Space.from_spec(whole.to_spec())
    assert [parameter.name for parameter in whole.parameters] == ["width", "blocks.0"]
    assert [parameter.name for parameter in again.parameters] == ["width", "blocks.0"]
    assert whole.sample(3).tree == again.sample(3).tree
