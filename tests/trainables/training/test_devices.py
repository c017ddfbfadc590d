"""How a network lies in memory: as the fast path wants it, but never where that path writes past its buffers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainables.training.devices import layout_of, placed

CPU = torch.device("cpu")


def halving(inputs: int, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, 8, 1, 2, groups=groups, bias=False))


@pytest.mark.parametrize(
    ("network", "layout"),
    [
        (halving(4), torch.contiguous_format),
        (halving(32, groups=8), torch.contiguous_format),
        (halving(16), torch.channels_last),
        (nn.Conv2d(4, 8, 1, bias=False), torch.channels_last),
        (nn.Conv2d(4, 8, 3, 2, bias=False), torch.channels_last),
    ],
)
def test_a_strided_pointwise_convolution_of_few_channels_is_laid_out_the_usual_way(network, layout):
    assert layout_of(network, CPU) is layout
    assert layout_of(network, torch.device("cuda")) is torch.channels_last
    assert all(weight.is_contiguous(memory_format=layout) for weight in placed(network, CPU).parameters())


def test_its_gradients_are_those_of_twice_the_precision():
    torch.manual_seed(0)
    network = placed(halving(4), CPU)
    images = torch.randn(64, 4, 8, 8).contiguous(memory_format=layout_of(network, CPU))
    exact = nn.Sequential(nn.Conv2d(4, 8, 1, 2, bias=False)).double()
    exact.load_state_dict(network.state_dict())
    for _ in range(20):
        network.zero_grad()
        exact.zero_grad()
        network(images).square().sum().backward()
        exact(images.double()).square().sum().backward()
        assert torch.allclose(network[0].weight.grad.double(), exact[0].weight.grad, rtol=1e-4)
