"""A space as JSON and back, and its fingerprint."""

from __future__ import annotations

import json
from typing import Any

import pytest

import search_spaces
from search_spaces import Architecture, Space, SpaceError, choice, integer, real, repeat, subset


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
        (_spec({"kind": "const", "value": 1}) | {"type": "json:JSONDecoder"}, "is no Space"),
    ],
)
def test_a_damaged_spec_is_refused(described: dict[str, Any], said: str) -> None:
    with pytest.raises(SpaceError, match=said):
        Space.from_spec(described)
