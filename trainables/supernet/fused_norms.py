"""Normalised 1x1 convolutions and their weighted sum, as the fast path of cells computes them: many edges at once.

Images (n, k * c, h, w) hold the channels of k edges side by side, in channels_last; as rows they are k matrices of
m = n * h * w rows of c numbers. A convolution 1x1 with its normalisation is an affine map of rows, and what
normalises it follows from mean and covariance of the rows: with rows d, kernel P, mean u and covariance S

    z = P d,   mean(z) = P u,   var(z) = diag(P S P'),   normed(z) = r * P (d - u),   r = (var(z) + eps) ** -1/2

so z is never stored, and weighing and adding up normed values costs nothing beyond the matrix products. Its
gradient, G being that of `w * normed(z)`, all sums over the rows:

    t = sum(G * normed(z)) = r * diag(sum(G (d - u)') P')        gradient of w = sum of t over channels
    gradient of P = w r (sum(G (d - u)') - t r P S)
    gradient of d = P' w r (G - sum(G) / m - t / m * normed(z))

None of it can be differentiated twice, and whoever tries is told so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.supernet.fused_depthwise import convolved, gradient_of_images, gradient_of_kernel, mask, once

__all__ = ["image_of", "normed", "normed_halves", "normed_relu_depthwise", "normed_sum", "rows_of"]

Norms = Sequence[nn.BatchNorm2d]


def rows_of(images: Tensor, edges: int) -> Tensor:
    """(n, k * c, h, w) as (k, n * h * w, c), without a copy where images are in channels_last."""
    channels = images.shape[1] // edges
    return images.permute(0, 2, 3, 1).reshape(-1, edges, channels).transpose(0, 1)


def image_of(rows: Tensor, like: Sequence[int]) -> Tensor:
    """(n * h * w, c) as images (n, c, h, w) in channels_last; `like` is their shape, whatever its c."""
    count, _, height, width = like
    return rows.view(count, height, width, rows.shape[-1]).permute(0, 3, 1, 2)


def normed(images: Tensor, norms: Norms) -> Tensor:
    """Batch normalisation, once for all `norms`, none of which learns."""
    value, mean, variance = _normed(images, norms[0].eps)
    _track(norms, [mean] * len(norms), [variance] * len(norms))
    return value


def normed_halves(halves: Sequence[Tensor], norms: Norms) -> Tensor:
    """Rows (k, m, c) of k edges, each normalised by its own of `norms`; a half (n, k * c / 2, h, w) has all edges'."""
    edges = len(norms)
    values, means, variances = zip(*(_normed(half, norms[0].eps) for half in halves), strict=True)
    joined = (torch.cat([part.view(edges, -1) for part in parts], 1).unbind() for parts in (means, variances))
    _track(norms, *joined)
    return torch.cat([rows_of(value, edges) for value in values], 2)


