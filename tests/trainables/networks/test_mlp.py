"""Multilayer perceptrons: parameter counts by hand, random members, what is refused."""

from __future__ import annotations

import random

import pytest
import torch

import search_spaces
from search_spaces.errors import ArchitectureError
from tests.trainables.members import SWEEP
from trainables import build
from trainables.errors import TrainableError
from trainables.networks import example


def layer(width=8, activation="relu", norm="none", dropout=0.0):
    return {"width": width, "activation": activation, "norm": norm, "dropout": dropout}


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_parameters_are_those_counted_by_hand():
    tree = {"layers": [layer(16, norm="batch"), layer(16), layer(4, norm="layer", dropout=0.5)], "skip": False}
    plain = (10 * 16 + 16 + 32) + (16 * 16 + 16) + (16 * 4 + 4 + 8) + (4 * 3 + 3)
    assert parameters(build("mlp", tree, num_features=10, num_classes=3)) == plain
    skipping = build("mlp", {**tree, "skip": True}, num_features=10, num_classes=3)
    assert parameters(skipping) == plain + 10 * 16 + 16 * 4


def test_a_layer_does_what_it_says():
    torch.manual_seed(0)
    network = build("mlp", {"layers": [layer(6, "tanh"), layer(6, "gelu")], "skip": True}, num_features=6).eval()
    x = torch.rand(2, 6)
    one = torch.tanh(network.layers[0].layer[0](x)) + x
    two = torch.nn.functional.gelu(network.layers[1].layer[0](one)) + one
    assert torch.allclose(network(x), network.classifier(two))


@SWEEP
def test_random_members_build_and_run(count):
    space = search_spaces.get("mlp", min_width=2, max_width=6)
    rng = random.Random(0)
    for index in range(count):
        made = space.sample(rng)
        network = build(space, made, num_features=5, num_classes=3)
        loss = network(example(space, num_features=5)).square().mean()
        loss.backward()
        assert torch.isfinite(loss), (index, made)
        assert all(p.grad is not None for p in network.parameters())


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ({"skip": False}, "layers"),
        ({"layers": [layer()]}, "skip"),
        ({"layers": [layer(), layer(0)], "skip": True}, "layers.1.width"),
        ({"layers": [layer(activation="rellu")], "skip": True}, "layers.0.activation"),
        ({"layers": [layer(norm="group")], "skip": True}, "layers.0.norm"),
        ({"layers": [layer(dropout=1)], "skip": True}, "layers.0.dropout"),
    ],
)
def test_a_foreign_tree_is_refused_with_its_path(tree, path):
    with pytest.raises(ArchitectureError) as caught:
        build("mlp", tree)
    assert caught.value.path == path


def test_bad_settings_are_refused():
    with pytest.raises(TrainableError, match="num_features"):
        build("mlp", {"layers": [layer()], "skip": True}, num_features=0)
    with pytest.raises(TrainableError, match="num_feature"):
        build("mlp", {"layers": [layer()], "skip": True}, num_feature=4)
