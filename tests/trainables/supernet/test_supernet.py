"""A module with choices becomes a supernet and an architecture, whatever its choices are."""

from __future__ import annotations

import copy

import pytest
import torch

import search_spaces
import search_spaces.nn as nn
from search_spaces.errors import SpaceError
from tests.trainables.supernet.toys import SOFT, Nested, Nothing, Scale, Two, set_alphas
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.supernet import Draws, discretize, relax
from trainables.supernet.decisions import Decision

ONE = torch.ones(1)


@pytest.fixture(scope="module")
def darts():
    """The undecided network of two cells of the paper's kind, small."""
    torch.manual_seed(0)
    return build("darts", None, channels=4, layers=3, num_classes=3)


def test_the_most_that_runs_side_by_side_is_all_summed_options_and_one_depth_or_value():
    shared = {"name": "d", "options": (1, 2, 3), "members": (0, 1, 2)}
    assert Decision(kind="layer", **shared).together == (0, 1, 2)
    assert Decision(kind="inputs", low=2, high=2, reduction="concat", **shared).together == (0, 1)
    assert Decision(kind="depth", **shared).together == Decision(kind="value", **shared).together == (2,)


@pytest.mark.slow
def test_the_search_network_of_darts_has_the_papers_numbers():
    with torch.device("meta"):
        network = build("darts", None, channels=16, layers=8)
    supernet = relax(network)
    assert sum(p.numel() for p in supernet.weight_parameters()) == 1_930_618
    assert {tuple(p.shape) for p in supernet.architecture_parameters()} == {(8,)}
    assert len(supernet.architecture_parameters()) == 2 * 14
    assert len(list(supernet.parameters())) == len(supernet.weight_parameters()) + 28


def test_what_is_found_is_a_member_of_the_catalogues_space(darts):
    member = discretize(relax(darts, space=search_spaces.get("darts")))
    assert member == search_spaces.get("darts").validate(member.tree)
    assert member.id == search_spaces.get("darts").validate(member.tree).id


@pytest.mark.slow
def test_pcdarts_has_the_papers_weights():
    with torch.device("meta"):
        network = build("darts", None, channels=16, layers=8, partial=4)
    assert sum(p.numel() for p in network.parameters()) == 299_578


def test_a_layer_choice_is_the_weighted_sum():
    supernet = relax(Two())
    set_alphas(supernet, first=[0.0, 0.0, 0.0], last=[0.0, 0.0])
    assert supernet(ONE).item() == pytest.approx((1 + 2) / 2)
    set_alphas(supernet, first=[0.0, 0.0, 50.0], last=[0.0, 50.0])
    assert supernet(ONE).item() == pytest.approx(3)
    assert discretize(supernet).tree == {"first": 2, "last": 1}


def test_a_forward_out_of_the_supernet_is_what_it_was():
    module = Two()
    relax(module)
    assert copy.deepcopy(module.state_dict()).keys() == Two().state_dict().keys()
    assert nn.freeze(module, {"first": 2, "last": 1})(ONE).item() == 3


@pytest.mark.parametrize("method", ["darts", "spos"])
def test_a_copy_is_a_supernet_of_its_own(method):
    supernet = relax(Two(), method)
    copied = copy.deepcopy(supernet)
    torch.nn.init.constant_(copied.module.first[2].factor, 30.0)
    with copied.deciding({"first": 2, "last": 1}):
        assert copied(ONE).item() == 30
    with supernet.deciding({"first": 2, "last": 1}):
        assert supernet(ONE).item() == 3
    assert copied.taken({"first": 1, "last": 0}) == {"first": (1,), "last": (0,)}
    assert nn.freeze(copied.module, {"first": 2, "last": 1})(ONE).item() == 30


