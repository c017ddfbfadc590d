"""Zero-cost proxies: what one batch tells of a network that was never trained.

    score(network, images, labels, "synflow")

Of two networks of a space the one with the higher score is more likely the better one; scores mean nothing else,
and scores of two proxies do not compare. -inf is the score of a network through which no signal passes. A score
leaves the network as it was: weights, buffers, gradients and modes, and torch's random state too. Networks of
which a proxy cannot be computed are refused with the reason (`TrainableError`): tokens have no derivative, and a
network without rectifiers has no codes.

Sums of gradients (grad_norm, SNIP) are left out on purpose: they order the cells of NAS-Bench-201 worse than their
size does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from torch import Tensor, nn

from trainables.costs.cost import cost_of
from trainables.costs.zero_cost.activations import jacov, naswot
from trainables.costs.zero_cost.gradients import synflow, zico
from trainables.errors import TrainableError
from trainables.settings import check_name
from trainables.training.randomness import Randomness

__all__ = ["PROXIES", "Proxy", "jacov", "macs", "naswot", "parameters", "score", "synflow", "zico"]

Proxy = Callable[[nn.Module, Tensor, Tensor], float]
"""Of a network, a batch of inputs (n, ...) and their labels (n,)."""


def parameters(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Trainable numbers: the baseline that a proxy must beat."""
    return float(sum(value.numel() for value in network.parameters() if value.requires_grad))


def macs(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Multiply-accumulates of one input: the other baseline."""
    return float(cost_of(network, images[:1]).macs)


PROXIES: Mapping[str, Proxy] = {proxy.__name__: proxy for proxy in (jacov, macs, naswot, parameters, synflow, zico)}


def score(network: nn.Module, images: Tensor, labels: Tensor, proxy: str, *, seed: int = 0) -> float:
    """What `proxy` says of `network`; on a CPU the same each time. `seed` is of what draws in the network itself.

    Errors: `TrainableError` for an unknown proxy, fewer than two inputs, and networks of which it cannot be computed.
    """
    check_name("proxy", proxy, list(PROXIES))
    if len(images) < 2 or len(images) != len(labels):
        raise TrainableError(
            f"{len(images)} inputs with {len(labels)} labels; at least two, each with a label, are needed"
        )
    with Randomness(seed, images.device):
        value = PROXIES[proxy](network, images, labels)
    if math.isnan(value) or value == math.inf:
        raise TrainableError(f"{proxy} of this network is {value}: its numbers overflow; use another proxy")
    return value
