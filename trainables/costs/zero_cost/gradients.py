"""Proxies that use the gradients of the weights: the flow through the weights, and how steady their gradients are."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _NormBase

from trainables.costs.zero_cost.probing import (
    Loss,
    check_floating,
    copied_tensors,
    logits_of,
    loss_gradients,
    probing,
    weights_of,
)
from trainables.training.batches import mapped

__all__ = ["synflow", "zico"]

_PARTS = 2


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Compute the log of the sum of weight x gradient, with all weights positive (Tanaka et al. 2020, 2006.05467).

    All inputs are one. The gradient is that of the sum of the logits, without normalisations. It is computed in double
    precision; the score is a logarithm because the sum goes over the products of all layers.

    Args:
        network: an untrained network.
        images: a batch of inputs (n, ...) of a floating-point dtype, of which only the shape of one is used.
        labels: not used.

    Returns:
        The score; -inf if nothing flows.

    Raises:
        TrainableError: the inputs are not floating-point numbers, or the logits are unusable (see `logits_of`).
    """
    check_floating("synflow", images)
    ones = torch.ones_like(images[:1], dtype=torch.float64)
    with probing(network, batch_norm=False), _without_norms(network):
        tensors = copied_tensors(network, lambda value: value.to(torch.float64).abs())
        for name, value in tensors.items():
            if value.is_floating_point() and value.dtype != torch.float64:  # of buffers
                tensors[name] = value.double()
        weights = weights_of(network, tensors)
        total = logits_of(network, tensors, ones).sum()
        gradients = torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)
    flow = sum(
        float((weight.detach() * gradient).abs().sum()) for weight, gradient in zip(weights, gradients, strict=True)
    )
    return math.log(flow) if flow > 0 else -math.inf if flow == 0 else flow


def zico(network: nn.Module, images: Tensor, labels: Tensor, loss: Loss = functional.cross_entropy) -> float:
    """Measure how steady the gradients are over the two halves of the batch (Li et al. 2023, 2301.11300).

    For each weight tensor it takes the log of the sum of mean / deviation of |gradient|; the score is the sum of these.

    Args:
        network: an untrained network.
        images: a batch of inputs (n, ...), n at least 2.
        labels: the classes of the inputs, (n,), or other targets.
        loss: a function of logits and targets that returns a scalar.

    Returns:
        The score; -inf if no gradient differs between the halves.

    Raises:
        TrainableError: the logits are unusable (see `logits_of`).
    """
    parts = []
    with probing(network):
        size = -(-len(images) // _PARTS)
        for half in (slice(0, size), slice(size, None)):
            targets = mapped(operator.itemgetter(half), labels)
            gradients = loss_gradients(network, images[half], targets, loss)
            parts.append([gradient.abs() for gradient in gradients])
    ratios = [_steadiness(torch.stack(sizes).double()) for sizes in zip(*parts, strict=True)]
    return sum(math.log(ratio) for ratio in ratios if ratio != 0) if any(ratios) else -math.inf


def _steadiness(gradients: Tensor) -> float:
    """Sum mean / deviation of one weight's gradients (parts, ...) over the entries whose deviation is not 0."""
    deviation, mean = gradients.std(0, correction=0), gradients.mean(0)
    moving = deviation != 0
    return float((mean[moving] / deviation[moving]).sum())


@contextmanager
def _without_norms(network: nn.Module) -> Iterator[None]:
    """Let every normalisation return its input for the duration of a block."""
    kinds: tuple[type[nn.Module], ...] = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm)
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    handles = [module.register_forward_hook(lambda _, inputs, output: inputs[0]) for module in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
