"""The average of weights against its definition, step by step."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from trainables.training.averaging import WeightAverage


def moving(steps, decay):
    """A network that moves, what follows it, and the mean of its first weight by hand."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2))
    average, by_hand = WeightAverage(network, decay), network[0].weight.detach().clone()
    for step in range(1, steps + 1):
        with torch.no_grad():
            for tensor in network.parameters():
                tensor.add_(torch.randn_like(tensor))
        network(torch.randn(4, 3))
        average.follow()
        now = min(decay, (1 + step) / (10 + step))
        by_hand = now * by_hand + (1 - now) * network[0].weight.detach()
    return network, average, by_hand


@pytest.mark.parametrize("decay", [0.3, 0.9])
def test_each_step_takes_in_its_share(decay):
    network, average, by_hand = moving(12, decay)
    torch.testing.assert_close(average.network[0].weight, by_hand)
    assert not torch.equal(average.network[0].weight, network[0].weight)


def test_statistics_are_averaged_and_counts_copied():
    network, average, _ = moving(3, 0.9)
    assert not torch.equal(average.network[1].running_mean, network[1].running_mean)
    assert int(average.network[1].num_batches_tracked) == 3


def test_goes_on_from_its_state():
    network, average, _ = moving(2, 0.9)
    again = WeightAverage(copy.deepcopy(network), 0.9)
    again.load_state_dict(average.state_dict())
    follower = again._averaged[0][1]
    with torch.no_grad():
        follower.copy_(network[0].weight.add_(1.0))
    average.follow()
    again.follow()
    torch.testing.assert_close(again.network[0].weight, average.network[0].weight, rtol=0, atol=0)
