"""Layers that run at the size of their values, with the weights of the largest."""

from __future__ import annotations

import copy

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.errors import SpaceError
from search_spaces.nn import freeze, make_elastic


class Net(nn.Module):
    """A convolution, its normalisation, a depthwise convolution and a linear layer, all of one width."""

    def __init__(self):
        super().__init__()
        self.width = nn.ValueChoice([2, 4, 6], label="width")
        self.kernel = nn.ValueChoice([5, 3, 1], label="kernel")
        self.conv = nn.Conv2d(3, self.width * 2, self.kernel, padding=self.kernel // 2)
        self.norm = nn.BatchNorm2d(self.width * 2)
        self.depthwise = nn.Conv2d(self.width * 2, self.width * 2, 3, groups=self.width * 2)
        self.linear = nn.Linear(self.width * 2, 5)

    def forward(self, x):
        return self.linear(self.depthwise(self.norm(self.conv(x))).mean((2, 3)))


def elastic(net, **indices):
    """`net` with its values decided; elastic, so that it follows them."""
    for name, index in indices.items():
        getattr(net, name).relaxed = lambda index=index: index
    for layer in net.modules():
        make_elastic(layer)
    return net


@pytest.mark.parametrize(("width", "kernel"), [(0, 0), (1, 1), (2, 2), (0, 2), (2, 0)])
@pytest.mark.parametrize("training", [True, False])
def test_it_runs_as_the_frozen_one(width, kernel, training):
    torch.manual_seed(0)
    net, x = Net().double().train(training), torch.randn(4, 3, 7, 7, dtype=torch.float64)
    torch.nn.init.uniform_(net.norm.running_var)
    frozen = freeze(net, {"width": [2, 4, 6][width], "kernel": [5, 3, 1][kernel]})
    expected = frozen(x)
    made = elastic(net, width=width, kernel=kernel)(x)
    assert torch.equal(made, expected)
    count = len(frozen.norm.running_mean)
    assert torch.equal(net.norm.running_mean[:count], frozen.norm.running_mean)
    assert net.norm.num_batches_tracked == frozen.norm.num_batches_tracked


def test_gradients_arrive_in_the_parts_that_ran():
    net = elastic(Net(), width=0, kernel=1)
    net(torch.randn(2, 3, 7, 7)).sum().backward()
    weight = net.conv.weight.grad
    assert weight.shape == (12, 3, 5, 5)
    assert (weight[:4, :, 1:4, 1:4] != 0).all()
    assert weight.count_nonzero() == 4 * 3 * 3 * 3


def test_weights_keep_their_names_and_freezing_forgets():
    names = list(Net().state_dict())
    net = elastic(Net(), width=0, kernel=0)
    assert list(net.state_dict()) == names
    frozen = freeze(net, {"width": 6, "kernel": 3})
    assert "forward" not in frozen.conv.__dict__
    assert frozen.conv.weight.shape == (12, 3, 3, 3)


def test_a_copy_follows_its_own_values():
    net = elastic(Net(), width=0, kernel=0)
    copied = copy.deepcopy(net)
    with torch.no_grad():
        copied.conv.weight.zero_()
    assert not torch.equal(net(torch.ones(1, 3, 7, 7)), copied(torch.ones(1, 3, 7, 7)))


def test_a_value_can_be_a_depth():
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.depth = nn.ValueChoice([3, 1], label="depth")
            self.blocks = nn.Repeat(lambda: nn.Hardtanh(), self.depth)
            self.ran = 0
            for block in self.blocks:
                block.register_forward_hook(self.count)

        def count(self, *_):
            self.ran += 1

        def forward(self, x):
            return self.blocks(x)

    net = Deep()
    net(torch.ones(1))
    assert net.ran == 3
    elastic(net, depth=1)(torch.ones(1))
    assert net.ran == 4


def test_what_cannot_share_weights_says_so():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.width = nn.ValueChoice([4, 8], label="width")
            self.lstm = nn.LSTM(3, self.width)

        def forward(self, x):
            return self.lstm(x)

    with pytest.raises(SpaceError, match="is not a part of that of the largest"):
        elastic(Recurrent(), width=0)(torch.zeros(2, 1, 3))
