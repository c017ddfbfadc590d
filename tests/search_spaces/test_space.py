"""A space: its members, their parameters by name, and what it says about anything else."""

from __future__ import annotations

import pickle
import random
from collections import Counter
from typing import Any

import numpy as np
import pytest

from search_spaces import (
    Architecture,
    ArchitectureError,
    Parameter,
    Space,
    SpaceError,
    choice,
    const,
    get,
    integer,
    real,
    repeat,
    subset,
)
from search_spaces.algebra import rejection

SPACE = Space(
    {
        "lr": real(1e-4, 1e-1, log=True),
        "layers": repeat(
            {"op": choice({"conv": {"kernel": choice(3, 5)}, "pool": {}}), "width": integer(8, 32, step=8)},
            1,
            3,
        ),
        "skips": subset(["a", "b", "c"], 2),
        "kind": const("net"),
    },
    name="example",
)
TREE: dict[str, Any] = {
    "lr": 0.01,
    "layers": [{"op": {"conv": {"kernel": 5}}, "width": 16}, {"op": {"pool": {}}, "width": 8}],
    "skips": ["a", "c"],
    "kind": "net",
}
PARAMS = {
    "lr": 0.01,
    "layers": 2,
    "layers.0.op": "conv",
    "layers.0.op.conv.kernel": 5,
    "layers.0.width": 16,
    "layers.1.op": "pool",
    "layers.1.width": 8,
    "skips.0": True,
    "skips.1": False,
}


def test_parameters_are_named_by_dotted_paths_and_only_active_ones_are_told() -> None:
    assert SPACE.params(TREE) == PARAMS
    assert SPACE.from_params(PARAMS).tree == TREE


def test_flat_descriptions_type_every_parameter() -> None:
    by_name = {parameter.name: parameter for parameter in SPACE.parameters}
    assert len(by_name) == len(SPACE.parameters) == 1 + 1 + 3 * 3 + 3
    described = {
        name: (p.kind, p.choices, p.low, p.high, p.step, p.log)
        for name, p in by_name.items()
        if name in ("lr", "layers", "layers.2.op", "layers.2.width", "skips.1")
    }
    assert described == {
        "lr": ("real", None, 1e-4, 1e-1, None, True),
        "layers": ("integer", None, 1, 3, 1, False),
        "layers.2.op": ("choice", ("conv", "pool"), None, None, None, False),
        "layers.2.width": ("integer", None, 8, 32, 8, False),
        "skips.1": ("choice", (False, True), None, None, None, False),
    }
    assert all(isinstance(parameter, Parameter) for parameter in SPACE.parameters)


@pytest.mark.parametrize(
    ("tree", "name"),
    [
        (choice(1, 2), "root"),
        (repeat(choice(1, 2), 1, 2), "root"),
        ([choice(1, 2)], "0"),
        ({"a": choice(1, 2)}, "a"),
    ],
)
def test_the_parameter_at_the_root_has_a_name(tree: object, name: str) -> None:
    assert Space(tree).parameters[0].name == name


def test_unnamed_sub_spaces_are_told_by_their_number_and_decided_as_themselves() -> None:
    space = Space({"op": choice("none", {"kernel": choice(3, 5)}, [integer(1, 2)])})
    assert space.parameters[0].choices == ("none", "option1", "option2")
    assert space.params({"op": {"kernel": 5}}) == {"op": "option1", "op.option1.kernel": 5}
    assert space.from_params({"op": "option2"}).tree == {"op": [1]}
    assert space.from_params({"op": "none"}).tree == {"op": "none"}
    assert space.size == 1 + 2 + 2


def test_options_of_a_subset_may_be_sub_spaces() -> None:
    space = Space({"inputs": subset({"n0": choice("conv", "pool"), "n1": choice("conv", "pool"), "n2": "skip"}, 2)})
    assert space.size == 4 + 2 + 2
    tree = {"inputs": [{"n0": "pool"}, {"n2": "skip"}]}
    assert space.params(tree) == {"inputs.0": True, "inputs.n0": "pool", "inputs.1": False}