def _normed(images: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """The normalised images, and what they were normalised by: mean and unbiased variance."""
    mean, variance = images.new_zeros(2, images.shape[1])
    return functional.batch_norm(images, mean, variance, None, None, True, 1.0, eps), mean, variance


def normed_relu_depthwise(images: Tensor, kernels: Tensor, norms: Norms, spatial: Tensor, dilation: int) -> Tensor:
    """Normalised 1x1 convolutions of k edges, ReLU, depthwise convolution: images (n, k * c, h, w) as given.

    Args:
        kernels: of the 1x1 convolutions, (k, c, c).
        spatial: of the depthwise ones, (k * c, 1, s, s).
    """
    value: Tensor = _NormedReluDepthwise.apply(images, kernels, norms, spatial, dilation)
    return value


def normed_sum(
    total: Tensor, weights: Tensor, images: Sequence[Tensor], kernels: Sequence[Tensor], norms: Sequence[Norms]
) -> Tensor:
    """`total` plus, for each of k edges, the weighted sum of its normalised 1x1 convolutions.

    Args:
        total: rows (k, m, c).
        weights: (k, operations).
        images, kernels, norms: for each operation (n, k * c, h, w), (k, c, c), and k normalisations.
    """
    value: Tensor = _NormedSum.apply(total, weights, tuple(norms), *images, *kernels)
    return value


@dataclass(frozen=True, slots=True)
class _Moments:
    """Of rows d (k, m, c) and of what the kernel P (k, c, c) makes of them; see the formulas above.

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
    def of(cls, rows: Tensor, kernel: Tensor, eps: float) -> _Moments:
        count = rows.shape[1]
        centre = rows.mean(1, keepdim=True)
        covariance = torch.baddbmm(centre.mT * centre, rows.transpose(1, 2), rows, beta=-1, alpha=1 / count)
        through = kernel @ covariance
        variance = (through * kernel).sum(2).clamp_min_(0)
        mean = (kernel @ centre.mT).squeeze(2)
        return cls(centre, through, (variance + eps).rsqrt_(), mean, variance)

    def map(self, kernel: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Matrix (k, c, c) and shift (k, 1, c) of rows that give `weight` (k, 1) times the normalised values."""
        scale = weight * self.scale
        return (scale.unsqueeze(2) * kernel).mT, -(scale * self.mean).unsqueeze(1)

    def track(self, norms: Norms, count: int) -> None:
        """Let running statistics follow."""
        _track(norms, self.mean.unbind(), (self.variance * (count / (count - 1))).unbind())


@dataclass(frozen=True, slots=True)
class _Backward:
    """What the gradient G of rows (k, m, c) says of those before the 1x1 convolution and its normalisation.

    `agreement` is t, `cross` the sum of G (d - u)', `total` that of G.
    """

    rows: Tensor
    kernel: Tensor
    weight: Tensor
    moments: _Moments
    gradient: Tensor
    total: Tensor
    cross: Tensor
    agreement: Tensor

    @classmethod
    def of(cls, rows: Tensor, kernel: Tensor, weight: Tensor, moments: _Moments, gradient: Tensor) -> _Backward:
        total = gradient.sum(1)
        cross = torch.baddbmm(total.unsqueeze(2) * moments.centre, gradient.transpose(1, 2), rows, beta=-1)
        agreement = moments.scale * (cross * kernel).sum(2)
        return cls(rows, kernel, weight, moments, gradient, total, cross, agreement)

    def by_weight(self) -> Tensor:
        """(k,)"""
        return self.agreement.sum(1)

    def by_kernel(self) -> Tensor:
        """(k, c, c)"""
        scale = self.moments.scale
        inner = torch.addcmul(self.cross, (self.agreement * scale).unsqueeze(2), self.moments.through, value=-1)
        return (self.weight * scale).unsqueeze(2) * inner

    def by_images(self, shape: Sequence[int]) -> Tensor:
        """(n, k * c, h, w), which is `shape`, in channels_last."""
        count = self.rows.shape[1]
        scale = self.weight * self.moments.scale
        inner = (scale * self.moments.scale * self.agreement / count).unsqueeze(2)
        back = self.kernel.mT @ (inner * self.kernel)
        shift = self.moments.centre @ back - (scale * self.total / count).unsqueeze(1) @ self.kernel
        edges, _, channels = self.rows.shape
        found = self.rows.new_empty(count, edges, channels)
        rows = found.transpose(0, 1)
        torch.baddbmm(shift, self.rows, back, alpha=-1, out=rows)
        rows.baddbmm_(self.gradient, scale.unsqueeze(2) * self.kernel)
        return image_of(found.view(count, -1), shape)


class _NormedReluDepthwise(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, images: Tensor, kernel: Tensor, norms: Norms, spatial: Tensor, dilation: int) -> Tensor:
        rows = rows_of(images, len(kernel))
        edges, count, channels = rows.shape
        moments = _Moments.of(rows, kernel, norms[0].eps)
        moments.track(norms, count)
        value = rows.new_empty(count, edges, channels)
        matrix, shift = moments.map(kernel, rows.new_ones(edges, 1))
        torch.baddbmm(shift, rows, matrix, out=value.transpose(0, 1))
        positive = image_of(value.relu_().view(count, -1), images.shape)
        context.moments, context.dilation = moments, dilation
        context.save_for_backward(images, kernel, positive, spatial)
        return convolved(positive, spatial, 1, dilation)

    @staticmethod
    @once
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor | None, None, Tensor | None, None]:
        images, kernel, positive, spatial = context.saved_tensors
        wants_images, wants_kernel, _, wants_spatial, _ = context.needs_input_grad
        by_spatial = gradient_of_kernel(gradient, positive, spatial, 1, context.dilation) if wants_spatial else None
        before = gradient_of_images(gradient, positive, spatial, 1, context.dilation)
        mask(before, positive)
        edges, ones = len(kernel), gradient.new_ones(len(kernel), 1)
        back = _Backward.of(rows_of(images, edges), kernel, ones, context.moments, rows_of(before, edges))
        by_images = back.by_images(images.shape) if wants_images else None
        return by_images, back.by_kernel() if wants_kernel else None, None, by_spatial, None


class _NormedSum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, total: Tensor, weights: Tensor, norms: tuple[Norms, ...], *tensors: Tensor) -> Tensor:
        images, kernels = tensors[: len(norms)], tensors[len(norms) :]
        edges, count, _ = total.shape
        maps = []
        context.moments = []
        for index, (image, kernel, known) in enumerate(zip(images, kernels, norms, strict=True)):
            moments = _Moments.of(rows_of(image, edges), kernel, known[0].eps)
            moments.track(known, count)
            context.moments.append(moments)
            maps.append(moments.map(kernel, weights[:, index : index + 1]))
        value = total + torch.stack([shift for _, shift in maps]).sum(0)
        for image, (matrix, _) in zip(images, maps, strict=True):
            value.baddbmm_(rows_of(image, edges), matrix)
        context.save_for_backward(weights, *tensors)
        return value

    @staticmethod
    @once
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *tensors = context.saved_tensors
        half, edges = len(tensors) // 2, len(weights)
        images, kernels, wanted = tensors[:half], tensors[half:], context.needs_input_grad[3:]
        by_weights, by_images, by_kernels = [], [], []
        for index, (image, kernel, moments) in enumerate(zip(images, kernels, context.moments, strict=True)):
            weight = weights[:, index : index + 1]
            back = _Backward.of(rows_of(image, edges), kernel, weight, moments, gradient)
            by_weights.append(back.by_weight())
            by_images.append(back.by_images(image.shape) if wanted[index] else None)
            by_kernels.append(back.by_kernel() if wanted[half + index] else None)
        return gradient, torch.stack(by_weights, 1), None, *by_images, *by_kernels


@torch.no_grad()
def _track(norms: Norms, means: Sequence[Tensor], variances: Sequence[Tensor]) -> None:
    """Move running statistics towards those of a batch, `variances` unbiased, unless they are to stand still."""
    if not norms[0].track_running_stats:
        return
    known: list[Any] = list(norms)
    torch._foreach_lerp_([norm.running_mean for norm in known], list(means), known[0].momentum)
    torch._foreach_lerp_([norm.running_var for norm in known], list(variances), known[0].momentum)
    torch._foreach_add_([norm.num_batches_tracked for norm in known], 1)
