"""The gradient of the architecture when the weights answer to it (DARTS, Liu et al. 2019, arXiv 1806.09055).

The architecture shall lower the validation loss of weights that have followed the training loss one step further:

    w' = w - rate * step(grad_w train(w, a))
    gradient = grad_a valid(w', a) - rate * d/da [grad_w train(w, a)] @ grad_w' valid(w', a)

First order leaves out the second term and the step. The product with the second derivative is either estimated by
finite differences, as in the paper, or exact, by differentiating twice; on networks with ReLU the estimate is mostly
noise.

Losses are functions without arguments that look at the parameters as they are; these are moved in place and put back
to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from trainables.supernet.fused import unfused

__all__ = ["ORDERS", "Loss", "exact_order", "first_order", "frozen", "second_order"]

Loss = Callable[[], Tensor]
Steps = Callable[[list[Tensor]], list[Tensor]]
"""From the gradients of the weights to what the optimizer would subtract, but for the rate."""
ORDERS = ("first", "second", "exact")


def first_order(valid: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor]) -> list[Tensor]:
    """The gradient of `valid` by `alphas`, the weights taken for constants."""
    with frozen(weights):
        return _gradient(valid(), alphas)


def second_order(
    train: Loss, valid: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor], steps: Steps, rate: float
) -> list[Tensor]:
    """The gradient with the product estimated from the weights moved by 0.01 to both sides, as in the paper."""
    with frozen(alphas):
        ahead = steps(_gradient(train(), weights))
    direct, upstream = _ahead(valid, weights, alphas, ahead, rate)
    # A device's number stays on the device: no host waits for it.
    size = 0.01 / torch.stack(torch._foreach_norm(upstream)).norm().clamp_min(torch.finfo(torch.float32).tiny)
    sides = []
    for sign in (1, -1):
        with _moved(weights, [sign * size * part for part in upstream], -1.0), frozen(weights):
            sides.append(_gradient(train(), alphas))
    scale = rate / (2 * size)
    return [d - scale * (plus - minus) for d, plus, minus in zip(direct, *sides, strict=True)]


def exact_order(
    train: Loss, valid: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor], steps: Steps, rate: float
) -> list[Tensor]:
    """The gradient with the exact product, by a second backward pass through the training loss."""
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
    """Inside, `parameters` are constants: nothing is kept or computed for their gradients."""
    learning = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in learning:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in learning:
            parameter.requires_grad_(True)


def _ahead(
    valid: Loss, weights: Sequence[Tensor], alphas: Sequence[Tensor], steps: Sequence[Tensor], rate: float
) -> tuple[list[Tensor], list[Tensor]]:
    """The gradients of `valid` by the architecture and by the weights, where these have made their step."""
    with _moved(weights, steps, rate):
        both = _gradient(valid(), [*alphas, *weights])
    return both[: len(alphas)], both[len(alphas) :]


@contextmanager
def _moved(weights: Sequence[Tensor], steps: Sequence[Tensor], rate: float) -> Iterator[None]:
    """Inside, the weights stand at `weights - rate * steps`."""
    with torch.no_grad():
        before = [weight.clone() for weight in weights]
        torch._foreach_add_(list(weights), list(steps), alpha=-rate)
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(list(weights), before)


def _gradient(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Zeros where the loss does not depend on a parameter."""
    if not loss.requires_grad:
        return [torch.zeros_like(parameter) for parameter in parameters]
    return list(torch.autograd.grad(loss, parameters, materialize_grads=True))
