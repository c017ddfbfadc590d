"""Normalised 1x1 convolutions and their weighted sum for many edges at once, for the fast path of cells.

`fused_affine` has the formulas. Every edge has its own images, so that matrix products read contiguous memory. Nothing
here can be differentiated twice; an attempt raises an error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from trainables.supernet.fused_affine import Back, Moments, Norms, image_of, matrices, pixel_rows, track
from trainables.supernet.fused_depthwise import Seen, convolved, gradient_of_images, gradient_of_kernel, mask, once

__all__ = ["normed", "normed_halves", "normed_relu_depthwise", "normed_sum"]


def normed(images: Tensor, norms: Norms) -> Tensor:
    """Normalise images by their batch statistics, once for several normalisations, and update the statistics of all.

    Args:
        images: (n, c, h, w).
        norms: normalisations without parameters and of equal settings.

    Returns:
        (n, c, h, w).
    """
    value, mean, variance = _normed(images, norms[0].eps)
    track(norms, [mean] * len(norms), [variance] * len(norms))
    return value


def normed_halves(halves: Sequence[Tensor], norms: Norms) -> Tensor:
    """Normalise the two halves of the channels of k edges, each edge by its own normalisation.

    Args:
        halves: two halves (n, k * c / 2, h, w), each with the channels of all edges.
        norms: the k normalisations.

    Returns:
        The rows (k, m, c) of the edges, m = n * h * w.
    """
    edges = len(norms)
    rows, means, variances = [], [], []
    for half in halves:
        value, mean, variance = _normed(half, norms[0].eps)
        rows.append(pixel_rows(value).view(-1, edges, value.shape[1] // edges).transpose(0, 1))
        means.append(mean.view(edges, -1))
        variances.append(variance.view(edges, -1))
    track(norms, torch.cat(means, 1).unbind(), torch.cat(variances, 1).unbind())
    return torch.cat(rows, 2)


def _normed(images: Tensor, eps: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return the normalised images, and their means and unbiased variances, (c,) each."""
    mean, variance = images.new_zeros(2, images.shape[1])
    return functional.batch_norm(images, mean, variance, None, None, True, 1.0, eps), mean, variance


def normed_relu_depthwise(
    images: Sequence[Tensor], kernels: Sequence[Tensor], norms: Norms, spatial: Sequence[Tensor], dilation: int
) -> list[Tensor]:
    """Compute for each of k edges a normalised 1x1 convolution, ReLU and a depthwise convolution.

    Args:
        images: k times (n, c, h, w).
        kernels: the kernels of the 1x1 convolutions, k times (c, c, 1, 1).
        norms: the k normalisations.
        spatial: the kernels of the depthwise convolutions, k times (c, 1, s, s).
        dilation: the dilation of the depthwise convolutions, 1 or 2.

    Returns:
        k times (n, c, h, w).
    """
    return list(_NormedReluDepthwise.apply(norms, dilation, *images, *kernels, *spatial))


def normed_sum(
    total: Tensor,
    weights: Tensor,
    images: Sequence[Sequence[Tensor]],
    kernels: Sequence[Sequence[Tensor]],
    norms: Sequence[Norms],
) -> Tensor:
    """Add to the rows of each of k edges the weighted sum of its normalised 1x1 convolutions.

    Args:
        total: rows (k, m, c).
        weights: (k, operations).
        images, kernels, norms: for each operation k images (n, c, h, w), kernels (c, c, 1, 1) and normalisations.

    Returns:
        The new rows (k, m, c).
    """
    flat = [tensor for each in (*images, *kernels) for tensor in each]
    value: Tensor = _NormedSum.apply(total, weights, tuple(norms), *flat)
    return value


class _NormedReluDepthwise(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, norms: Norms, dilation: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        images, kernels, spatial = _parts(tensors, len(norms))
        rows, kernel = [pixel_rows(image) for image in images], matrices(kernels)
        moments = Moments.of(rows, kernel, norms[0].eps)
        moments.track(norms, len(rows[0]))
        matrix, shift = moments.map(kernel, kernel.new_ones(len(kernel), 1))
        values = (torch.addmm(*each).relu_() for each in zip(shift, rows, matrix, strict=True))
        positive = [image_of(value, images[0].shape) for value in values]
        context.moments, context.dilation = moments, dilation
        context.save_for_backward(*tensors, *positive)
        return tuple(convolved(*each, 1, dilation) for each in zip(positive, spatial, strict=True))

    @staticmethod
    @once
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        dilation, edges = context.dilation, len(gradients)
        images, kernels, spatial, positive = _parts(context.saved_tensors, edges)
        wants_images, wants_kernels, wants_spatial = _parts(context.needs_input_grad[2:], edges)
        by_spatial: list[Tensor | None] = [None] * edges
        before = []
        total = images[0].new_empty(edges, images[0].shape[1])
        for edge, (gradient, seen, each) in enumerate(zip(gradients, positive, spatial, strict=True)):
            if wants_spatial[edge]:
                by_spatial[edge] = gradient_of_kernel(gradient, Seen(seen), each, 1, dilation)
            found = gradient_of_images(gradient, seen, each, 1, dilation)
            mask(found, seen)
            before.append(pixel_rows(found))
            torch.sum(before[-1], 0, out=total[edge])
        rows, kernel, nothing = [pixel_rows(image) for image in images], matrices(kernels), [None] * edges
        back = Back.of(rows, kernel, kernel.new_ones(edges, 1), context.moments, before, total)
        by_images = back.by_images(images[0].shape) if any(wants_images) else nothing
        return None, None, *by_images, *(back.by_kernels() if any(wants_kernels) else nothing), *by_spatial


class _NormedSum(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, total: Tensor, weights: Tensor, norms: tuple[Norms, ...], *tensors: Tensor) -> Tensor:
        edges, count, _ = total.shape
        parts = _parts(tensors, edges)
        maps = []
        context.moments = []
        for index, known in enumerate(norms):
            rows, kernel = [pixel_rows(image) for image in parts[index]], matrices(parts[len(norms) + index])
            moments = Moments.of(rows, kernel, known[0].eps)
            moments.track(known, count)
            context.moments.append(moments)
            maps.append((rows, *moments.map(kernel, weights[:, index : index + 1])))
        value = total + torch.stack([shift for _, _, shift in maps]).sum(0)
        for edge, sums in enumerate(value):
            for rows, matrix, _ in maps:
                sums.addmm_(rows[edge], matrix[edge])
        context.save_for_backward(weights, *tensors)
        return value

    @staticmethod
    @once
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        weights, *tensors = context.saved_tensors
        edges, operations = weights.shape
        parts, wanted = _parts(tensors, edges), _parts(context.needs_input_grad[3:], edges)
        total, gradients = gradient.sum(1), gradient.unbind()
        nothing = [None] * edges
        by_weights: list[Tensor] = []
        by_images: list[Tensor | None] = []
        by_kernels: list[Tensor | None] = []
        for index, moments in enumerate(context.moments):
            images, kernel = parts[index], matrices(parts[operations + index])
            weight, rows = weights[:, index : index + 1], [pixel_rows(image) for image in images]
            back = Back.of(rows, kernel, weight, moments, gradients, total)
            by_weights.append(back.by_weight())
            by_images += back.by_images(images[0].shape) if any(wanted[index]) else nothing
            by_kernels += back.by_kernels() if any(wanted[operations + index]) else nothing
        return gradient, torch.stack(by_weights, 1), None, *by_images, *by_kernels


def _parts(tensors: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Cut a sequence into parts of equal size."""
    return [tensors[start : start + size] for start in range(0, len(tensors), size)]
