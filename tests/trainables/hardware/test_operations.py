"""Operations of networks: which of them a graph engine runs."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

import search_spaces
from tests.sweeps import quick
from trainables import build
from trainables.costs.cost import cost_of
from trainables.hardware.operations import OperationTracer
from trainables.networks import example, names

IMAGE = torch.zeros(1, 3, 8, 8)


class Net(nn.Module):
    """A network with a forward of the test."""

    def __init__(self, forward):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1, bias=False)
        self.other = nn.Conv2d(3, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def traced(forward):
    return OperationTracer().operations(lambda: (Net(forward), IMAGE))


def live(forward):
    return sorted(one.kind for one in traced(forward) if one.is_live)


@pytest.mark.parametrize(
    ("forward", "kinds"),
    [
        (lambda net, x: net.norm(net.conv(x)), ["convolution 3x3"]),
        (lambda net, x: net.conv(x).relu(), ["convolution 3x3", "relu"]),
        (lambda net, x: net.norm(x), ["native_batch_norm"]),
        # The normalisation and the output read the convolution, so that its weights cannot change.
        (lambda net, x: (net.conv(x), net.norm(net.conv(x)))[1], ["convolution 3x3"]),
        (lambda net, x: (lambda y: y + net.norm(y))(net.conv(x)), ["add", "convolution 3x3", "native_batch_norm"]),
        (lambda net, x: net.conv(x) + net.other(torch.zeros_like(x)), ["convolution 3x3"]),
        (lambda net, x: torch.zeros_like(x) + net.conv(x), ["convolution 3x3"]),
        (lambda net, x: net.conv(x) + functional.avg_pool2d(x * 0.0, 3, 1, 1), ["convolution 3x3"]),
        (lambda net, x: net.conv(x) + net.other(torch.ones_like(x)), ["add", "convolution 3x3"]),
        (lambda net, x: net.conv(x).flatten(1).view(1, 3, 8, 8), ["convolution 3x3"]),
        (lambda net, x: torch.zeros_like(x), []),
        (lambda net, x: nn.Identity()(nn.Dropout()(net.other(x)) if net.training else x), []),
        (lambda net, x: net.conv(x).relu_().add_(x), ["add", "convolution 3x3", "relu"]),
    ],
)
def test_live_operations(forward, kinds):
    assert live(forward) == kinds


def test_a_dead_operation_is_executed_and_not_live():
    plain = traced(lambda net, x: net.conv(x))
    dead = traced(lambda net, x: (net.other(x).relu(), net.conv(x))[1])
    assert [one for one in dead if one.is_live] == plain
    assert sorted(one.kind for one in dead) == ["convolution 1x1", "convolution 3x3", "relu"]


def test_what_is_known_of_an_operation():
    [one] = OperationTracer().operations(
        lambda: (nn.Conv2d(16, 32, 5, 2, 2, groups=8, bias=False), torch.zeros(2, 16, 20, 20))
    )
    assert one.kind == "convolution 5x5 / 2 grouped"
    assert (one.channels, one.side) == (32, 8)
    assert one.macs == 2 * 10 * 10 * 32 * 2 * 25
    assert one.bytes == 4 * (2 * 16 * 400 + 32 * 2 * 25 + 2 * 32 * 100)


def test_a_forward_that_asks_for_values_is_run():
    found = traced(lambda net, x: net.conv(x) if float(x.sum()) == 0 else net.other(x))
    assert "convolution 3x3" in {one.kind for one in found if one.is_live}


@pytest.mark.slow
@pytest.mark.parametrize("name", quick(names(), ("nb201", "mlp")))
def test_macs_agree_with_the_counted_cost(name):
    space = search_spaces.get(name)
    tracer, one = OperationTracer(), example(name, batch=1)
    for seed in (0, 1, 0):
        member = space.sample(seed)
        found = tracer.operations(lambda member=member: (build(name, member), one))
        assert sum(operation.macs for operation in found) == cost_of(build(name, member), one).macs
