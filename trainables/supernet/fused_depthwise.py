"""Depthwise convolutions as the fast path of cells computes them: forward as torch does, backward faster.

On a CPU torch's gradients of a dilated convolution, and of a kernel wider than three, are an order of magnitude
slower than the convolution itself. They are had from what is fast: the gradient of the images is a convolution with
the kernel turned round, that of the kernel falls into those of three columns each, a dilated one into the pixels of
like parity.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["convolved", "gradient_of_images", "gradient_of_kernel", "mask", "once", "relu_depthwise"]


def once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Refuse `create_graph`: torch's own `once_differentiable` lets wrong second derivatives pass in silence
    where they are asked of some tensors only, as `torch.autograd.grad` does.
    """

    @functools.wraps(backward)
    def checked(context: Any, *gradients: Tensor) -> Any:
        if torch.is_grad_enabled():
            raise RuntimeError(
                "create_graph=True in a backward pass through the fast path of cells, which can be differentiated "
                "once only; let the forward run inside trainables.supernet.fused.unfused()"
            )
        return backward(context, *gradients)

    return checked


def relu_depthwise(images: Tensor, kernels: Sequence[Tensor], stride: int, dilations: Sequence[int]) -> list[Tensor]:
    """ReLU, then several depthwise convolutions of the same, each padded to keep the size (or halve it).

    Args:
        images: (n, c, h, w).
        kernels: each (k * c, 1, s, s), the kernels of k edges; an image of k * c channels comes of each.
    """
    return list(_ReluDepthwise.apply(images, stride, tuple(dilations), *kernels))


class _ReluDepthwise(torch.autograd.Function):
    @staticmethod
    def forward(
        context: Any, images: Tensor, stride: int, dilations: tuple[int, ...], *kernels: Tensor
    ) -> tuple[Tensor, ...]:
        positive = functional.relu(images)
        context.save_for_backward(positive, *kernels)
        context.settings = stride, dilations
        spread = _spread(positive, len(kernels[0]))
        return tuple(convolved(spread, kernel, stride, by) for kernel, by in zip(kernels, dilations, strict=True))

    @staticmethod
    @once
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        positive, *kernels = context.saved_tensors
        stride, dilations = context.settings
        wants_images, _, _, *wanted = context.needs_input_grad
        parts = list(zip(gradients, kernels, dilations, wanted, strict=True))
        by_images = None
        if wants_images:
            backs = [gradient_of_images(gradient, positive, kernel, stride, by) for gradient, kernel, by, _ in parts]
            by_images = _sum([part for back in backs for part in torch.split(back, positive.shape[1], 1)])
            mask(by_images, positive)
        by_kernels = [gradient_of_kernel(g, positive, k, stride, by) if wants else None for g, k, by, wants in parts]
        return by_images, None, None, *by_kernels


def _spread(images: Tensor, channels: int) -> Tensor:
    """The images side by side until they have so many channels."""
    copies = channels // images.shape[1]
    return images if copies == 1 else torch.cat([images] * copies, 1)


def mask(gradient: Tensor, positive: Tensor) -> None:
    """Make the gradient of a ReLU's value that of its argument, in place."""
    torch.ops.aten.threshold_backward.grad_input(gradient, positive, 0, grad_input=gradient)


def convolved(images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """A depthwise convolution; of stride 1 it keeps the size, of stride 2 it halves it, rounded up."""
    reach = dilation * (kernel.shape[2] // 2)
    return functional.conv2d(images, kernel, None, stride, reach, dilation, len(kernel))


def gradient_of_images(gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Of the images, for every edge its own: with stride 1 again a convolution, the kernel turned round."""
    if stride == 1:
        return convolved(gradient, kernel.flip(2, 3), 1, dilation)
    count, _, height, width = images.shape
    like = images.new_empty(1).expand(count, len(kernel), height, width)
    return _native(gradient, like, kernel, stride, (kernel.shape[2] // 2,) * 2, of_images=True)


def gradient_of_kernel(gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Of the kernel, three of its columns at a time.

    A dilation of 2 is none at all among the pixels whose row and column are even, or one of them odd, or both.
    """
    size = kernel.shape[2]
    if dilation == 2:
        gradient, images = _by_parity(gradient), _by_parity(images)
    if size <= 3:
        return _native(gradient, _spread(images, len(kernel)), kernel, stride, (size // 2,) * 2, of_images=False)
    reach, width = size // 2, images.shape[3]
    # Rows are padded here too: torch's way is slow where the image is lower than the kernel.
    padded = functional.pad(images, (reach,) * 4)
    columns = []
    for start in range(0, size, 3):
        part = kernel[..., start : start + 3]
        inside = _spread(padded[..., start : start + width + part.shape[3] - 1], len(kernel))
        columns.append(_native(gradient, inside, part, stride, (0, 0), of_images=False))
    return torch.cat(columns, 3)


def _by_parity(images: Tensor) -> Tensor:
    """(n, c, h, w) as (4 n, c, h / 2, w / 2), pixels of like parity together; odd sizes end on zeros."""
    height, width = images.shape[2:]
    images = functional.pad(images, (0, width % 2, 0, height % 2))
    return torch.cat([images[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)])


def _native(
    gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, padding: tuple[int, int], *, of_images: bool
) -> Tensor:
    """The gradient of the images or of the kernel as torch computes it."""
    wanted = [of_images, not of_images, False]
    by_images, by_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, images, kernel, None, [stride] * 2, padding, [1, 1], False, [0, 0], len(kernel), wanted
    )
    found: Tensor = by_images if of_images else by_kernel
    return found


def _sum(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0] + parts[1] if len(parts) > 1 else parts[0]
    for part in parts[2:]:
        total += part
    return total
