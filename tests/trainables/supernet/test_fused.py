"""The fast path of DARTS cells gives what the plain one gives, and stands aside where it cannot."""

from __future__ import annotations

import copy
import importlib
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
from torch.nn import functional

import search_spaces.nn
from trainables.networks import build
from trainables.supernet import Draws, relax
from trainables.supernet.bilevel import exact_order, frozen, second_order
from trainables.supernet.fused import FusedNodes, unfused
from trainables.supernet.fused_depthwise import every_other
from trainables.supernet.statistics import frozen_statistics, recalibrated


def darts(method="darts", dtype=torch.float64, layers=3, **settings):
    torch.manual_seed(0)
    supernet = relax(build("darts", None, channels=4, layers=layers, num_classes=3, **settings), method).to(dtype)
    with torch.no_grad():
        for alpha in supernet.architecture_parameters():
            alpha.normal_()
    supernet.begin_step(Draws.seeded(0))
    return supernet


def images(size=(7, 5), count=3, dtype=torch.float64):
    return torch.randn(count, 3, *size, dtype=dtype, generator=torch.Generator().manual_seed(1))


def loss_of(supernet, x):
    return functional.cross_entropy(supernet(x), torch.arange(len(x)) % 3)


def outcome(supernet, x, is_plain):
    """Outputs, gradients and running statistics after one step's passes, by name; the supernet is left as it was."""
    before = {name: buffer.clone() for name, buffer in supernet.module.named_buffers()}
    with unfused() if is_plain else nullcontext():
        outputs = supernet(x)
    functional.cross_entropy(outputs, torch.arange(len(x)) % 3).backward()
    found = {"outputs": outputs.detach()}
    found |= {name: parameter.grad for name, parameter in supernet.named_parameters() if parameter.grad is not None}
    for name, buffer in supernet.module.named_buffers():
        found[f"statistics of {name}"] = buffer.clone()
        buffer.copy_(before[name])
    supernet.zero_grad(set_to_none=True)
    return found


def assert_equal(supernet, x, bound=1e-10):
    plain, fast = (outcome(supernet, x, is_plain) for is_plain in (True, False))
    assert plain.keys() == fast.keys()
    for name, value in plain.items():
        torch.testing.assert_close(fast[name], value, rtol=bound, atol=bound, msg=lambda said, n=name: f"{n}: {said}")


@pytest.fixture
def runs(monkeypatch):
    """The cells that took the fast path, one entry a forward of each."""
    seen = []
    run = FusedNodes._fused
    monkeypatch.setattr(FusedNodes, "_fused", lambda self, inputs: seen.append(self) or run(self, inputs))
    return seen


@pytest.mark.slow
def test_a_network_gives_the_same_numbers(runs):
    assert_equal(darts(layers=4, nodes=3), images())
    assert len(runs) == 4


@pytest.mark.slow
def test_no_operation_of_darts_runs_edge_by_edge():
    fans = [fan for cell in darts().module.cells for fan in cell.together.fans]
    assert {fan.stride for fan in fans} == {1, 2}
    assert all(not fan.others for fan in fans)


@pytest.mark.parametrize(
    "method", ["drnas", "pcdarts", *(pytest.param(name, marks=pytest.mark.slow) for name in ("fairdarts", "snas"))]
)
def test_whatever_the_method_that_weighs_all_options(method, runs):
    assert_equal(darts(method, layers=3, nodes=2), images())
    assert len(runs) == 3


