"""Running statistics follow what they are told to follow, and come back."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainables.supernet.regularizers import REGULARIZERS
from trainables.supernet.statistics import frozen_statistics, recalibrated

X = torch.randn(64, 3, generator=torch.Generator().manual_seed(0)) * 4 + 2


def network():
    return nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False))


def test_still_forwards_normalise_by_the_batch_and_leave_no_trace():
    net = network()
    net[0].p = 0.0
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with frozen_statistics(net):
        held = net(X)
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(net(X), held)
    assert not torch.equal(net.state_dict()["1.running_mean"], before["1.running_mean"])
    assert not net[2].track_running_stats


def test_recalibration_takes_the_plain_mean_and_gives_back():
    net = network()
    net[0].train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with recalibrated(net, lambda: [net(part) for part in X.chunk(4)]):
        assert not net.training
        assert net[1].running_mean.tolist() == pytest.approx(X.mean(0).tolist(), rel=1e-5)
        variances = torch.stack([part.var(0) for part in X.chunk(4)]).mean(0)
        assert net[1].running_var.tolist() == pytest.approx(variances.tolist(), rel=1e-5)
    assert net.training
    assert net[0].training
    assert net[1].momentum == 0.1
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


@pytest.mark.parametrize(
    ("name", "expected"),
    [("beta", (torch.tensor(2.0).log() + torch.tensor(3.0).log()) / 2), ("l2", 0.0), ("entropy", 0.8958797)],
)
def test_regularizers_of_even_vectors(name, expected):
    assert float(REGULARIZERS[name]([torch.zeros(2), torch.zeros(3)])) == pytest.approx(float(expected))


def test_regularizers_push_where_they_should():
    alpha = torch.tensor([2.0, 0.0], requires_grad=True)

    def slope(name):
        return torch.autograd.grad(REGULARIZERS[name]([alpha]), alpha)[0].tolist()

    assert slope("l2") == [2.0, 0.0]
    assert slope("beta") == pytest.approx(torch.softmax(alpha, 0).tolist())
    first, second = slope("entropy")
    assert first < 0 < second
