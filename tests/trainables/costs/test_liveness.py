"""The peak memory of small networks, whose values can be counted by hand. One number is 4 bytes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.costs.liveness import peak_memory

IMAGES = torch.zeros(2, 3, 4, 4)
"""One example has 48 numbers."""


class Function(nn.Module):
    """A network that is a function of its input."""

    def __init__(self, function) -> None:
        super().__init__()
        self.function = function
        self.weight = nn.Parameter(torch.zeros(48))

    def forward(self, *inputs, **named):
        return self.function(*inputs, **named)


def peak(network, inputs=IMAGES, **more) -> float:
    """In numbers of 4 bytes."""
    return peak_memory(network, inputs, **more) / 4


def test_an_operation_needs_its_input_and_its_output():
    assert peak(nn.Conv2d(3, 5, 1)) == 48 + 80
    assert peak(nn.Sequential(nn.Flatten(), nn.Linear(48, 10))) == 48 + 10


def test_a_value_is_freed_after_the_last_operation_that_reads_it():
    chain = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Conv2d(5, 7, 1), nn.Conv2d(7, 1, 1))
    assert peak(chain) == 80 + 112


def test_a_value_that_is_read_later_stays_alive():
    first, second, third = nn.Conv2d(3, 5, 1), nn.Conv2d(5, 7, 1), nn.Conv2d(7, 5, 1)
    network = Function(lambda x: (y := first(x)) + third(second(y)))
    network.parts = nn.ModuleList([first, second, third])
    assert peak(network) == 80 + 112 + 80


@pytest.mark.parametrize("layer", [nn.ReLU(), nn.BatchNorm2d(5), nn.Hardswish(), nn.PReLU()])
def test_what_works_on_each_number_by_itself_writes_over_its_input(layer):
    network = nn.Sequential(nn.Conv2d(3, 5, 1), layer, nn.Conv2d(5, 1, 1))
    assert peak(network) == 48 + 80
    statistics = 10 if isinstance(layer, nn.BatchNorm2d) else 0
    assert peak(network, eager=True) == 160 + statistics


def test_nothing_writes_over_an_input_of_the_network_or_over_what_is_read_later():
    assert peak(nn.ReLU()) == 96
    both = Function(lambda x: (y := x.cumsum(1)).relu().cumsum(1).add(y))
    assert peak(both) == 3 * 48


def test_only_one_result_writes_over_a_value():
    def twice(x: Tensor) -> Tensor:
        y = x.cumsum(1)
        return torch.stack((y.relu(), y.sigmoid()))

    assert peak(Function(twice)) == 4 * 48  # both results, and the stack of them


def test_views_and_in_place_results_have_no_memory_of_their_own():
    assert peak(nn.Sequential(nn.Conv2d(3, 5, 1), nn.ReLU(inplace=True), nn.Flatten(1)), eager=True) == 48 + 80
    assert peak(Function(lambda x: x.expand(9, -1, -1, -1)[0].transpose(0, 1))) == 48


def test_what_depends_on_no_input_is_a_weight_unless_pytorch_computes_it():
    network = Function(lambda x: x.flatten(1) * network.weight.cumsum(0))
    assert peak(network) == 96
    assert peak(network, eager=True) == 48 * 3
    assert peak(Function(lambda x: torch.zeros(48) + network.weight)) == 48 + 0  # the output is no value of the input


def test_a_constant_that_an_input_is_written_into_is_a_value():
    assert peak(Function(lambda x: torch.zeros_like(x).add_(x).cumsum(1))) == 96


def test_inputs_and_outputs_of_every_form_count():
    pair = (torch.zeros(1, 8), torch.zeros(1, 2))
    assert peak(Function(lambda x, y: {"all": [x.cumsum(1), (y.cumsum(1),)]}), pair) == 8 + 2 + 8
    assert peak(Function(lambda x, y: x + y.sum()), {"x": pair[0], "y": pair[1]}) == 10 + 1 + 8 - 2


def test_one_example_is_counted_whatever_is_given():
    network = nn.Conv2d(3, 5, 1)
    assert peak(network, IMAGES[:1]) == peak(network, torch.zeros(9, 3, 4, 4))


def test_the_precision_is_that_of_floats_alone():
    embedding = nn.Sequential(nn.Embedding(10, 6), nn.Flatten(), nn.Linear(30, 30))
    tokens = torch.zeros(1, 5, dtype=torch.int64)
    assert peak_memory(embedding, tokens) == 4 * 60
    assert peak_memory(embedding, tokens, "int8") == 5 * 8 + 30
    assert peak_memory(nn.Conv2d(3, 5, 1), IMAGES, "float16") == 2 * 128


def test_a_forward_that_asks_for_values_is_run_and_the_network_stays_as_it_was():
    network = Function(lambda x: x.cumsum(1) if x.sum() == 0 else x)
    network.train()
    assert peak(network) == 96
    assert network.training
    assert peak(Function(lambda x: functional.relu(x.cumsum(1) + torch.zeros(1, 3, 4, 4, device="cpu")))) == 96


@pytest.mark.slow
def test_the_peak_is_below_the_sum_and_above_the_largest_value():
    from search_spaces import get
    from trainables.costs.cost import cost_of
    from trainables.networks import build, example

    network = build("nb201", get("nb201").sample(1), channels=4, cells=1).eval()
    images = example("nb201", batch=1)
    planned, eager = peak_memory(network, images), peak_memory(network, images, eager=True)
    assert images.numel() * 4 < planned <= eager < cost_of(network, images).activation_bytes
