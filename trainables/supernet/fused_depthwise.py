"""Depthwise convolutions as the fast path of cells computes them: forward as torch does, backward faster.

On a CPU, torch's gradients of a dilated convolution and of a kernel wider than three are an order of magnitude slower
than the convolution itself. Here they are computed from fast parts. The gradient by the images is a convolution with
the reversed kernel. The gradient by the kernel is computed for three columns at a time; a dilated convolution is a
plain one on the pixels of equal parity.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

__all__ = [
    "Seen",
    "convolved",
    "every_other",
    "gradient_of_images",
    "gradient_of_kernel",
    "mask",
    "once",
    "relu_depthwise",
]


def once(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Let a backward pass refuse `create_graph`.

    torch's own `once_differentiable` returns wrong second derivatives without an error if only some tensors are asked
    for, as `torch.autograd.grad` does.

    Args:
        backward: the `backward` of an autograd function.

    Returns:
        The same function, which raises RuntimeError if gradients are recorded.
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
    """ReLU, then several depthwise convolutions of its result, each padded to keep the size (or halve it).

    Args:
        images: (n, c, h, w), in channels_last.
        kernels: (c, 1, s, s) each.
        stride: 1 or 2, for all convolutions.
        dilations: 1 or 2, for each convolution.

    Returns:
        The result (n, c, h / stride, w / stride) of each convolution, sizes rounded up.
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
        return tuple(convolved(positive, kernel, stride, by) for kernel, by in zip(kernels, dilations, strict=True))

    @staticmethod
    @once
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        positive, *kernels = context.saved_tensors
        stride, dilations = context.settings
        wants_images, _, _, *wanted = context.needs_input_grad
        parts = list(zip(gradients, kernels, dilations, wanted, strict=True))
        by_images = None
        if wants_images:
            first, *others = [gradient_of_images(g, positive, kernel, stride, by) for g, kernel, by, _ in parts]
            for part in others:
                first += part
            mask(first, positive)
            by_images = first
        seen = Seen(positive)
        by_kernels = [
            gradient_of_kernel(g, seen, kernel, stride, by) if wants else None for g, kernel, by, wants in parts
        ]
        return by_images, None, None, *by_kernels


def every_other(images: Tensor) -> tuple[Tensor, Tensor]:
    """Split images by the parity of rows and columns.

    Args:
        images: (n, c, h, w).

    Returns:
        The pixels (n, c, h / 2, w / 2) in even rows and columns, and those in odd rows and columns. Odd sizes are
        rounded
        up; the odd pixels end with zeros then.
    """
    even, odd = _EveryOther.apply(images)
    return even, odd


class _EveryOther(torch.autograd.Function):
    """Two slices whose gradient is in channels_last: torch's is not, and would slow down the layers before them."""

    @staticmethod
    def forward(context: Any, images: Tensor) -> tuple[Tensor, Tensor]:
        context.like = images.shape
        even = images[:, :, ::2, ::2].contiguous(memory_format=torch.channels_last)
        part = images[:, :, 1::2, 1::2]
        odd = torch.zeros_like(even)
        odd[:, :, : part.shape[2], : part.shape[3]] = part
        return even, odd

    @staticmethod
    @once
    def backward(context: Any, even: Tensor, odd: Tensor) -> Tensor:
        found = torch.empty(context.like, dtype=even.dtype, memory_format=torch.channels_last).zero_()
        found[:, :, ::2, ::2] = even
        part = found[:, :, 1::2, 1::2]
        part.copy_(odd[:, :, : part.shape[2], : part.shape[3]])
        return found


def mask(gradient: Tensor, positive: Tensor) -> None:
    """Make the gradient by the output of a ReLU the gradient by its input, in place.

    Args:
        gradient: the gradient by the output; it is changed.
        positive: the output of the ReLU, of the same shape.
    """
    torch.ops.aten.threshold_backward.grad_input(gradient, positive, 0, grad_input=gradient)


