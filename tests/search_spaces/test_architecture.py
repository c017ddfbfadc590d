"""An architecture is a value: immutable, equal by tree, with a canonical id, in and out of JSON."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest

from search_spaces import Architecture, ArchitectureError, Space, choice

TREE: dict[str, Any] = {"layers": [{"op": "conv", "width": 8}, {"op": "pool", "width": 0.5}], "flag": None}


def test_it_reads_like_its_tree() -> None:
    made = Architecture(TREE)
    assert made["layers"][0]["op"] == "conv"
    assert made["layers"][-1] == {"op": "pool", "width": 0.5}
    assert made["layers"] == TREE["layers"]
    assert [layer["op"] for layer in made["layers"]] == ["conv", "pool"]
    assert list(made) == ["layers", "flag"] == list(made.keys())
    assert dict(made.items())["flag"] is None
    assert "layers" in made
    assert len(made) == 2
    assert made.get("nothing", 3) == 3
    match made["layers"][0]:
        case {"op": "conv", "width": int(width)}:
            assert width == 8
        case _:
            pytest.fail("a dict of the tree matches as a mapping")


def test_nothing_about_it_can_be_changed() -> None:
    tree = json.loads(json.dumps(TREE))
    made = Architecture(tree)
    tree["layers"][0]["op"] = "other"
    made.tree["layers"].append("other")  # type: ignore[index, call-overload, union-attr]
    with pytest.raises(AttributeError, match="immutable"):
        made.extra = 1  # type: ignore[attr-defined]
    with pytest.raises(AttributeError, match="immutable"):
        del made._tree
    with pytest.raises(TypeError):
        made["layers"][0]["op"] = "other"
    assert made.tree == TREE


def test_equality_hash_and_id_ignore_the_order_of_keys_but_not_of_lists() -> None:
    made = Architecture({"a": 1, "b": [1, 2]})
    same = Architecture({"b": [1, 2], "a": 1})
    other = Architecture({"a": 1, "b": [2, 1]})
    assert made == same
    assert (hash(made), made.id) == (hash(same), same.id)
    assert made != other
    assert made.id != other.id
    assert made.to_json() == '{"a":1,"b":[1,2]}'
    assert same.to_json() == '{"b":[1,2],"a":1}'
    assert len(made.id) == 16
    assert int(made.id, 16) >= 0


def test_values_that_python_confuses_are_different_architectures() -> None:
    trees = [{"a": 1}, {"a": 1.0}, {"a": True}]
    assert len({Architecture(tree) for tree in trees}) == 3


def test_json_and_pickle_bring_it_back() -> None:
    made = Architecture(TREE)
    assert Architecture.from_json(made.to_json()) == made
    assert Architecture(made) == made
    assert pickle.loads(pickle.dumps(made)) == made


def test_pickling_keeps_the_canonical_id_even_of_a_local_rule() -> None:
    space = Space({"a": choice(1, 2), "b": choice(1, 2)}, canonical=lambda made: {"a": made["a"]})
    made = space.validate({"a": 1, "b": 2})
    assert made.id == space.validate({"a": 1, "b": 1}).id
    assert pickle.loads(pickle.dumps(made)).id == made.id


def test_a_canonical_form_may_be_an_architecture_or_hold_views() -> None:
    space = Space({"a": [choice(1, 2)], "b": choice(1, 2)}, canonical=lambda made: {"a": made["a"]})
    also = Space({"a": [choice(1, 2)], "b": choice(1, 2)}, canonical=lambda made: Architecture({"a": [made["a"][0]]}))
    tree = {"a": [1], "b": 2}
    assert space.validate(tree).id == also.validate(tree).id == Architecture({"a": [1]}).id


def test_numpy_scalars_become_plain_ones() -> None:
    made = Architecture({"a": np.int64(3), "b": np.float64(0.5), "c": np.bool_(True)})
    assert made.to_json() == '{"a":3,"b":0.5,"c":true}'


@pytest.mark.parametrize(
    ("tree", "path", "said"),
    [
        ({"a": [1, math.nan]}, "a.1", "nan"),
        ({"a": {"b": {1, 2}}}, "a.b", "set"),
        ({"a": {1: 2}}, "a", "keys are strings"),
        ({"a": b"x"}, "a", "bytes"),
        (object(), "", "object"),
    ],
)
def test_what_json_cannot_say_is_refused_by_path(tree: object, path: str, said: str) -> None:
    with pytest.raises(ArchitectureError, match=said) as caught:
        Architecture(tree)
    assert caught.value.path == path


def test_a_tree_that_contains_itself_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ArchitectureError, match="contains itself"):
        Architecture(circle)


@pytest.mark.parametrize("text", ["", "{", "{'a': 1}", "[" * 100_000, b"\xff\xfe"])
def test_text_that_is_no_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(ArchitectureError, match="JSON"):
        Architecture.from_json(text)


def test_json_with_nan_is_refused_although_python_reads_it() -> None:
    with pytest.raises(ArchitectureError, match="finite"):
        Architecture.from_json('{"a": NaN}')


@pytest.mark.parametrize("tree", [{}, [], 0, 0.0, "", None, False])
def test_an_architecture_is_true_whatever_its_tree(tree: object) -> None:
    """`made or another` asks whether there is one, and a number has no length."""
    assert Architecture(tree)
