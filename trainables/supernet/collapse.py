"""Signs that a search collapses: it prefers operations without weights, because they need no training.

entropy      of the softmaxes, mean over the decisions, in nats: it is greatest at the beginning of a search
skips        skip connections in the architecture, and the greatest share of them in a kind of cell
             (DARTS+, Liang et al. 2019, arXiv 1909.06035, stops at two of the eight in one cell)
eigenvalue   the dominant eigenvalue of the second derivative of the validation loss by the architecture, which grows
             before a collapse (Zela et al. 2020, arXiv 1909.09656)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.supernet.bilevel import LossClosure, frozen
from trainables.supernet.supernet import Supernet

__all__ = ["Alarm", "Skips", "alpha_entropy", "dominant_eigenvalue", "skips_of"]


@dataclass(frozen=True, slots=True)
class Skips:
    """The skip connections of an architecture.

    Attributes:
        count: their number.
        shares: their share of the operations, 0 to 1, by group. The group of all operations is called ""; a kind of
            cell with at least four operations is a group by its name.
    """

    count: int
    shares: Mapping[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """The group with the greatest share of skip connections, and that share."""
        return max(self.shares.items(), key=lambda item: item[1])


def skips_of(supernet: Supernet, taken: Mapping[str, Sequence[int]]) -> Skips:
    """Count the skip connections among the operations of an architecture.

    Args:
        supernet: the supernet.
        taken: the indices of the chosen options, by decision.

    Returns:
        Their number and their shares.
    """
    found: dict[str, list[bool]] = {"": []}
    for name, indices in taken.items():
        decision = supernet.decisions[name]
        if decision.kind == "layer":
            are_skips = [index in decision.skips for index in indices]
            for group in {"", decision.group}:
                found.setdefault(group, []).extend(are_skips)
    known = {group: sum(each) / max(len(each), 1) for group, each in found.items() if not group or len(each) >= 4}
    return Skips(sum(found[""]), known)


@torch.no_grad()
def alpha_entropy(supernet: Supernet) -> float:
    """Return the mean entropy of the method's strengths over the decisions that have a vector.

    Strengths that do not sum to 1 are scaled to do so. The host waits for the device.

    Args:
        supernet: the supernet.

    Returns:
        The entropy in nats; 0 if no decision has a vector.
    """
    shares = [strength / strength.sum().clamp_min(1e-12) for strength in supernet.method.strengths().values()]
    if not shares:
        return 0.0
    return float(torch.stack([torch.special.entr(share).sum() for share in shares]).mean())


def dominant_eigenvalue(
    loss: LossClosure,
    weights: Sequence[Tensor],
    alphas: Sequence[Tensor],
    generator: torch.Generator,
    *,
    iterations: int = 20,
    tolerance: float = 1e-2,
) -> float:
    """Compute the eigenvalue of greatest magnitude of the second derivative of a loss, by power iteration.

    Args:
        loss: the loss; it must be differentiable twice.
        weights: the weights of the network, which are constants here.
        alphas: the architecture parameters, by which the loss is differentiated.
        generator: draws the first vector; on the device of `alphas`.
        iterations: the most iterations.
        tolerance: the iteration ends when the value changes by less than this relative amount.

    Returns:
        The eigenvalue; 0 if the second derivative is zero.
    """
    with frozen(weights):
        gradients = torch.autograd.grad(loss(), alphas, create_graph=True, materialize_grads=True)
    slopes = [gradient for gradient in gradients if gradient.requires_grad]
    if not slopes:
        return 0.0
    learned = [alpha for alpha, gradient in zip(alphas, gradients, strict=True) if gradient.requires_grad]
    vector = [torch.randn(a.shape, generator=generator, device=a.device, dtype=a.dtype) for a in learned]
    value = 0.0
    for _ in range(iterations):
        size = torch.stack(torch._foreach_norm(vector)).norm()
        if float(size) == 0:
            return 0.0
        vector = [part / size for part in vector]
        product = torch.autograd.grad(slopes, learned, vector, retain_graph=True, materialize_grads=True)
        before, value = value, float(sum((v * p).sum() for v, p in zip(vector, product, strict=True)))
        if abs(value - before) < tolerance * abs(value):
            break
        vector = [part.detach() for part in product]
    return value


class Alarm:
    """Detects that a search has collapsed, from one report per epoch.

    Args:
        share: the share of skip connections in a group, 0 to 1, from which on the search counts as collapsed when two
            epochs in a row have it.
        ratio: the ratio of the mean eigenvalue of the last five epochs to that of the five before above which the
            search counts as collapsed; 1.3 is the paper's 1/0.75. It needs eigenvalues of ten epochs.
    """

    def __init__(self, share: float = 0.5, ratio: float = 1.3) -> None:
        self.share, self.ratio = share, ratio
        self.eigenvalues: list[float] = []
        self.was_crowded = False

    def update(self, skips: Skips, eigenvalue: float | None = None) -> str:
        """Take the report of one more epoch, and check for a collapse.

        Args:
            skips: the skip connections of the architecture after the epoch.
            eigenvalue: the dominant eigenvalue after the epoch; None if it was not computed.

        Returns:
            The reason why the search has collapsed; empty if it has not.
        """
        if eigenvalue is not None:
            self.eigenvalues.append(abs(eigenvalue))
        kind, share = skips.worst
        before, self.was_crowded = self.was_crowded, share >= self.share
        if before and self.was_crowded:
            where = f"of the operations of {kind}" if kind else "of the operations"
            return f"{share:.0%} {where} are skip connections"
        earlier, latest = (sum(part) / 5 for part in (self.eigenvalues[-10:-5], self.eigenvalues[-5:]))
        if len(self.eigenvalues) >= 10 and latest > self.ratio * earlier:
            return f"the dominant eigenvalue grew from {earlier:.3g} to {latest:.3g} in five epochs"
        return ""
