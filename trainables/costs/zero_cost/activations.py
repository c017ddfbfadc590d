"""Proxies that measure how differently a network responds to the images of a batch."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from trainables.costs.zero_cost.probing import check_floating, copied_tensors, logits_of, probing
from trainables.errors import TrainableError

__all__ = ["jacov", "naswot"]

_RECTIFIERS = frozenset(
    f"{name}{end}"
    for name in ("relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish")
    for end in ("", "_")
) | {"hardswish", "hardswish_"}
_RIDGE = 1e-5


def naswot(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Compute the log-determinant of the kernel of rectifier codes (Mellor et al. 2021, 2006.04647).

    Entry (i, j) of the kernel counts the units that are on for both images or off for both. A unit is on if the input
    of its rectifier (ReLU or a smooth variant of it) is above 0.

    Args:
        network: an untrained network with rectifiers.
        images: a batch of inputs (n, ...).
        labels: not used.

    Returns:
        The log-determinant; -inf for a singular kernel, such as that of two images with one code.

    Raises:
        TrainableError: the network has no rectifiers, or its logits are unusable (see `logits_of`).
    """
    watch = _Watch(len(images))
    with probing(network), torch.no_grad(), watch:
        logits_of(network, copied_tensors(network), images)
    if watch.kernel is None:
        raise TrainableError(
            "naswot counts rectifiers that are on, and the network has none (ReLU or its kin); "
            "use another proxy, such as 'jacov' or 'synflow'"
        )
    return float(torch.linalg.slogdet(watch.kernel).logabsdet)


def jacov(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Measure how little the input gradients of the images correlate (Mellor et al. 2020, 2006.04647, first version).

    The score is minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of their correlation matrix, k = 1e-5.
    An image without a gradient correlates with no image, not even with itself.

    Args:
        network: an untrained network.
        images: a batch of inputs (n, ...) of a floating-point dtype.
        labels: not used.

    Returns:
        The score; -inf if no image has a gradient.

    Raises:
        TrainableError: the inputs are not floating-point numbers, or the logits are unusable (see `logits_of`).
    """
    check_floating("jacov", images)
    given = images.detach().clone().requires_grad_()
    with probing(network):
        total = logits_of(network, copied_tensors(network), given).sum()
        (jacobian,) = torch.autograd.grad(total, [given], allow_unused=True, materialize_grads=True)
    rows = jacobian.flatten(1).double()
    rows = rows - rows.mean(1, keepdim=True)
    norms = rows.norm(dim=1, keepdim=True)
    if not bool(norms.any()):
        return -math.inf
    rows = rows / norms.where(norms > 0, 1)
    values = torch.linalg.eigvalsh(rows @ rows.T).clamp_min(0) + _RIDGE
    return -float((values.log() + 1 / values).sum())


class _Watch(TorchFunctionMode):
    """Adds up the kernels of all rectifiers, modules or functions, while the network runs on `count` images."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self._count = count
        self.kernel: Tensor | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _RECTIFIERS and args and len(args[0]) == self._count:
            on = (args[0] > 0).flatten(1).to(torch.float32)
            alike = (on @ on.T + (1 - on) @ (1 - on).T).double()
            self.kernel = alike if self.kernel is None else self.kernel + alike
        return func(*args, **(kwargs or {}))
