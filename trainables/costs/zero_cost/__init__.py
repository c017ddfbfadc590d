"""Zero-cost proxies: scores of an untrained network, computed from one batch.

    score(network, images, labels, "synflow")

Of two networks of a space, the one with the higher score is more likely the better one. Scores have no other meaning,
and the scores of two proxies cannot be compared. The score is -inf if no signal passes through a network. Computing a
score changes neither the network (weights, buffers, gradients and modes) nor torch's random state. A network for which
a proxy cannot be computed is refused with the reason (`TrainableError`): tokens have no derivative, and a network
without rectifiers has no codes.

Sums of gradients (grad_norm, SNIP) are left out on purpose: they rank the cells of NAS-Bench-201 worse than the
number of parameters does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from trainables.costs.cost import cost_of
from trainables.costs.zero_cost.activations import jacov, naswot
from trainables.costs.zero_cost.gradients import synflow, zico
from trainables.costs.zero_cost.probing import Loss
from trainables.errors import TrainableError
from trainables.settings import check_name
from trainables.training.batches import length
from trainables.training.randomness import Randomness

__all__ = ["PROXIES", "Proxy", "jacov", "macs", "naswot", "parameters", "score", "synflow", "zico"]

Proxy = Callable[[nn.Module, Tensor, Tensor], float]
"""A function of a network, a batch of inputs (n, ...) and their labels (n,) that returns a score."""


def parameters(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Count the trainable parameters: a baseline that a proxy must beat.

    Args:
        network: any network.
        images: not used.
        labels: not used.

    Returns:
        The number of trainable parameters.
    """
    return float(sum(value.numel() for value in network.parameters() if value.requires_grad))


def macs(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Count the multiply-accumulates for one input: the other baseline.

    Args:
        network: a network whose forward works on the meta device.
        images: inputs (n, ...), of which only the shape of one is used.
        labels: not used.

    Returns:
        The multiply-accumulates for one input.
    """
    return float(cost_of(network, images[:1]).macs)


PROXIES: Mapping[str, Proxy] = {proxy.__name__: proxy for proxy in (jacov, macs, naswot, parameters, synflow, zico)}


def score(
    network: nn.Module, images: Tensor, labels: Tensor, proxy: str, *, seed: int = 0, loss: Loss | None = None
) -> float:
    """Compute the score of a network by a zero-cost proxy.

    Args:
        network: an untrained network; it is not changed.
        images: a batch of inputs (n, ...), n at least 2.
        labels: the classes of the inputs, (n,), or other targets that `loss` takes.
        proxy: a name of `PROXIES`.
        seed: decides what the network itself draws in its forward.
        loss: a function of logits and targets that returns a scalar, for "zico"; cross-entropy by default.

    Returns:
        The score, higher for networks that are more likely better; never NaN or +inf. On a CPU it is reproducible.

    Raises:
        TrainableError: the proxy is unknown, the batch is too small, or the proxy cannot be computed for this network.
    """
    check_name("proxy", proxy, list(PROXIES))
    if len(images) < 2 or len(images) != length(labels):
        raise TrainableError(
            f"{len(images)} inputs with {length(labels)} labels; at least two, each with a label, are needed"
        )
    with Randomness(seed, images.device):
        if proxy == zico.__name__ and loss is not None:
            value = zico(network, images, labels, loss)
        else:
            value = PROXIES[proxy](network, images, labels)
    if math.isnan(value) or value == math.inf:
        raise TrainableError(f"{proxy} of this network is {value}: its numbers overflow; use another proxy")
    return value
