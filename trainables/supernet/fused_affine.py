"""A 1x1 convolution and the batch normalisation after it, as one affine map: the basis of the fast path of cells.

Images (n, c, h, w) in channels_last are m = n * h * w rows of c numbers. The statistics of the normalisation follow
from mean and covariance of the rows: with rows d, kernel P, mean u and covariance S

    z = P d,   mean(z) = P u,   var(z) = diag(P S P'),   normed(z) = r * P (d - u),   r = (var(z) + eps) ** -1/2

so z is never stored, and the weighted sum of normed values costs only the matrix products. With G the gradient by
`w * normed(z)`, and all sums over the rows, the gradients are:

    t = sum(G * normed(z)) = r * diag(sum(G (d - u)') P')        gradient of w = sum of t over channels
    gradient of P = w r (sum(G (d - u)') - t r P S)
    gradient of d = P' w r (G - sum(G) / m - t / m * normed(z))

Values of the size of a kernel are computed for all k edges at once, values of the size of images for one edge after the
other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Back", "Moments", "Norms", "image_of", "matrices", "pixel_rows", "track"]

Norms = Sequence[nn.BatchNorm2d]


def pixel_rows(images: Tensor) -> Tensor:
    """Return images as rows; images in channels_last are not copied.

    Args:
        images: (n, c, h, w).

    Returns:
        (n * h * w, c).
    """
    return images.permute(0, 2, 3, 1).reshape(-1, images.shape[1])


def image_of(rows: Tensor, like: Sequence[int]) -> Tensor:
    """Return rows as images in channels_last.

    Args:
        rows: (n * h * w, c).
        like: the shape (n, _, h, w) of the images; its number of channels is not used.

    Returns:
        (n, c, h, w).
    """
    count, _, height, width = like
    return rows.view(count, height, width, rows.shape[-1]).permute(0, 3, 1, 2)


def matrices(kernels: Sequence[Tensor]) -> Tensor:
    """Stack the kernels of 1x1 convolutions.

    Args:
        kernels: k kernels (c, c, 1, 1).

    Returns:
        (k, c, c).
    """
    return torch.stack([kernel.flatten(1) for kernel in kernels])


@dataclass(frozen=True, slots=True)
class Moments:
    """The moments of k times rows d (m, c), and of the values z that kernels P (k, c, c) compute from them.

    Attributes:
        centre: the means u of the rows, (k, 1, c).
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
        """Compute the moments.

        Args:
            rows: k times (m, c).
            kernel: (k, c, c).
            eps: the constant that the normalisation adds to the variance.

        Returns:
            The moments.
        """
        centre, square = rows[0].new_empty(len(rows), 1, rows[0].shape[1]), torch.empty_like(kernel)
        for edge, each in enumerate(rows):
            torch.mean(each, 0, keepdim=True, out=centre[edge])
            torch.mm(each.mT, each, out=square[edge])
        through = kernel @ torch.baddbmm(square, centre.mT, centre, beta=1 / len(rows[0]), alpha=-1)
        variance = (through * kernel).sum(2).clamp_min_(0)
        mean = (kernel @ centre.mT).squeeze(2)
        return cls(centre, through, (variance + eps).rsqrt_(), mean, variance)

    def map(self, kernel: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the affine maps of the rows to `weight` times the normalised values.

        Args:
            kernel: (k, c, c).
            weight: (k, 1).

        Returns:
            The matrices (k, c, c) and the shifts (k, 1, c).
        """
        scale = weight * self.scale
        return (scale.unsqueeze(2) * kernel).mT, -(scale * self.mean).unsqueeze(1)

    def track(self, norms: Norms, count: int) -> None:
        """Update the running statistics of k normalisations.

        Args:
            norms: the k normalisations.
            count: the number m of rows.
        """
        track(norms, self.mean.unbind(), (self.variance * (count / (count - 1))).unbind())


@dataclass(frozen=True, slots=True)
class Back:
    """The backward pass through k 1x1 convolutions with normalisation and weight; see the formulas above.

    Attributes:
        rows: k times (m, c).
        kernel: (k, c, c).
        weight: (k, 1).
        moments: those of the forward.
        gradients: G, k times (m, c).
        total: the sum of G over the rows, (k, c).
        cross: the sum of G (d - u)', (k, c, c).
        agreement: t, (k, c).
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
        """Compute the sums that all gradients share.

        Args:
            rows: k times (m, c).
            kernel: (k, c, c).
            weight: (k, 1).
            moments: those of the forward.
            gradients: k times (m, c).
            total: their sums over the rows, (k, c).

        Returns:
            The backward pass.
        """
        products = torch.empty_like(kernel)
        for row, gradient, product in zip(rows, gradients, products, strict=True):
            torch.mm(gradient.mT, row, out=product)
        cross = products.baddbmm_(total.unsqueeze(2), moments.centre, alpha=-1)
        agreement = moments.scale * (cross * kernel).sum(2)
        return cls(rows, kernel, weight, moments, gradients, total, cross, agreement)

    def by_weight(self) -> Tensor:
        """Return the gradient by the weights.

        Returns:
            (k,).
        """
        return self.agreement.sum(1)

    def by_kernels(self) -> list[Tensor]:
        """Return the gradients by the kernels.

        Returns:
            k times (c, c, 1, 1).
        """
        scale = self.moments.scale
        inner = torch.addcmul(self.cross, (self.agreement * scale).unsqueeze(2), self.moments.through, value=-1)
        return list(((self.weight * scale).unsqueeze(2) * inner)[..., None, None].unbind())

    def by_images(self, shape: Sequence[int]) -> list[Tensor]:
        """Return the gradients by the images.

        Args:
            shape: the shape (n, c, h, w) of the images.

        Returns:
            k times (n, c, h, w), in channels_last.
        """
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
    """Move running statistics towards those of a batch, if the normalisations track them.

    Args:
        norms: k normalisations of equal settings.
        means: k times (c,).
        variances: unbiased, k times (c,).
    """
    if not norms[0].track_running_stats:
        return
    known: list[Any] = list(norms)
    torch._foreach_lerp_([norm.running_mean for norm in known], list(means), known[0].momentum)
    torch._foreach_lerp_([norm.running_var for norm in known], list(variances), known[0].momentum)
    torch._foreach_add_([norm.num_batches_tracked for norm in known], 1)
