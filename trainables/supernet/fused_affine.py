"""A 1x1 convolution and the batch normalisation after it, as one affine map: what the fast path of cells rests on.

Images (n, c, h, w) in channels_last are m = n * h * w rows of c numbers. What normalises the convolution follows from
mean and covariance of the rows: with rows d, kernel P, mean u and covariance S

    z = P d,   mean(z) = P u,   var(z) = diag(P S P'),   normed(z) = r * P (d - u),   r = (var(z) + eps) ** -1/2

so z is never stored, and weighing and adding up normed values costs nothing beyond the matrix products. Its
gradient, G being that of `w * normed(z)`, all sums over the rows:

    t = sum(G * normed(z)) = r * diag(sum(G (d - u)') P')        gradient of w = sum of t over channels
    gradient of P = w r (sum(G (d - u)') - t r P S)
    gradient of d = P' w r (G - sum(G) / m - t / m * normed(z))

What is as small as a kernel is computed for all k edges at once, what is as large as images one edge after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Back", "Moments", "Norms", "image_of", "matrices", "rows_of", "track"]

Norms = Sequence[nn.BatchNorm2d]


def rows_of(images: Tensor) -> Tensor:
    """(n, c, h, w) as (n * h * w, c), without a copy where images are in channels_last."""
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def image_of(rows: Tensor, like: Sequence[int]) -> Tensor:
    """(n * h * w, c) as images (n, c, h, w) in channels_last; `like` is their shape, whatever its c."""
    count, _, height, width = like
    return rows.view(count, height, width, rows.shape[-1]).permute(0, 3, 1, 2)


def matrices(kernels: Sequence[Tensor]) -> Tensor:
    """Kernels (c, c, 1, 1) as (k, c, c)."""
    return torch.stack([kernel.flatten(1) for kernel in kernels])


@dataclass(frozen=True, slots=True)
class Moments:
    """Of rows d, k times (m, c), and of what the kernel P (k, c, c) makes of them; see the formulas above.

    Attributes:
        centre: u, (k, 1, c).
        through: P S, (k, c, c).
        scale: r, (k, c).
        mean, variance: of z, (k, c).
    """

    centre: Tensor
    through: Tensor
    scale: Tensor
    mean: Tensor
    variance: Tensor

    @classmethod
    def of(cls, rows: Sequence[Tensor], kernel: Tensor, eps: float) -> Moments:
        centre, square = rows[0].new_empty(len(rows), 1, rows[0].shape[1]), torch.empty_like(kernel)
        for edge, each in enumerate(rows):
            torch.mean(each, 0, keepdim=True, out=centre[edge])
            torch.mm(each.mT, each, out=square[edge])
        through = kernel @ torch.baddbmm(square, centre.mT, centre, beta=1 / len(rows[0]), alpha=-1)
        variance = (through * kernel).sum(2).clamp_min_(0)
        mean = (kernel @ centre.mT).squeeze(2)
        return cls(centre, through, (variance + eps).rsqrt_(), mean, variance)

    def map(self, kernel: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Matrix (k, c, c) and shift (k, 1, c) of rows that give `weight` (k, 1) times the normalised values."""
        scale = weight * self.scale
        return (scale.unsqueeze(2) * kernel).mT, -(scale * self.mean).unsqueeze(1)

    def track(self, norms: Norms, count: int) -> None:
        """Let running statistics follow."""
        track(norms, self.mean.unbind(), (self.variance * (count / (count - 1))).unbind())


@dataclass(frozen=True, slots=True)
class Back:
    """What the gradients G of rows, k times (m, c), say of those before the 1x1 convolution and its normalisation.

    `agreement` is t, `cross` the sum of G (d - u)', `total` that of G.
    """

    rows: Sequence[Tensor]
    kernel: Tensor
    weight: Tensor
    moments: Moments
    gradients: Sequence[Tensor]
    total: Tensor
    cross: Tensor
    agreement: Tensor

    @classmethod
    def of(
        cls,
        rows: Sequence[Tensor],
        kernel: Tensor,
        weight: Tensor,
        moments: Moments,
        gradients: Sequence[Tensor],
        total: Tensor,
    ) -> Back:
        products = torch.empty_like(kernel)
        for row, gradient, product in zip(rows, gradients, products, strict=True):
            torch.mm(gradient.mT, row, out=product)
        cross = products.baddbmm_(total.unsqueeze(2), moments.centre, alpha=-1)
        agreement = moments.scale * (cross * kernel).sum(2)
        return cls(rows, kernel, weight, moments, gradients, total, cross, agreement)

    def by_weight(self) -> Tensor:
        """(k,)"""
        return self.agreement.sum(1)

    def by_kernels(self) -> list[Tensor]:
        """(c, c, 1, 1) each."""
        scale = self.moments.scale
        inner = torch.addcmul(self.cross, (self.agreement * scale).unsqueeze(2), self.moments.through, value=-1)
        return list(((self.weight * scale).unsqueeze(2) * inner)[..., None, None].unbind())

    def by_images(self, shape: Sequence[int]) -> list[Tensor]:
        """(n, c, h, w) each, which is `shape`, in channels_last."""
        count = len(self.rows[0])
        scale = self.weight * self.moments.scale
        inner = (scale * self.moments.scale * self.agreement / count).unsqueeze(2)
        back = self.kernel.mT @ (inner * self.kernel)
        shift = self.moments.centre @ back - (scale * self.total / count).unsqueeze(1) @ self.kernel
        forth = scale.unsqueeze(2) * self.kernel
        values = (torch.addmm(*each, alpha=-1) for each in zip(shift, self.rows, back, strict=True))
        added = (value.addmm_(*each) for value, *each in zip(values, self.gradients, forth, strict=True))
        return [image_of(value, shape) for value in added]


@torch.no_grad()
def track(norms: Norms, means: Sequence[Tensor], variances: Sequence[Tensor]) -> None:
    """Move running statistics towards those of a batch, `variances` unbiased, unless they are to stand still."""
    if not norms[0].track_running_stats:
        return
    known: list[Any] = list(norms)
    torch._foreach_lerp_([norm.running_mean for norm in known], list(means), known[0].momentum)
    torch._foreach_lerp_([norm.running_var for norm in known], list(variances), known[0].momentum)
    torch._foreach_add_([norm.num_batches_tracked for norm in known], 1)