def convolved(images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Compute a depthwise convolution that keeps the size of the images, or with stride 2 halves it, rounded up.

    Args:
        images: (n, c, h, w).
        kernel: (c, 1, s, s), s odd.
        stride: 1 or 2.
        dilation: 1 or 2.

    Returns:
        (n, c, h / stride, w / stride), sizes rounded up.
    """
    reach = dilation * (kernel.shape[2] // 2)
    return functional.conv2d(images, kernel, None, stride, reach, dilation, len(kernel))


def gradient_of_images(gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Return the gradient of `convolved` by the images; with stride 1 it is a convolution with the reversed kernel.

    Args:
        gradient: the gradient by the result.
        images: (n, c, h, w), of which only the shape is used.
        kernel: (c, 1, s, s).
        stride: 1 or 2.
        dilation: 1 or 2; with stride 2 it is 1.

    Returns:
        (n, c, h, w).
    """
    if stride == 1:
        return convolved(gradient, kernel.flip(2, 3), 1, dilation)
    like = images.new_empty(1).expand(images.shape)
    return _native(gradient, like, kernel, stride, (kernel.shape[2] // 2,) * 2, of_images=True)


class Seen:
    """The images to which depthwise kernels were applied, cut for `gradient_of_kernel`; each cut is made once.

    Args:
        images: (n, c, h, w).
    """

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self._columns: dict[int, list[Tensor]] = {}

    @functools.cached_property
    def by_parity(self) -> Seen:
        """The same images (4 n, c, h / 2, w / 2), pixels of equal parity together."""
        return Seen(_by_parity(self.images))

    def columns(self, size: int) -> list[Tensor]:
        """Return the padded pixels that each three columns of a kernel were applied to.

        Args:
            size: the width and height s of the kernel.

        Returns:
            One cut of the images for each three columns, in channels_last.
        """
        if size not in self._columns:
            # Rows are padded here, too: torch's own padding is slow if the image is lower than the kernel.
            padded, width = functional.pad(self.images, (size // 2,) * 4), self.images.shape[3]
            ends = [(start, width + min(start + 3, size) - 1) for start in range(0, size, 3)]
            cuts = [padded[..., start:end].contiguous(memory_format=torch.channels_last) for start, end in ends]
            self._columns[size] = cuts
        return self._columns[size]


def gradient_of_kernel(gradient: Tensor, seen: Seen, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Return the gradient of `convolved` by the kernel, computed for three columns at a time.

    A dilation of 2 is none among the pixels of equal parity of rows and columns.

    Args:
        gradient: the gradient by the result.
        seen: the images.
        kernel: (c, 1, s, s).
        stride: 1 or 2.
        dilation: 1 or 2; with stride 2 it is 1.

    Returns:
        (c, 1, s, s).
    """
    size = kernel.shape[2]
    if dilation == 2:
        gradient, seen = _by_parity(gradient), seen.by_parity
    if size <= 3:
        return _native(gradient, seen.images, kernel, stride, (size // 2,) * 2, of_images=False)
    parts = zip(seen.columns(size), torch.split(kernel, 3, 3), strict=True)
    return torch.cat([_native(gradient, cut, part, stride, (0, 0), of_images=False) for cut, part in parts], 3)


def _by_parity(images: Tensor) -> Tensor:
    """Return (n, c, h, w) as (4 n, c, h / 2, w / 2), pixels of equal parity together; odd sizes are padded by zeros."""
    height, width = images.shape[2:]
    images = functional.pad(images, (0, width % 2, 0, height % 2))
    return torch.cat([images[:, :, row::2, column::2] for row in (0, 1) for column in (0, 1)])


def _native(
    gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, padding: tuple[int, int], *, of_images: bool
) -> Tensor:
    """Return the gradient by the images or by the kernel as torch computes it."""
    wanted = [of_images, not of_images, False]
    by_images, by_kernel, _ = torch.ops.aten.convolution_backward(
        gradient, images, kernel, None, [stride] * 2, padding, [1, 1], False, [0, 0], len(kernel), wanted
    )
    found: Tensor = by_images if of_images else by_kernel
    return found
