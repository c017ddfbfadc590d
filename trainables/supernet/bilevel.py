"""The gradient of a bilevel search: the best weights depend on the architecture (DARTS, 2019, arXiv 1806.09055).

The architecture minimizes the validation loss of weights that have made one more step down the training loss:

    w' = w - rate * step(grad_w train(w, a))
    gradient = grad_a valid(w', a) - rate * d/da [grad_w train(w, a)] @ grad_w' valid(w', a)

First order omits the second term and the step. The product with the second derivative is either estimated by finite
differences, as in the paper, or computed exactly by differentiating twice; on networks with ReLU the estimate is mostly
noise.

A loss is a function without arguments that reads the current parameters. The parameters are moved in place and restored
to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from trainables.supernet.fused import unfused

__all__ = ["ORDERS", "LossClosure", "exact_order", "first_order", "frozen", "second_order"]

LossClosure = Callable[[], Tensor]
"""Computes a loss, a scalar, with the current parameters."""
Steps = Callable[[list[Tensor]], list[Tensor]]
"""Maps the gradients of the weights to the steps that the optimizer would subtract, before scaling by the rate."""
ORDERS = ("first", "second", "exact")


def first_order(valid: LossClosure, weights: Sequence[Tensor], alphas: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradient of the validation loss by the architecture, with the weights as constants.

    Args:
        valid: the validation loss.
        weights: the weights of the network.
        alphas: the architecture parameters.

    Returns:
        One gradient for each of `alphas`.
    """
    with frozen(weights):
        return _gradient(valid(), alphas)


def second_order(
    train: LossClosure,
    valid: LossClosure,
    weights: Sequence[Tensor],
    alphas: Sequence[Tensor],
    steps: Steps,
    rate: float,
) -> list[Tensor]:
    """Return the gradient with the product estimated by finite differences, as in the paper.

    The weights are moved by 0.01 in both directions of their gradient.

    Args:
        train: the training loss.
        valid: the validation loss.
        weights: the weights of the network; they are moved and restored.
        alphas: the architecture parameters.
        steps: the optimizer's steps for gradients of the weights.
        rate: the learning rate of the weights.

    Returns:
        One gradient for each of `alphas`.
    """
    with frozen(alphas):
        ahead = steps(_gradient(train(), weights))
    direct, upstream = _ahead(valid, weights, alphas, ahead, rate)
    # The number stays on the device, so that the host need not wait for it.
    size = 0.01 / torch.stack(torch._foreach_norm(upstream)).norm().clamp_min(torch.finfo(torch.float32).tiny)
    sides = []
    for sign in (1, -1):
        with _moved(weights, [sign * size * part for part in upstream], -1.0), frozen(weights):
            sides.append(_gradient(train(), alphas))
    scale = rate / (2 * size)
    return [d - scale * (plus - minus) for d, plus, minus in zip(direct, *sides, strict=True)]


def exact_order(
    train: LossClosure,
    valid: LossClosure,
    weights: Sequence[Tensor],
    alphas: Sequence[Tensor],
    steps: Steps,
    rate: float,
) -> list[Tensor]:
    """Return the gradient with the exact product, by a second backward pass through the training loss.

    Args:
        train: the training loss; it must be differentiable twice.
        valid: the validation loss.
        weights: the weights of the network; they are moved and restored.
        alphas: the architecture parameters.
        steps: the optimizer's steps for gradients of the weights.
        rate: the learning rate of the weights.

    Returns:
        One gradient for each of `alphas`.
    """
    with frozen(alphas):
        ahead = steps(_gradient(train(), weights))
    direct, upstream = _ahead(valid, weights, alphas, ahead, rate)
    with unfused():
        loss = train()
    inner = torch.autograd.grad(loss, weights, create_graph=True, materialize_grads=True)
    through = torch.stack([(part * back).sum() for part, back in zip(inner, upstream, strict=True)]).sum()
    products = _gradient(through, alphas)
    return [d - rate * product for d, product in zip(direct, products, strict=True)]


@contextmanager
def frozen(parameters: Sequence[Tensor]) -> Iterator[None]:
    """Make parameters constants for the duration of a block: nothing is stored or computed for their gradients.

    Args:
        parameters: the parameters.

    Yields:
        Nothing.
    """
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def _ahead(
    valid: LossClosure, weights: Sequence[Tensor], alphas: Sequence[Tensor], steps: Sequence[Tensor], rate: float
) -> tuple[list[Tensor], list[Tensor]]:
    """Return the gradients of `valid` by the architecture and by the weights, after a step of the weights."""
    with _moved(weights, steps, rate):
        both = _gradient(valid(), [*alphas, *weights])
    return both[: len(alphas)], both[len(alphas) :]


@contextmanager
def _moved(weights: Sequence[Tensor], steps: Sequence[Tensor], rate: float) -> Iterator[None]:
    """Move the weights to `weights - rate * steps` for the duration of a block."""
    with torch.no_grad():
        before = [weight.clone() for weight in weights]
        torch._foreach_add_(list(weights), list(steps), alpha=-rate)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(weights), before)


def _gradient(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return the gradients by `parameters`; zeros where the loss does not depend on a parameter."""
    if not loss.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    return list(torch.autograd.grad(loss, parameters, materialize_grads=True))
