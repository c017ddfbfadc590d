"""The architecture that a supernet prefers, and the one whose parts it misses."""

from __future__ import annotations

import pytest
import torch

import search_spaces.nn as nn
from tests.trainables.supernet.toys import Nothing, Scale, Two, set_alphas
from trainables.errors import TrainableError
from trainables.supernet import discretize, relax
from trainables.supernet.perturbation import discretize_by_perturbation
from trainables.supernet.selection import strongest_options

ONE = torch.ones(1)


def edge(*factors):
    candidates = {f"times_{factor}": Scale(factor) for factor in factors}
    return nn.LayerChoice({**candidates, "none": Nothing()}, relaxed_only=("none",))


def node(**settings):
    """Three edges of which two are chosen; what each gives is 1 or 5, 2 or 6, 3 or 7."""
    edges = [edge(1, 5), edge(2, 6), edge(3, 7)]
    return relax(nn.Sequential(nn.InputChoice(3, 2, layers=edges, label="node")), **settings)


def skips(count, most):
    names = [f"cell.edge_{index}" for index in range(count)]
    supernet = relax(
        nn.Sequential(*(nn.LayerChoice({"skip_connect": nn.Identity(), "op": Scale(2)}, label=name) for name in names))
    )
    for index, name in enumerate(names):
        set_alphas(supernet, **{name.replace(".", "__"): [1.0 + index, 0.0]})
    supernet.method.most_skips = most
    return supernet


def test_the_weakest_skip_connections_give_way():
    assert list(discretize(skips(4, None)).tree["cell"].values()) == ["skip_connect"] * 4
    assert list(discretize(skips(4, 2)).tree["cell"].values()) == ["op", "op", "skip_connect", "skip_connect"]
    assert list(discretize(skips(4, 0)).tree["cell"].values()) == ["op"] * 4


def test_pruning_leaves_the_strongest_and_a_member():
    supernet = node()
    set_alphas(supernet, node__input_0=[1.0, 2.0, 3.0], node__input_1=[0.0, 1.0, 9.0], node__input_2=[3.0, 2.0, 1.0])
    assert strongest_options(supernet, 2) == {"node.input_0": (1, 2), "node.input_1": (1, 2), "node.input_2": (0, 1)}
    assert strongest_options(supernet, 1) == {"node.input_0": (1,), "node.input_1": (1,), "node.input_2": (0,)}
    supernet.method.kept = {"node.input_2": (1, 2)}
    assert strongest_options(supernet, 1)["node.input_2"] == (1,)


def test_perturbation_takes_what_is_missed_most_whatever_its_strength():
    supernet = node()
    for index in range(3):
        set_alphas(supernet, **{f"node__input_{index}": [3.0, 0.0, 0.0]})
    assert discretize(supernet).tree == {"node": [{"input_0": "times_1"}, {"input_1": "times_2"}]}
    strengths = supernet.strengths()
    assert torch.equal(strengths["node"], torch.stack([strengths[f"node.input_{index}"][0] for index in range(3)]))
    tuned = []

    def near(target):
        return lambda: -abs(supernet([ONE, ONE, ONE]).item() - target)

    def found(score):
        tuned.clear()
        return discretize_by_perturbation(supernet, score, torch.Generator().manual_seed(0), lambda: tuned.append(1))

    set_alphas(supernet, node__input_0=[0.0, 0.0, 0.0], node__input_1=[0.0, 0.0, 0.0], node__input_2=[0.0, 0.0, 0.0])
    assert found(near(100)).tree == {"node": [{"input_1": "times_6"}, {"input_2": "times_7"}]}
    assert len(tuned) == 4
    assert found(near(-100)).tree == {"node": [{"input_0": "times_1"}, {"input_1": "times_2"}]}
    assert not supernet.fixed
    assert not supernet.limits
    assert supernet([ONE, ONE, ONE]).item() == pytest.approx(24 / 3)


def test_perturbation_of_plain_choices_and_inputs():
    supernet = relax(Two())
    set_alphas(supernet, first=[0.0, 0.0, 0.0], last=[0.0, 0.0])
    member = discretize_by_perturbation(supernet, lambda: supernet(ONE).item(), torch.Generator().manual_seed(0))
    assert member.tree == {"first": 2, "last": 1}


def test_perturbation_refuses_methods_of_one_option():
    with pytest.raises(TrainableError, match="Gdas computes one option"):
        discretize_by_perturbation(relax(Two(), "gdas"), lambda: 0.0, torch.Generator())
