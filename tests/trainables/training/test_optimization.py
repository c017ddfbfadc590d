"""The learning rate over time, the groups of weights, one step down a gradient, and what a step would be."""

from __future__ import annotations

import copy
import math
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from trainables.errors import TrainableError
from trainables.training.optimization import Optimization, Optimizer

CPU = torch.device("cpu")


def line(weight: float = 2.0) -> nn.Linear:
    """One weight and one bias."""
    made = nn.Linear(1, 1)
    with torch.no_grad():
        made.weight.fill_(weight)
        made.bias.fill_(1.0)
    return made


def stepped(settings: Optimization, steps: int = 1, progress: float = 0.0, slope: float = 3.0) -> tuple[float, float]:
    """Weight and bias after steps of the loss slope * (weight + bias)."""
    network = line()
    optimizer = Optimizer(network, settings, CPU)
    for _ in range(steps):
        optimizer.descend(slope * (network.weight.sum() + network.bias.sum()), progress)
    return network.weight.item(), network.bias.item()


PLAIN: dict[str, Any] = {"lr": 0.1, "warmup": 0.0, "momentum": 0.0, "weight_decay": 0.0, "grad_clip": 0.0}


def test_the_rate_rises_in_a_line_and_falls_in_half_a_cosine() -> None:
    settings = Optimization(lr=0.8, warmup=0.2, lr_min=0.2)
    assert [settings.rate(share) for share in (0.0, 0.05, 0.1)] == pytest.approx([0.0, 0.2, 0.4])
    assert [settings.rate(share) for share in (0.2, 0.6, 1.0)] == pytest.approx([0.8, 0.5, 0.2])
    assert settings.rate(0.4) == pytest.approx(0.2 + 0.6 * 0.5 * (1 + math.cos(math.pi / 4)))
    assert Optimization(lr=0.8, warmup=0.0).rate(0.0) == 0.8


def test_a_plain_step_is_the_rate_times_the_gradient() -> None:
    assert stepped(Optimization(**PLAIN)) == pytest.approx((2 - 0.3, 1 - 0.3))
    assert stepped(Optimization(**PLAIN), progress=0.5) == pytest.approx((2 - 0.15, 1 - 0.15))
    assert stepped(Optimization(**{**PLAIN, "nesterov": False}), steps=2) == pytest.approx((2 - 0.6, 1 - 0.6))


def test_weights_decay_and_biases_do_not() -> None:
    assert stepped(Optimization(**{**PLAIN, "weight_decay": 0.5})) == pytest.approx((2 - 0.1 * (3 + 0.5 * 2), 0.7))
    adam = Optimization(**{**PLAIN, "optimizer": "adamw", "weight_decay": 0.5})
    assert stepped(adam) == pytest.approx((2 * (1 - 0.1 * 0.5) - 0.1, 1 - 0.1), abs=1e-6)


@pytest.mark.parametrize(("nesterov", "moved"), [(True, 3 * 1.5 + (3 + 1.5) * 0.5 + 3), (False, 3 + 3 * 1.5)])
def test_momentum_is_nesterovs_where_it_is_set(nesterov: bool, moved: float) -> None:
    found = stepped(Optimization(**{**PLAIN, "momentum": 0.5, "nesterov": nesterov}), steps=2)
    assert found == pytest.approx((2 - 0.1 * moved, 1 - 0.1 * moved))


def test_the_first_beta_of_adamw_is_the_momentum() -> None:
    network = line()
    made = Optimizer(network, Optimization(optimizer="adamw", momentum=0.8), CPU)._optimizer
    assert isinstance(made, torch.optim.AdamW)
    assert made.defaults["betas"] == (0.8, 0.999)


@pytest.mark.parametrize(("clip", "factor"), [(0.0, 1.0), (3 * 2**0.5 / 2, 0.5), (100.0, 1.0)])
def test_long_gradients_are_clipped(clip: float, factor: float) -> None:
    assert stepped(Optimization(**{**PLAIN, "grad_clip": clip})) == pytest.approx(
        (2 - 0.3 * factor, 1 - 0.3 * factor), rel=1e-4
    )