def test_nested_and_tied_choices():
    module = Nested()
    supernet = relax(module)
    assert set(supernet.decisions) == {"outer", "tied"}
    set_alphas(supernet, outer=[0.0, 0.0], tied=[0.0, 0.0])
    assert supernet(ONE).item() == pytest.approx((100 + 5.5) / 2 * 5.5)
    set_alphas(supernet, outer=[0.0, 1.0], tied=[0.0, 1.0])
    member = discretize(supernet)
    assert member.tree == {"outer": "inner", "tied": "ten"}
    with supernet.deciding(member):
        assert supernet(ONE).item() == 100


def test_relaxed_only_candidates_are_mixed_and_never_chosen():
    choice = nn.LayerChoice({"two": Scale(2), "none": Nothing()}, relaxed_only=("none",))
    supernet = relax(nn.Sequential(choice))
    name = next(iter(supernet.decisions))
    set_alphas(supernet, **{name: [0.0, 0.0]})
    assert supernet(ONE).item() == pytest.approx(1)
    set_alphas(supernet, **{name: [0.0, 9.0]})
    assert set(supernet.space.params(discretize(supernet)).values()) <= {"two"}


def test_a_node_adds_all_edges_and_keeps_the_best():
    def edge(factor):
        return nn.LayerChoice({"a": Scale(factor), "none": Nothing()}, relaxed_only=("none",))

    node = nn.InputChoice(3, 2, layers=[edge(1), edge(10), edge(100)], label="node")
    supernet = relax(nn.Sequential(node))
    assert "node" not in supernet.method.owned()
    set_alphas(supernet, node__input_0=[0.0, 0.0], node__input_1=[9.0, -9.0], node__input_2=[0.0, 0.0])
    assert supernet([ONE, ONE, ONE]).item() == pytest.approx(0.5 + 10 + 50, rel=1e-6)
    set_alphas(supernet, node__input_0=[0.0, 3.0], node__input_2=[0.0, 2.0])
    assert discretize(supernet).tree == {"node": [{"input_1": "a"}, {"input_2": "a"}]}


def test_several_inputs_count_as_many_as_will_be_chosen():
    supernet = relax(nn.Sequential(nn.InputChoice(4, 2, label="inputs")))
    set_alphas(supernet, inputs=[0.0, 0.0, 0.0, 0.0])
    assert supernet([ONE, ONE, ONE, ONE]).item() == pytest.approx(2)
    set_alphas(supernet, inputs=[1.0, 0.0, 3.0, 0.0])
    assert discretize(supernet).tree == {"inputs": [0, 2]}


def test_a_range_of_inputs_takes_those_above_the_mean():
    supernet = relax(nn.Sequential(nn.InputChoice(4, (1, 3), label="inputs")))
    set_alphas(supernet, inputs=[2.0, 2.0, 2.0, 0.0])
    assert discretize(supernet).tree == {"inputs": [0, 1, 2]}
    set_alphas(supernet, inputs=[9.0, 0.0, 0.0, 0.0])
    assert discretize(supernet).tree == {"inputs": [0]}


def test_one_member_runs_with_the_shared_weights(darts, monkeypatch):
    supernet = relax(darts, space=search_spaces.get("darts"))
    member = supernet.space.sample(3)
    images = torch.rand(2, 3, 8, 8)
    supernet.eval()
    # The method is not asked: what it would mix is of no interest.
    monkeypatch.setattr(supernet.method, "mixes", None)
    with torch.no_grad(), supernet.deciding(member):
        assert torch.equal(supernet(images), nn.freeze(darts, member).eval()(images))


@pytest.mark.slow
def test_a_partial_network_freezes_to_what_it_computes():
    torch.manual_seed(0)
    network = build("darts", None, channels=8, layers=3, partial=4)
    supernet = relax(network, "pcdarts").eval()
    member = supernet.space.sample(1)
    images = torch.rand(2, 3, 9, 9)
    with torch.no_grad(), supernet.deciding(member):
        assert torch.equal(supernet(images), nn.freeze(network, member).eval()(images))


