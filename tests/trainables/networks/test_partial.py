"""Operations on a part of the channels: the rest passes by, and channels are dealt out anew."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import search_spaces
from trainables.errors import TrainableError
from trainables.networks import build
from trainables.networks.partial import Partial, PartialChoice


class Times(nn.Module):
    def forward(self, x):
        return x * 100


def test_one_part_is_worked_on_and_channels_are_dealt_out():
    x = torch.arange(8.0).view(1, 8, 1, 1) + 1
    assert Partial(Times(), 4)(x).flatten().tolist() == [100, 3, 5, 7, 200, 4, 6, 8]
    assert Partial(Times(), 1)(x).flatten().tolist() == [100 * n for n in range(1, 9)]
    choice = PartialChoice({"times": Times(), "same": nn.Identity()}, 4)
    assert torch.equal(choice(x), Partial(Times(), 4)(x))


@pytest.mark.parametrize("size", [8, 9])
def test_the_rest_shrinks_with_the_operation(size):
    x = torch.rand(2, 4, size, size)
    half = Partial(nn.AvgPool2d(3, 2, 1), 2)(x)
    assert half.shape == (2, 4, (size + 1) // 2, (size + 1) // 2)
    assert torch.equal(half[:, 1, 0, 0], x[:, 2, :2, :2].amax((1, 2)))


def test_parts_that_cannot_be_are_refused():
    with pytest.raises(TrainableError, match="partial is 3 and channels is 8; take a multiple of 3"):
        build("darts", None, channels=8, layers=1, partial=3)
    with pytest.raises(TrainableError, match="partial is 2, which is a setting of supernets"):
        build("darts", search_spaces.get("darts").sample(0), channels=8, layers=1, partial=2)
    with pytest.raises(TrainableError, match="partial is 0"):
        build("darts", None, channels=8, layers=1, partial=0)