def test_only_weights_that_learn_are_changed() -> None:
    network = nn.Sequential(line(), line())
    network[0].requires_grad_(False)
    optimizer = Optimizer(network, Optimization(**PLAIN), CPU)
    optimizer.descend(network(torch.ones(1, 1)).sum(), 0.0)
    assert (network[0].weight.item(), network[0].bias.item()) == (2.0, 1.0)
    assert network[1].weight.item() != 2.0
    groups = optimizer._optimizer.param_groups
    assert [[p.dim() for p in group["params"]] for group in groups] == [[2], [1]]
    assert [group["weight_decay"] for group in groups] == [0.0, 0.0]
    only_bias = nn.BatchNorm1d(2)
    made = Optimizer(only_bias, Optimization(**{**PLAIN, "weight_decay": 0.5}), CPU)
    assert [group["weight_decay"] for group in made._optimizer.param_groups] == [0.0]


def test_gradients_of_the_step_before_are_gone() -> None:
    network = line()
    optimizer = Optimizer(network, Optimization(**PLAIN), CPU)
    for _ in range(2):
        optimizer.descend(3 * network.weight.sum(), 0.0)
        assert network.weight.grad is not None
        assert network.weight.grad.item() == 3.0
        assert network.bias.grad is None


def test_precision_is_mixed_on_a_gpu_alone() -> None:
    optimizer = Optimizer(line(), Optimization(amp=True), CPU)
    assert isinstance(optimizer.precision(), nullcontext)
    assert not optimizer._scaler.is_enabled()


def test_a_step_of_sgd_has_momentum_and_decay_and_that_of_adamw_is_the_gradient() -> None:
    network = line()
    settings = Optimization(**{**PLAIN, "momentum": 0.5, "weight_decay": 0.25})
    optimizer = Optimizer(network, settings, CPU)
    gradients = [torch.full_like(weight, 4.0) for weight in network.parameters()]
    assert [step.item() for step in optimizer.steps(gradients)] == [4 + 0.25 * 2, 4.0]
    optimizer.descend(3 * (network.weight.sum() + network.bias.sum()), 0.0)
    weight = network.weight.item()
    found = [step.item() for step in optimizer.steps(gradients)]
    assert found == pytest.approx([4 + 0.25 * weight + 0.5 * (3 + 0.25 * 2), 4 + 0.5 * 3])
    adam = Optimizer(network, Optimization(optimizer="adamw"), CPU)
    assert adam.steps(gradients) is gradients


def test_an_optimizer_goes_on_from_its_state() -> None:
    settings = Optimization(**{**PLAIN, "momentum": 0.5})
    network, other = line(), line()
    optimizer = Optimizer(network, settings, CPU)
    optimizer.descend(3 * network.weight.sum(), 0.0)
    again = Optimizer(other, settings, CPU)
    other.load_state_dict(network.state_dict())
    again.load_state_dict(copy.deepcopy(optimizer.state_dict()))  # type: ignore[arg-type]
    for one, way in ((network, optimizer), (other, again)):
        way.descend(3 * one.weight.sum(), 0.0)
    assert network.weight.item() == other.weight.item()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": "adam"}, "optimizer is 'adam'"),
        ({"lr": 0.0}, "lr is 0"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"momentum": 1.0}, "momentum is 1.0"),
        ({"warmup": 0.91}, "warmup is 0.91"),
        ({"grad_clip": -1.0}, "grad_clip is -1.0"),
        ({"lr": 0.1, "lr_min": 0.11}, "lr_min is 0.11"),
        ({"amp": 1}, "amp is 1"),
        ({"nesterov": None}, "nesterov is None"),
    ],
)
def test_settings_beyond_their_bounds_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(TrainableError, match=said):
        Optimization(**settings)
    Optimization(lr=0.1, lr_min=0.1, warmup=0.9, momentum=0.9999, grad_clip=0, weight_decay=0)
