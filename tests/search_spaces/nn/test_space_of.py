"""The tree that the choices of a module declare, and the modules that declare none."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import search_spaces.nn as nn
from search_spaces import Space, choice, integer, repeat, subset
from search_spaces.errors import SpaceError
from search_spaces.testing import check_space


def ident():
    return nn.Identity()


class Holder(nn.Module):
    """Any attributes, in order."""

    def __init__(self, **held):
        super().__init__()
        for name, value in held.items():
            setattr(self, name, value)


def tree_of(module):
    space = nn.space_of(module)
    check_space(space, samples=3)
    return space.to_spec()["tree"]


def tree(declared):
    return Space(declared).to_spec()["tree"]


def conv(**values):
    return nn.Conv2d(4, 4, **{"kernel_size": 1, **values})


K = (1, 3)

TREES = {
    "layers by index": (lambda: {"op": nn.LayerChoice([ident(), ident()])}, {"op": choice(0, 1)}),
    "layers by name": (lambda: {"op": nn.LayerChoice({"a": ident(), "b": ident()})}, {"op": choice("a", "b")}),
    "relaxed only": (
        lambda: {"op": nn.LayerChoice({"none": ident(), "b": ident(), "c": ident()}, relaxed_only=("none",))},
        {"op": choice("b", "c")},
    ),
    "one input": (lambda: {"skip": nn.InputChoice(3)}, {"skip": choice(0, 1, 2)}),
    "two inputs": (lambda: {"skip": nn.InputChoice(3, 2)}, {"skip": subset([0, 1, 2], 2)}),
    "two or three inputs": (lambda: {"skip": nn.InputChoice(3, (2, 3))}, {"skip": subset([0, 1, 2], (2, 3))}),
    "any inputs": (lambda: {"skip": nn.InputChoice(3, None)}, {"skip": subset([0, 1, 2], (1, 3))}),
    "inputs through layers": (
        lambda: {"node": nn.InputChoice(2, 2, layers=[nn.LayerChoice({"a": ident(), "b": ident()}), ident()])},
        {"node": subset({"input_0": choice("a", "b"), "input_1": {}}, 2)},
    ),
    "one input through a layer": (
        lambda: {"node": nn.InputChoice(2, layers=[nn.LayerChoice([ident(), ident()]) for _ in range(2)])},
        {"node": choice({"input_0": choice(0, 1), "input_1": choice(0, 1)})},
    ),
    "an attribute": (lambda: {"kernel": nn.ValueChoice(K)}, {"kernel": choice(*K)}),
    "an argument": (lambda: {"fc": nn.Linear(2, nn.ValueChoice(K))}, {"fc": {"out_features": choice(*K)}}),
    "an argument in a tuple": (
        lambda: {"conv": conv(kernel_size=(nn.ValueChoice(K), 1))},
        {"conv": {"kernel_size_0": choice(*K)}},
    ),
    "values in containers": (
        lambda: {"widths": [nn.ValueChoice(K), nn.ValueChoice([8, 16])], "by": {"x": nn.ValueChoice([1, 2])}},
        {"widths_0": choice(*K), "widths_1": choice(8, 16), "by_x": choice(1, 2)},
    ),
    "a list of modules": (
        lambda: {"layers": nn.ModuleList([Holder(op=nn.LayerChoice([ident(), ident()])) for _ in range(2)])},
        {"layers_0": {"op": choice(0, 1)}, "layers_1": {"op": choice(0, 1)}},
    ),
    "labels": (
        lambda: {
            "a": nn.LayerChoice([ident(), ident()], label="normal.node_2"),
            "b": nn.LayerChoice([ident(), ident()], label="normal.node_2"),
            "normal": Holder(x=nn.ValueChoice(K)),
        },
        {"normal": {"node_2": choice(0, 1), "x": choice(*K)}},
    ),
    "choices in a candidate": (
        lambda: {"op": nn.LayerChoice({"conv": conv(kernel_size=nn.ValueChoice(K)), "pool": ident()})},
        {"op": choice({"conv": {"kernel_size": choice(*K)}, "pool": {}})},
    ),
    "choices in a listed candidate": (
        lambda: {"op": nn.LayerChoice([ident(), nn.Sequential(nn.Linear(4, 4), conv(padding=nn.ValueChoice(K)))])},
        {"op": choice({"option_0": {}, "option_1": {"layer_1": {"padding": choice(*K)}}})},
    ),
    "a choice as a candidate": (
        lambda: {"op": nn.LayerChoice({"a": nn.LayerChoice([ident(), ident()]), "b": nn.Repeat(ident(), (1, 2))})},
        {"op": choice({"a": choice(0, 1), "b": integer(1, 2)})},
    ),
    "a label in a candidate stands at the root": (
        lambda: {"op": nn.LayerChoice([conv(kernel_size=nn.ValueChoice(K, label="k")), ident()])},
        {"op": choice(0, 1), "k": choice(*K)},
    ),
    "a depth": (lambda: {"stage": nn.Repeat(ident(), (0, 2))}, {"stage": integer(0, 2)}),
    "blocks with choices": (
        lambda: {"stage": nn.Repeat(conv(padding=nn.ValueChoice(K)), (1, 2))},
        {"stage": repeat({"padding": choice(*K)}, 1, 2)},
    ),
    "blocks that are choices, of fixed depth": (
        lambda: {"stage": nn.Repeat(nn.LayerChoice([ident(), ident()]), 2)},
        {"stage": repeat(choice(0, 1), 2, 2)},
    ),
    "a depth by value": (
        lambda: {"stage": nn.Repeat(nn.LayerChoice([ident(), ident()]), nn.ValueChoice([1, 3]))},
        {"stage": {"depth": choice(1, 3), "blocks": repeat(choice(0, 1), 3, 3)}},
    ),
    "a value used further inside": (
        lambda: (
            lambda width: {
                "stage": nn.Repeat(lambda: nn.Linear(width, width), (1, 2)),
                "width": width,
                "op": nn.LayerChoice([nn.Linear(width, 4), ident()]),
            }
        )(nn.ValueChoice(K)),
        {"width": choice(*K), "stage": integer(1, 2), "op": choice(0, 1)},
    ),
    "the attribute names a value, not the argument": (
        lambda: (lambda width: {"fc": nn.Linear(2, width), "inner": Holder(width=width)})(nn.ValueChoice(K)),
        {"inner": {"width": choice(*K)}},
    ),
    "candidates that are lists": (lambda: {"size": nn.ValueChoice([(1, 3), (3, 1)])}, {"size": choice([1, 3], [3, 1])}),
}


@pytest.mark.parametrize("name", TREES)
def test_a_module_declares(name):
    make, declared = TREES[name]
    assert tree_of(Holder(**make())) == tree(declared)


def test_a_choice_alone_is_a_space():
    assert tree_of(nn.LayerChoice([ident(), ident()])) == tree(choice(0, 1))
    assert tree_of(nn.Sequential(nn.InputChoice(2))) == tree({"layer_0": choice(0, 1)})


def test_the_order_is_that_of_registration_attributes_first():
    module = Holder(z=nn.LayerChoice([nn.Linear(2, nn.ValueChoice(K, label="y"))]), b=nn.ValueChoice([1, 2]))
    module.a = nn.InputChoice(2)
    assert [parameter.name for parameter in nn.space_of(module).parameters] == ["b", "z", "y", "a"]
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert nn.space_of(other).to_spec() == nn.space_of(module).to_spec()


def test_it_is_called_after_the_class():
    assert nn.space_of(Holder(op=nn.InputChoice(2))).name == "holder"
    hidden = type("_Net", (Holder,), {})
    assert nn.space_of(hidden(op=nn.InputChoice(2))).name is None


def test_choices_of_says_the_names_of_the_space():
    width = nn.ValueChoice(K)
    module = Holder(
        width=width,
        stage=nn.Repeat(
            lambda: nn.LayerChoice({"conv": nn.Linear(width, nn.ValueChoice([2, 3])), "b": ident()}), (1, 2)
        ),
        node=nn.InputChoice(2, 2, layers=[nn.LayerChoice([ident(), ident()]), ident()], label="n.m"),
    )
    found = [name for name, _ in nn.choices_of(module)]
    stage = [f"stage.{i}{inner}" for i in (0, 1) for inner in ("", ".conv.in", ".conv.out_features")]
    assert found == ["width", "stage", *(s if s[-3:] != ".in" else "width" for s in stage), "n.m", "n.m.input_0"]
    names = {p.name for p in nn.space_of(module).parameters} | {p.group for p in nn.space_of(module).parameters}
    assert set(found) <= names


def shared(make):
    return (lambda one: [one, one])(make())


REFUSED = {
    "no module": (lambda: 3, "3 is a int, not a module"),
    "no choices": (lambda: nn.Linear(2, 3), "Linear has no choices"),
    "nothing to decide": (lambda: Holder(a=nn.Repeat(ident(), 2)), "Holder has no choices"),
    "labels that clash": (
        lambda: Holder(a=nn.LayerChoice([ident()] * 2, label="x"), b=nn.LayerChoice([ident()] * 3, label="x")),
        "the LayerChoice at a with label 'x' and the LayerChoice at b with label 'x' have different options",
    ),
    "a label inside a label": (
        lambda: Holder(a=nn.ValueChoice(K, label="x"), b=nn.ValueChoice(K, label="x.y")),
        "at a with label 'x' and the ValueChoice at b with label 'x.y' would stand in one place",
    ),
    "a label like an attribute": (
        lambda: Holder(x=nn.ValueChoice(K), b=nn.ValueChoice(K, label="x")),
        "the ValueChoice at x and the ValueChoice at b with label 'x' would be one decision",
    ),
    "a label like another path": (
        lambda: Holder(layers=nn.ModuleList([nn.InputChoice(2)]), layers_0=nn.InputChoice(2)),
        "at layers.0 and the InputChoice at layers_0 would be one decision",
    ),
    "a choice in two candidates": (
        lambda: Holder(op=nn.LayerChoice(shared(lambda: Holder(inner=nn.LayerChoice([ident(), ident()]))))),
        r"the LayerChoice at op\.0\.inner stands also at op\.1\.inner.*give it a label",
    ),
    "a choice in and beside a candidate": (
        lambda: (lambda inner: Holder(inner=inner, op=nn.LayerChoice([inner, ident()])))(nn.InputChoice(2)),
        r"the InputChoice at inner stands also at op\.0.*give it a label",
    ),
    "a value in two candidates": (
        lambda: Holder(op=nn.LayerChoice([nn.Linear(2, width) for width in shared(lambda: nn.ValueChoice(K))])),
        r"at op\.0\.out_features stands also at op\.1\.out_features",
    ),
    "blocks that differ": (
        lambda: Holder(a=nn.Repeat(lambda index: nn.Linear(2, nn.ValueChoice([1, 2 + index])), (1, 2))),
        "the Repeat at a: block 1 declares .* block 0",
    ),
    "a root beside labels": (
        lambda: nn.LayerChoice([nn.Linear(2, nn.ValueChoice(K, label="x")), ident()]),
        "would stand in one place",
    ),
    "a name that is none": (lambda: Holder(ops=nn.ModuleDict({"3x3": nn.InputChoice(2)})), "'3x3'.*rename"),
    "options twice": (lambda: Holder(a=nn.ValueChoice([1, 1])), "space at a: 1: the option occurs twice"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_is_refused(name):
    make, said = REFUSED[name]
    with pytest.raises(SpaceError, match=said):
        nn.space_of(make())


def test_a_large_module_is_read_once_a_choice():
    net = nn.ModuleList(
        nn.InputChoice(3, 2, layers=[nn.LayerChoice([ident()] * 3) for _ in range(3)]) for _ in range(100)
    )
    space = nn.space_of(net)
    assert len(list(nn.choices_of(net))) == 400
    assert space.size == (3 * 9) ** 100
    assert torch.nn.ModuleList is nn.ModuleList
