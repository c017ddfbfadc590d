"""What networks cost: known counts, and a meter that agrees with the plain count."""

from __future__ import annotations

import random

import pytest
import torch

import search_spaces
from tests.sweeps import quick
from trainables import build
from trainables.costs.cost import CostMeter, cost_of
from trainables.networks import example, names


def small(**layers):
    network = torch.nn.Sequential()
    for name, module in layers.items():
        network.add_module(name, module)
    return network


def test_cost_of_a_known_network():
    network = small(
        conv=torch.nn.Conv2d(3, 8, 3, padding=1, bias=False),
        norm=torch.nn.BatchNorm2d(8),
        relu=torch.nn.ReLU(inplace=True),
        pool=torch.nn.AdaptiveAvgPool2d(1),
        flat=torch.nn.Flatten(),
        linear=torch.nn.Linear(8, 10),
    )
    cost = cost_of(network, (3, 16, 12))
    assert cost.parameters == 8 * 27 + 16 + 80 + 10
    assert cost.macs == 16 * 12 * 8 * 27 + 80
    assert cost.model_bytes == 4 * (cost.parameters + 16) + 8
    # The convolution and the normalisation make a map each (and the latter keeps the mean and deviation of 8
    # channels), the pooling 8 numbers, the linear layer 10.
    assert cost.activation_bytes == 4 * (2 * 8 * 16 * 12 + 16 + 8 + 10)


def test_cost_leaves_the_network_as_it_was():
    network = build("nb201", search_spaces.get("nb201").sample(0), channels=4, cells=1)
    network.stem.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    first = cost_of(network, (3, 32, 32))
    assert network.training
    assert not network.stem[0].training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert all(p.device.type == "cpu" and p.grad is None for p in network.parameters())
    assert cost_of(network, (3, 32, 32)) == first


SMALL = {
    **{key: {"channels": 4, "layers": 3} for key in ["amoebanet", "darts", "enas_micro", "nasnet", "pnas"]},
    "nb101": {"cells": 1},
    "nb201": {"cells": 1},
}


@pytest.mark.parametrize("name", quick(names(), {"mlp", "nb201", "recurrent"}))
def test_a_meter_counts_what_cost_of_counts(name):
    space, meter, rng = search_spaces.get(name), CostMeter(), random.Random(0)
    settings = SMALL.get(name, {})
    one = example(name, batch=1, **settings)
    if name.endswith("recurrent"):
        one = one[:, :5]  # words, each of which is as many operations
    for _ in range(2):
        made = space.sample(rng)
        counted = meter.cost_of(lambda made=made: build(name, made, **settings), one)
        with torch.device("meta"):
            network = build(name, made, **settings)
        assert counted == cost_of(network, one)
        # What it knows already gives the same answer.
        assert meter.cost_of(lambda made=made: build(name, made, **settings), one) == counted


def test_a_network_that_is_trained_has_no_stand_ins():
    meter, made = CostMeter(), search_spaces.get("nb201").sample(0)
    meter.cost_of(lambda: build("nb201", made, channels=2, cells=1), example("nb201", batch=1))
    network = build("nb201", made, channels=2, cells=1)
    assert network(torch.rand(2, 3, 8, 8)).shape == (2, 10)
    assert not any("trainables.costs.cost" in type(module).__module__ for module in network.modules())


class NotOnMeta(torch.nn.Module):
    """Its forward makes a tensor on the default device, which meets the input."""

    def __init__(self) -> None:
        super().__init__()
        self.head = torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.head(x + torch.arange(4.0, device="cpu"))
        return found


def test_a_network_that_does_not_run_on_the_meta_device_is_run_once():
    cost = cost_of(NotOnMeta(), torch.rand(1, 4))
    assert (cost.parameters, cost.macs) == (10, 8)
