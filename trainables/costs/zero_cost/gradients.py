"""Proxies of what reaches the weights of a network: the flow through them, and how steady their gradients are."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from trainables.costs.zero_cost.probing import (
    check_floating,
    logits_of,
    loss_gradients,
    probing,
    tensors_of,
    weights_of,
)

__all__ = ["synflow", "zico"]

_PARTS = 2


def synflow(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Log of the sum of weight x gradient, all weights positive, the input all ones (Tanaka et al. 2020, 2006.05467).

    The gradient is that of the sum of the logits, normalisations are left out, and `images` and `labels` play no part
    but for their shape. In double precision, and the log of it, for the sum goes over the products of all layers.
    """
    check_floating("synflow", images)
    ones = torch.ones_like(images[:1], dtype=torch.float64)
    with probing(network, batch_norm=False), _without_norms(network):
        tensors = tensors_of(network, lambda value: value.to(torch.float64).abs())
        tensors = {name: _double(value) for name, value in tensors.items()}
        weights = weights_of(network, tensors)
        total = logits_of(network, tensors, ones).sum()
        gradients = torch.autograd.grad(total, weights, allow_unused=True, materialize_grads=True)
    flow = sum(
        float((weight.detach() * gradient).abs().sum()) for weight, gradient in zip(weights, gradients, strict=True)
    )
    return math.log(flow) if flow > 0 else -math.inf if flow == 0 else flow


def zico(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """How steady the gradients are over the two halves of the batch (Li et al. 2023, 2301.11300).

    For each tensor of weights the log of the sum of mean / deviation of |gradient|; then the sum of these.
    """
    with probing(network):
        parts = zip(images.chunk(_PARTS), labels.chunk(_PARTS), strict=True)
        seen = [[gradient.abs() for gradient in loss_gradients(network, *part)] for part in parts]
    ratios = [_steadiness(torch.stack(gradients).double()) for gradients in zip(*seen, strict=True)]
    return sum(math.log(ratio) for ratio in ratios if ratio != 0) if any(ratios) else -math.inf


def _steadiness(gradients: Tensor) -> float:
    """Summed mean over deviation of one weight's gradients, of shape (parts, ...); of those that are not all equal."""
    deviation, mean = gradients.std(0, correction=0), gradients.mean(0)
    moving = deviation != 0
    return float((mean[moving] / deviation[moving]).sum())


def _double(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() and value.dtype != torch.float64 else value


@contextmanager
def _without_norms(network: nn.Module) -> Iterator[None]:
    """Every normalisation hands on what it is given, for a while."""
    kinds: tuple[type[nn.Module], ...] = (_NormBase, nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm)
    norms = [module for module in network.modules() if isinstance(module, kinds)]
    handles = [module.register_forward_hook(_handed_on) for module in norms]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _handed_on(module: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Any:
    return inputs[0]