@pytest.mark.slow
def test_the_plain_network_of_the_benchmark_gives_the_same_numbers(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    plain = importlib.import_module("supernet").Plain
    supernet = darts(layers=1)
    reference = plain(copy.deepcopy(supernet.module)).double()
    places = [(node, source) for node in range(2, 6) for source in range(node)]
    rows = [supernet.method.alpha(f"reduce.node_{node}.input_{source}") for node, source in places]
    reference.reduce.data.copy_(torch.stack(rows))
    x = images()
    both = []
    for network, weights in ((reference, reference.network.parameters()), (supernet, supernet.module.parameters())):
        value = network(x)
        both.append([value, *torch.autograd.grad(value.square().sum(), list(weights))])
    torch.testing.assert_close(both[1], both[0], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("size", [(5, 8), (1, 3)])
@pytest.mark.parametrize("index", [0, 1])
def test_every_cell_gives_the_same_numbers(size, index, runs):
    supernet = darts(nodes=2)
    supernet(images((2, 2)))
    cell = supernet.module.cells[index]
    before, last = (torch.randn(4, width, *size, dtype=torch.float64) for width in (12, 12 if index == 0 else 8))
    gradient, found = None, []
    for is_plain in (True, False):
        inputs = [x.clone().requires_grad_() for x in (before, last)]
        with unfused() if is_plain else nullcontext():
            value = cell(*inputs)
        gradient = torch.randn_like(value) if gradient is None else gradient
        found.append([value.detach(), *torch.autograd.grad(value, inputs, gradient)])
    for plain, fast in zip(*found, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-10, atol=1e-10)
    assert supernet.module.cells[index].together in runs


@pytest.mark.slow
def test_float32_is_as_near_as_its_digits_allow(runs):
    supernet = darts(dtype=torch.float32, layers=1, nodes=2)
    assert_equal(supernet, images((16, 16), 4, torch.float32), 3e-4)
    assert runs


@pytest.mark.parametrize("size", [(4, 6), (5, 3), (1, 1)])
def test_every_other_pixel_and_a_gradient_that_stays_in_channels_last(size):
    x = torch.randn(2, 3, *size, dtype=torch.float64).contiguous(memory_format=torch.channels_last).requires_grad_()
    padded = functional.pad(x, (0, size[1] % 2, 0, size[0] % 2))
    plain, fast = (padded[:, :, ::2, ::2], padded[:, :, 1::2, 1::2]), every_other(x)
    torch.testing.assert_close(fast, plain, rtol=0, atol=0, check_stride=False)
    back = [torch.randn_like(part) for part in plain]
    (expected,), (found,) = (torch.autograd.grad(parts, x, back) for parts in (plain, fast))
    torch.testing.assert_close(found, expected, rtol=0, atol=0, check_stride=False)
    assert found.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.slow
@pytest.mark.parametrize(
    "operations",
    [
        ("skip_connect", "sep_conv_3x3"),
        ("max_pool_3x3", "avg_pool_3x3"),
        ("avg_pool_3x3", "sep_conv_7x7", "conv_7x1_1x7", "conv_3x3"),
    ],
)
def test_other_operations_are_mixed_too(operations, runs):
    assert_equal(darts(operations=operations, nodes=2), images())
    assert len(runs) == 3


def test_statistics_stand_still_in_an_architecture_step(runs):
    supernet = darts(nodes=1)
    before = {name: buffer.clone() for name, buffer in supernet.module.named_buffers()}
    with frozen_statistics(supernet.module):
        supernet(images())
    assert all(torch.equal(buffer, before[name]) for name, buffer in supernet.module.named_buffers())
    assert len(runs) == 3


@pytest.mark.slow
def test_a_constant_gets_no_gradient_and_changes_no_other(runs):
    supernet = darts(nodes=1)
    weights, alphas = supernet.weight_parameters(), supernet.architecture_parameters()
    whole = torch.autograd.grad(loss_of(supernet, images()), [*alphas, *weights])
    with frozen(weights):
        by_alphas = torch.autograd.grad(loss_of(supernet, images()), alphas)
    with frozen(alphas):
        by_weights = torch.autograd.grad(loss_of(supernet, images()), weights)
    assert len(runs) == 9
    for alone, together in zip((*by_alphas, *by_weights), whole, strict=True):
        torch.testing.assert_close(alone, together, rtol=1e-10, atol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("order", [second_order, exact_order])
def test_both_second_orders_are_those_of_the_plain_path(order):
    supernet = darts(layers=1, nodes=2)
    weights, alphas = supernet.weight_parameters(), supernet.architecture_parameters()
    train, valid = (lambda: loss_of(supernet, images())), (lambda: loss_of(supernet, images((8, 8))))
    fast = order(train, valid, weights, alphas, lambda gradients: gradients, 0.1)
    with unfused():
        plain = order(train, valid, weights, alphas, lambda gradients: gradients, 0.1)
    torch.testing.assert_close(fast, plain, rtol=1e-7, atol=1e-9)


def test_to_differentiate_twice_is_refused_with_a_remedy():
    supernet = darts(layers=1, nodes=1)
    for parameters in (supernet.architecture_parameters(), supernet.weight_parameters()):
        with pytest.raises(RuntimeError, match=r"once only; let the forward run inside .*unfused"):
            torch.autograd.grad(loss_of(supernet, images()), parameters, create_graph=True)


@pytest.mark.slow
def test_what_is_not_a_whole_mix_in_training_runs_node_by_node(runs):
    supernet = darts(nodes=1)
    with supernet.deciding(supernet.space.sample(0)):
        supernet(images())
    supernet.limits = {"normal.node_2.input_0": (0, 1)}
    normal, reduce = supernet.module.cells[0], supernet.module.cells[1]
    supernet(images())
    assert normal.together not in runs
    assert reduce.together in runs
    supernet.limits = {}
    runs.clear()
    with recalibrated(supernet.module, lambda: supernet(images())):
        supernet(images())
    supernet.eval()(images())
    with torch.autocast("cpu", torch.bfloat16):
        darts(dtype=torch.float32, layers=1, nodes=1)(images(dtype=torch.float32))
    for method in ("gdas", "pdarts"):
        other = darts(method, torch.float32, nodes=1)
        if method == "pdarts":
            other.method.skip_dropout = 0.5
        other(images(dtype=torch.float32))
    darts(affine=True, nodes=1)(images())
    darts(drop_path=0.1, nodes=1)(images())
    assert not runs


@pytest.mark.slow
def test_copies_and_frozen_networks_are_plain():
    supernet = darts(layers=1)
    member = search_spaces.nn.freeze(supernet.module, supernet.space.sample(0))
    assert member.cells[0].together is None
    assert copy.deepcopy(supernet.module).cells[0].together is None
    assert supernet.module.cells[0].together is not None