@pytest.mark.parametrize("method", SOFT)
@pytest.mark.parametrize(
    ("space", "settings", "example"),
    [
        ("nb201", {"cells": 1, "channels": 2}, torch.rand(2, 3, 8, 8)),
        ("recurrent", {"vocabulary": 9, "embedding": 4, "hidden": 4, "nodes": 2}, torch.zeros(2, 3, dtype=torch.int64)),
    ],
)
def test_every_method_searches_every_family(method, space, settings, example):
    torch.manual_seed(0)
    supernet = relax(build(space, None, **settings), method)
    supernet.begin_step(Draws.seeded(0))
    supernet(example).square().mean().backward()
    assert any(p.grad is not None and p.grad.abs().sum() > 0 for p in supernet.architecture_parameters())
    assert supernet.space.contains(discretize(supernet))


def test_a_module_without_choices_is_refused():
    with pytest.raises(SpaceError, match="no choices"):
        relax(nn.Sequential(nn.Linear(1, 1)))


def test_numbers_and_depths_are_refused_by_name():
    width = nn.ValueChoice([1, 2], label="width")
    with pytest.raises(TrainableError, match=r"width is a ValueChoice.*spos, enas, ofa, proxylessnas"):
        relax(nn.Sequential(nn.Linear(1, width)))
    with pytest.raises(TrainableError, match=r"layer_0 is the depth of a Repeat.*spos"):
        relax(nn.Sequential(nn.Repeat(Scale(1), (1, 2))))


def test_a_list_of_inputs_is_refused():
    with pytest.raises(TrainableError, match=r"reduction='concat'.*reduction='sum'"):
        relax(nn.Sequential(nn.InputChoice(3, 2, "concat", label="inputs")))


def test_shapes_that_disagree_are_refused_by_name_before_any_training():
    choice = nn.LayerChoice({"wide": nn.Conv2d(1, 8, 1), "narrow": nn.Conv2d(1, 1, 1)}, label="op")
    with pytest.raises(TrainableError, match=r"op: wide gives \(2, 8, 4, 4\), narrow gives \(2, 1, 4, 4\)"):
        relax(nn.Sequential(choice), example=torch.rand(2, 1, 4, 4))
    with pytest.raises(TrainableError, match=r"node: input_0 gives \(1, 2\), input_1 gives \(1, 1\)"):
        relax(nn.Sequential(nn.InputChoice(2, 2, label="node")), example=[torch.rand(1, 2), torch.rand(1, 1)])


def test_an_example_leaves_everything_as_it_was(darts):
    darts.train()
    before = {name: value.clone() for name, value in darts.state_dict().items()}
    supernet = relax(darts, example=torch.rand(2, 3, 8, 8))
    assert supernet.module.training
    assert all(torch.equal(value, before[name]) for name, value in darts.state_dict().items())


def test_unknown_methods_settings_and_spaces_are_refused():
    with pytest.raises(TrainableError, match="did you mean 'pcdarts'"):
        relax(Two(), "pc_darts")
    with pytest.raises(TrainableError, match="takes no setting 'temperatur'"):
        relax(Two(), "gdas", temperatur=1)
    with pytest.raises(TrainableError, match="first, last differ"):
        relax(Two(), space=search_spaces.Space({"first": search_spaces.choice(1, 2), "last": search_spaces.choice(1)}))


@pytest.mark.parametrize(
    ("others", "said"),
    [
        ({"first": search_spaces.choice(1, 2)}, "first differs; build"),
        ({"first": search_spaces.choice(1, 2), "last": search_spaces.choice(1, 2)}, "first, last differ; build"),
    ],
)
def test_it_is_said_what_differs_between_a_module_and_a_space(others, said):
    space = search_spaces.Space({**relax(Two()).space.declared, **others})
    with pytest.raises(TrainableError, match=said):
        relax(Two(), space=space)
