"""Whether an output depends on an input is found without arithmetic, and agrees with real numbers."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

import search_spaces
from trainables.costs.connection import depends_on_input
from trainables.networks import build


class Net(nn.Module):
    def __init__(self, forward: Any) -> None:
        super().__init__()
        self.layer, self._forward = nn.Linear(4, 2), forward

    def forward(self, *inputs: Any) -> Any:
        return self._forward(self.layer, *inputs)


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        (lambda layer, x: layer(x), True),
        (lambda layer, x: layer(torch.zeros_like(x)), False),
        (lambda layer, x: layer.weight.sum(), False),
        (lambda layer, x: (layer(torch.zeros_like(x)), x.relu()), True),
        (lambda layer, x: {"one": layer.bias, "other": [x + 1]}, True),
    ],
)
def test_the_output_of_a_network_depends_on_its_input_or_not(forward, expected):
    with torch.device("meta"):
        network = Net(forward)
    assert depends_on_input(network, torch.randn(1, 4)) is expected


def test_one_of_several_inputs_is_enough_and_tokens_are_not_traced():
    with torch.device("meta"):
        network = Net(lambda layer, x, y: layer(y))
        of_tokens = Net(lambda layer, x: layer.bias)
    assert depends_on_input(network, (torch.randn(1, 4), torch.randn(1, 4)))
    assert depends_on_input(of_tokens, torch.zeros(1, 4, dtype=torch.int64))


@pytest.mark.slow
def test_it_agrees_with_numbers_on_cells():
    space, different = search_spaces.get("nb201"), 0
    # One of these members has no path from its input to its output.
    empty = space.from_params(dict.fromkeys((p.name for p in space.parameters), "none"))
    ends = [empty, *map(space.sample, range(14, 30))]
    for member in ends:
        settings = {"num_classes": 3, "in_channels": 3, "channels": 4, "cells": 1}
        with torch.device("meta"):
            network = build(space, member, **settings)
        real = build(space, member, **settings).eval()
        with torch.no_grad():
            one, other = real(torch.randn(1, 3, 8, 8)), real(torch.randn(1, 3, 8, 8))
        depends = not torch.equal(one, other)
        assert depends_on_input(network, torch.randn(1, 3, 8, 8)) is depends
        different += not depends
    assert different >= 2