def test_missing_parameters_take_their_first_value() -> None:
    made = SPACE.from_params({})
    assert made.tree == {
        "lr": 1e-4,
        "layers": [{"op": {"conv": {"kernel": 3}}, "width": 8}],
        "skips": ["b", "c"],
        "kind": "net",
    }


def test_parameters_from_a_table_are_read_as_they_come() -> None:
    told = PARAMS | {
        "layers": 2.0,
        "layers.0.width": np.int64(16),
        "layers.0.op.conv.kernel": 5.0,
        "lr": np.float64(0.01),
    }
    inactive = {"layers.2.width": float("nan"), "layers.1.op.conv.kernel": None}
    assert SPACE.from_params(told | inactive | {"skips.0": np.bool_(True)}).tree == TREE


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"layers.0.widht": 8}, "did you mean 'layers.0.width'"),
        ({"layers.0.width": 9}, "ints from 8 to 32 by 8"),
        ({"layers.0.width": True}, "True is not allowed"),
        ({"layers.0.op": "cnov"}, "'conv', 'pool'; did you mean 'conv'"),
        ({"lr": float("nan")}, "floats from 0.0001 to 0.1"),
        ({"lr": None}, "None is not allowed"),
        ({"skips.0": 1}, "1 is not allowed"),
        ({"layers": [1]}, "ints from 1 to 3"),
        ({"layers": np.array([1, 2])}, "ints from 1 to 3"),
        ({"lr": np.array([0.01, 0.02])}, "floats from 0.0001 to 0.1"),
        ({"layers.0.op": np.array(["conv", "pool"])}, "'conv', 'pool'"),
    ],
)
def test_parameters_that_do_not_belong_are_refused_by_name(params: dict[str, object], said: str) -> None:
    with pytest.raises(ArchitectureError, match=said):
        SPACE.from_params(params)


def test_validate_mends_spelling_and_nothing_else() -> None:
    loose = {
        "kind": "net",
        "skips": ("c", "a"),
        "layers": [
            {"width": 16.0, "op": {"conv": {"kernel": 5}}},
            {"op": {"pool": {}}, "width": np.int64(8)},
        ],
        "lr": 0.01,
    }
    made = SPACE.validate(loose)
    assert made.to_json() == Architecture(TREE).to_json()
    assert made.id == Architecture(TREE).id
    assert SPACE.contains(loose)


@pytest.mark.parametrize(  # FAULTS row 41
    ("change", "path", "said"),
    [
        (lambda t: t.update(lr=1.0), "lr", "1.0 is not allowed; allowed: floats from 0.0001 to 0.1"),
        (lambda t: t.update(lr="0.1"), "lr", "'0.1'"),
        (lambda t: t.update(kind="ent"), "kind", "fixed to 'net'"),
        (lambda t: t.update(skips=["a"]), "skips", "a list of 2 different options"),
        (lambda t: t.update(skips=["a", "a"]), "skips", "once"),
        (lambda t: t.update(skips=["a", "d"]), "skips", "allowed: 'a', 'b', 'c'"),
        (lambda t: t.update(layers=[]), "layers", "a list of 1 to 3"),
        (lambda t: t.update(layers={}), "layers", "a list of 1 to 3"),
        (lambda t: t.update(extra=1), "", "'extra' is not allowed"),
        (lambda t: t.update(Lr=1), "", "did you mean 'lr'"),
        (lambda t: t.pop("lr"), "", "the key 'lr' is missing"),
        (lambda t: t["layers"][1].update(width=12), "layers.1.width", "ints from 8 to 32 by 8"),
        (lambda t: t["layers"][1].update(op={"pol": {}}), "layers.1.op", "did you mean 'pool'"),
        (lambda t: t["layers"][1].update(op="pool"), "layers.1.op", "did you mean 'pool'"),
        (lambda t: t["layers"][0].update(op={"conv": {"kernel": 4}}), "layers.0.op.conv.kernel", "3, 5"),
        (lambda t: t["layers"][0].update(op={"conv": {}}), "layers.0.op.conv", "'kernel' is missing"),
        (lambda t: t["layers"][0].update(op=["conv", "pool"]), "layers.0.op", "allowed"),
        (lambda t: t["layers"].append(3), "layers.2", "a dict with the keys op, width"),
    ],
)
def test_what_does_not_belong_is_refused_by_path_value_and_rule(change: Any, path: str, said: str) -> None:
    tree = Architecture(TREE).tree
    change(tree)
    with pytest.raises(ArchitectureError, match=said) as caught:
        SPACE.validate(tree)
    assert caught.value.path == path
    assert str(caught.value).startswith(f"architecture at {path or 'its root'}: ")
    assert not SPACE.contains(tree)


