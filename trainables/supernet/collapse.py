"""Signs that a search collapses: it comes to prefer what has no weights, because that is trained soonest.

entropy      of the softmaxes, mean over the decisions, nats: a search that has not begun stands at its greatest
skips        skip connections in the architecture, and the greatest share of them in a kind of cell
             (DARTS+, Liang et al. 2019, arXiv 1909.06035, stops at two of the eight in one cell)
eigenvalue   the dominant one of the second derivative of the validation loss by the architecture, which grows
             before a collapse (Zela et al. 2020, arXiv 1909.09656)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainables.supernet.bilevel import Loss, frozen
from trainables.supernet.supernet import Supernet

__all__ = ["Alarm", "Skips", "alpha_entropy", "dominant_eigenvalue", "skips_of"]


@dataclass(frozen=True, slots=True)
class Skips:
    """The skip connections of an architecture: their `count`, and their `shares` of the operations.

    Those of all are called ""; of a kind of cell, if it has at least four operations, by its name.
    """

    count: int
    shares: Mapping[str, float]

    @property
    def worst(self) -> tuple[str, float]:
        """Where the share is the greatest, and that."""
        return max(self.shares.items(), key=lambda item: item[1])


def skips_of(supernet: Supernet, taken: Mapping[str, Sequence[int]]) -> Skips:
    """Those among the operations that are `taken`, by decision."""
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
    """The mean entropy of what the method prefers, in nats, over the decisions with a vector; waits for the device.

    Strengths that are no distribution are made one.
    """
    shares = [strength / strength.sum().clamp_min(1e-12) for strength in supernet.method.strengths().values()]
    if not shares:
        return 0.0
    return float(torch.stack([torch.special.entr(share).sum() for share in shares]).mean())


def dominant_eigenvalue(
    loss: Loss,
    weights: Sequence[Tensor],
    alphas: Sequence[Tensor],
    generator: torch.Generator,
    *,
    iterations: int = 20,
    tolerance: float = 1e-2,
) -> float:
    """The eigenvalue of greatest magnitude of the second derivative of `loss` by `alphas`, by power iteration.

    Ends when it changes by less than `tolerance`, relatively, and after so many `iterations`.
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
    """Says when a search has collapsed, and why.

    Args:
        share: of skip connections among the operations of a kind of cell from which on it has, two epochs in a row.
        ratio: of the mean eigenvalue of the last five epochs to that of the five before above which it has; 1.3 is
            the paper's 1/0.75. Only where eigenvalues are known.
    """

    def __init__(self, share: float = 0.5, ratio: float = 1.3) -> None:
        self.share, self.ratio = share, ratio
        self.eigenvalues: list[float] = []
        self.was_crowded = False

    def heard(self, skips: Skips, eigenvalue: float | None = None) -> str:
        """What is wrong after one more epoch; empty where nothing is."""
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
