"""Layers that take values: torch's own, built at their largest."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

import search_spaces.nn as nn
from search_spaces.errors import SpaceError


def test_without_a_value_a_layer_is_torchs():
    assert type(nn.Conv2d(3, 16, 3)) is torch.nn.Conv2d
    assert type(nn.Linear(2, 3)) is torch.nn.Linear


def test_with_a_value_it_is_built_at_its_largest():
    width = nn.ValueChoice([8, 32, 16])
    conv = nn.Conv2d(3, width * 2, kernel_size=(nn.ValueChoice([3, 5]), 1))
    assert type(conv) is torch.nn.Conv2d
    assert conv.weight.shape == (64, 3, 5, 1)
    assert conv.arguments.layer is torch.nn.Conv2d
    assert conv.arguments.values["in_channels"] == 3
    assert nn.LSTM(3, width).hidden_size == 32


def test_layers_are_classes_like_torchs():
    class Own(nn.Conv2d):
        def __init__(self, channels):
            super().__init__(channels, channels, 1)

    assert Own.__mro__[1] is torch.nn.Conv2d
    assert isinstance(Own(2), nn.Conv2d)
    assert isinstance(torch.nn.Conv2d(1, 1, 1), nn.Conv2d)
    assert not isinstance(torch.nn.Linear(1, 1), nn.Conv2d)
    assert issubclass(nn.Conv2d, torch.nn.Module)
    assert issubclass(torch.nn.Conv2d, nn.Conv2d)
    assert type(nn.ReLU()) == nn.ReLU  # noqa: E721
    assert {nn.ReLU: 1}[torch.nn.ReLU] == 1
    assert pickle.loads(pickle.dumps(nn.ReLU)) is nn.ReLU


def test_copies_and_pickles_keep_the_arguments():
    width = nn.ValueChoice([2, 4])
    net = torch.nn.Sequential(nn.Linear(3, width), nn.Linear(width, width * 2))
    for made in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        one, other = (layer.arguments.values for layer in made)
        assert one["out_features"] is other["in_features"] is not width
        assert made.state_dict().keys() == net.state_dict().keys()


def test_what_torch_refuses_names_the_arguments():
    with pytest.raises(SpaceError, match=r"Conv2d\(in_channels=3, out_channels=8, .* cannot be built.*divisible"):
        nn.Conv2d(3, nn.ValueChoice([4, 8]), 1, groups=3)
    with pytest.raises(TypeError, match="missing"):
        nn.Conv2d(nn.ValueChoice([4, 8]))