@pytest.mark.parametrize("tree", [None, 3, "text", [], [1], object()])
def test_any_other_value_is_refused(tree: object) -> None:
    with pytest.raises(ArchitectureError):
        SPACE.validate(tree)


def test_an_unnamed_sub_space_says_what_is_wrong_inside() -> None:
    space = Space({"op": choice("none", {"kernel": choice(3, 5)})})
    with pytest.raises(ArchitectureError, match="3, 5") as caught:
        space.validate({"op": {"kernel": 4}})
    assert caught.value.path == "op.kernel"


def test_true_is_no_one_and_one_is_no_true() -> None:
    space = Space({"n": choice(1, 2), "b": choice(True, False), "i": integer(0, 1)})
    assert space.validate({"n": 1.0, "b": True, "i": 1}).to_json() == '{"n":1,"b":true,"i":1}'
    for bad in ({"n": True, "b": True, "i": 1}, {"n": 1, "b": 1, "i": 1}, {"n": 1, "b": True, "i": True}):
        assert not space.contains(bad)


def test_sizes() -> None:
    assert Space({"a": choice(1, 2, 3), "b": integer(1, 9, step=2), "c": real(0, 1, step=0.25)}).size == 3 * 5 * 5
    assert Space({"a": repeat(choice(1, 2, 3), 0, 2)}).size == 1 + 3 + 9
    assert Space({"a": subset(range_of(5), 2)}).size == 10
    assert Space({"a": subset(range_of(5), (0, 5))}).size == 32
    assert Space({"a": const(1)}).size == 1
    assert SPACE.size is None
    assert Space({"a": choice({"x": real(0, 1), "y": {}})}).size is None


def range_of(count: int) -> list[int]:
    return list(range(count))


def test_enumeration_is_lazy_and_in_order() -> None:
    huge = Space({"a": repeat(choice(1, 2), 50, 50)})
    assert huge.size == 2**50
    assert next(huge.enumerate())["a"] == [1] * 50
    small = Space({"a": choice("x", "y"), "b": integer(1, 2)})
    assert [list(made.values()) for made in small.enumerate()] == [["x", 1], ["x", 2], ["y", 1], ["y", 2]]
    with pytest.raises(SpaceError, match="space at lr: a real without step"):
        SPACE.enumerate()


def test_a_seed_decides_a_sample_whatever_the_generator() -> None:
    assert SPACE.sample(7) == SPACE.sample(random.Random(7))
    assert SPACE.sample(np.random.default_rng(7)) == SPACE.sample(np.random.default_rng(7))
    rng = random.Random(7)
    assert SPACE.sample(rng) != SPACE.sample(rng)
    for bad in (None, True, "7", 1.5):
        with pytest.raises(SpaceError, match=r"give a random.Random, a numpy Generator or an int seed"):
            SPACE.sample(bad)  # type: ignore[arg-type]


