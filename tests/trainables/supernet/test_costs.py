"""What the options of a supernet cost, against the networks that they make."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.nn import freeze
from tests.trainables.supernet.toys import Nested, Scale
from trainables.cost import cost_of
from trainables.errors import TrainableError
from trainables.supernet import relax

IMAGES = torch.zeros(2, 3, 8, 8)


class Net(nn.Module):
    """One decision in two places, at two sizes of the image, and one in one place."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.first, self.second = (self.choice("tied") for _ in range(2))
        self.shrink = nn.MaxPool2d(2)
        self.last = self.choice("last")

    def choice(self, label):
        convs = {f"conv{k}": nn.Conv2d(4, 4, k, padding=k // 2) for k in (1, 3)}
        return nn.LayerChoice({**convs, "skip": nn.Identity()}, label=label)

    def forward(self, x):
        return self.last(self.second(self.shrink(self.first(self.stem(x)))))


def test_expected_macs_are_the_mean_over_all_networks():
    torch.manual_seed(0)
    module = Net()
    members = {pair: {"tied": pair[0], "last": pair[1]} for pair in product(("conv1", "conv3", "skip"), repeat=2)}
    macs = {pair: cost_of(freeze(module, tree), (3, 8, 8)).macs for pair, tree in members.items()}
    supernet = relax(module, "proxylessnas", costs="macs", example=IMAGES)
    for vector in supernet.architecture_parameters():
        torch.nn.init.normal_(vector)
    chances = {name: torch.softmax(vector, 0).tolist() for name, vector in supernet.method.owned().items()}
    options = ["conv1", "conv3", "skip"]
    mean = sum(
        chances["tied"][options.index(tied)] * chances["last"][options.index(last)] * macs[tied, last]
        for tied, last in members
    )
    stem = macs["skip", "skip"]
    assert supernet.method.expected_cost().item() + stem == pytest.approx(mean, rel=1e-6)
    even = sum(macs.values()) / len(macs) - stem
    assert supernet.method.penalty().item() == pytest.approx(0.1 * (mean - stem) / even, rel=1e-6)


def test_the_penalty_teaches_what_is_cheap():
    supernet = relax(
        nn.Sequential(nn.LayerChoice([Scale(1), Scale(2)], label="op")), "proxylessnas", costs={"op": [9, 1]}
    )
    (vector,) = supernet.architecture_parameters()
    supernet.method.penalty().backward()
    assert vector.grad[0] > 0 > vector.grad[1]


def test_costs_that_are_no_sum_are_refused():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, nn.ValueChoice([2, 4], label="width"), 1)

        def forward(self, x):
            return self.conv(x)

    with pytest.raises(TrainableError, match="width is a value"):
        relax(Wide(), "proxylessnas", costs="macs", example=IMAGES)
    with pytest.raises(TrainableError, match="not in candidates"):
        relax(Nested(), "proxylessnas", costs="macs", example=IMAGES)


def test_costs_of_what_is_not_there_are_refused():
    with pytest.raises(TrainableError, match="'other', which is no decision; known: tied, last"):
        relax(Net(), "proxylessnas", costs={"other": [1, 2, 3]})
    with pytest.raises(TrainableError, match="2 numbers for its 3 options"):
        relax(Net(), "proxylessnas", costs={"last": [1, 2]})
    with pytest.raises(TrainableError, match="give one to relax"):
        relax(Net(), "proxylessnas", costs="macs")