def test_samples_are_even() -> None:
    space = Space({"s": subset(["a", "b", "c", "d"], (1, 2)), "i": integer(1, 4), "n": choice("x", "y")})
    rng = random.Random(0)
    drawn = [space.sample(rng) for _ in range(8000)]
    subsets = Counter(tuple(made["s"]) for made in drawn)
    assert len(subsets) == 10
    assert min(subsets.values()) > 680
    assert min(Counter(made["i"] for made in drawn).values()) > 1850
    assert min(Counter(made["n"] for made in drawn).values()) > 3850


def test_log_scales_draw_evenly_over_magnitudes_and_reach_their_ends() -> None:
    space = Space({"i": integer(1, 100, log=True), "r": real(1e-4, 1.0, log=True)})
    rng = random.Random(0)
    drawn = [space.sample(rng) for _ in range(4000)]
    assert {1, 100} <= {made["i"] for made in drawn}
    assert 1800 < sum(made["r"] < 1e-2 for made in drawn) < 2200
    assert 1700 < sum(made["i"] <= 10 for made in drawn) < 2500


def never(made: Architecture) -> bool:
    return False


def test_a_space_without_a_valid_member_is_refused_when_sampled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # FAULTS row 12
    monkeypatch.setattr(rejection, "SURVEYED", 1000)
    small = Space({"a": choice(1, 2), "b": choice(1, 2)}, name="small", valid=never)
    with pytest.raises(SpaceError, match=r"space small has no valid architecture: none of all 4 trees.*loosen"):
        small.sample(0)
    assert small.size == 0
    large = Space({"a": repeat(choice(1, 2), 60, 60)}, valid=never)
    with pytest.raises(SpaceError, match="no valid architecture was found: none of 1000 draws"):
        large.sample(0)
    assert large.size is None


def test_a_rare_valid_member_of_a_small_space_is_found() -> None:
    space = Space({"a": integer(1, 20_000)}, valid=lambda made: bool(made["a"] == 7_777))
    assert space.sample(0).tree == {"a": 7_777}
    assert space.size == 1


def test_the_rule_is_named_where_it_refuses() -> None:
    space = Space({"a": choice(1, 2)}, valid=lambda made: bool(made["a"] == 1))
    with pytest.raises(ArchitectureError, match=r"lambda.*refuses"):
        space.validate({"a": 2})
    with pytest.raises(ArchitectureError, match="refuses"):
        space.from_params({"a": 2})


def test_the_canonical_form_binds_to_everything_that_the_space_makes() -> None:
    space = Space({"op": choice("conv", "pool"), "width": choice(8, 16)}, canonical=pool_has_no_width)
    ids = {space.validate({"op": "pool", "width": width}).id for width in (8, 16)}
    assert len(ids) == 1
    made = space.validate({"op": "pool", "width": 8})
    assert Architecture(made.tree).id not in ids
    vector = space.encode(made)[0]
    for other in (
        space.mutate(made, 0),
        space.crossover(made, made, 0),
        space.decode(vector),
        *space.neighbors(made),
    ):
        assert other.space is space
    assert len({made.id for made in space.enumerate()}) == 3


def pool_has_no_width(made: Architecture) -> dict[str, Any]:
    return {key: value for key, value in made.items() if key == "op" or made["op"] != "pool"}


def test_a_space_pickles() -> None:
    copy = pickle.loads(pickle.dumps(SPACE))
    assert copy.fingerprint == SPACE.fingerprint
    assert copy.sample(3) == SPACE.sample(3)
    assert repr(SPACE) == "<Space example: 14 parameters>"


def test_a_renamed_space_has_the_class_the_tree_and_the_rules_of_the_former() -> None:
    cells = get("nb201")
    other = cells.renamed("cells")
    assert (type(other), other.name, cells.name) == (type(cells), "cells", "nb201")
    assert (other.declared, other.canonical) == (cells.declared, cells.canonical)
    assert other.sample(3).id == cells.sample(3).id
