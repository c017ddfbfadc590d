"""Depthwise convolutions as the fast path of cells computes them: forward as torch does, backward faster.

On a CPU torch's gradients of a dilated convolution, and of a kernel wider than three, are an order of magnitude
slower than the convolution itself. They are had from what is fast: the gradient of the images is a convolution with
the kernel turned round, that of the kernel falls into those of three columns each, a dilated one into the pixels of
like parity.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
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
        images: (n, c, h, w), in channels_last.
        kernels: each (c, 1, s, s).
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
            by_images = _sum(
                gradient_of_images(gradient, positive, kernel, stride, by) for gradient, kernel, by, _ in parts
            )
            mask(by_images, positive)
        seen = Seen(positive)
        by_kernels = [
            gradient_of_kernel(g, seen, kernel, stride, by) if wants else None for g, kernel, by, wants in parts
        ]
        return by_images, None, None, *by_kernels


def every_other(images: Tensor) -> tuple[Tensor, Tensor]:
    """The pixels (n, c, h / 2, w / 2) whose row and column are even, and those where both are odd.

    Of an odd size both have half of it, rounded up: the odd ones end on zeros.
    """
    even, odd = _EveryOther.apply(images)
    return even, odd


class _EveryOther(torch.autograd.Function):
    """Its gradient is in channels_last; that of two slices is not, and would make slow what stands before them."""

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
    """Make the gradient of a ReLU's value that of its argument, in place."""
    torch.ops.aten.threshold_backward.grad_input(gradient, positive, 0, grad_input=gradient)


def convolved(images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """A depthwise convolution; of stride 1 it keeps the size, of stride 2 it halves it, rounded up."""
    reach = dilation * (kernel.shape[2] // 2)
    return functional.conv2d(images, kernel, None, stride, reach, dilation, len(kernel))


def gradient_of_images(gradient: Tensor, images: Tensor, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """With stride 1 again a convolution, the kernel turned round; `images` say no more than their shape."""
    if stride == 1:
        return convolved(gradient, kernel.flip(2, 3), 1, dilation)
    like = images.new_empty(1).expand(images.shape)
    return _native(gradient, like, kernel, stride, (kernel.shape[2] // 2,) * 2, of_images=True)


class Seen:
    """Images that depthwise kernels have seen, cut as `gradient_of_kernel` needs them; every cut is made once."""

    def __init__(self, images: Tensor) -> None:
        self.images = images
        self._columns: dict[int, list[Tensor]] = {}

    @functools.cached_property
    def by_parity(self) -> Seen:
        return Seen(_by_parity(self.images))

    def columns(self, size: int) -> list[Tensor]:
        """What three columns each of kernels of that size have seen, with the padding."""
        if size not in self._columns:
            # Rows are padded here too: torch's way is slow where the image is lower than the kernel.
            padded, width = functional.pad(self.images, (size // 2,) * 4), self.images.shape[3]
            ends = [(start, width + min(start + 3, size) - 1) for start in range(0, size, 3)]
            cuts = [padded[..., start:end].contiguous(memory_format=torch.channels_last) for start, end in ends]
            self._columns[size] = cuts
        return self._columns[size]


def gradient_of_kernel(gradient: Tensor, seen: Seen, kernel: Tensor, stride: int, dilation: int) -> Tensor:
    """Of the kernel, three of its columns at a time.

    A dilation of 2 is none at all among the pixels whose row and column are even, or one of them odd, or both.
    """
    size = kernel.shape[2]
    if dilation == 2:
        gradient, seen = _by_parity(gradient), seen.by_parity
    if size <= 3:
        return _native(gradient, seen.images, kernel, stride, (size // 2,) * 2, of_images=False)
    parts = zip(seen.columns(size), torch.split(kernel, 3, 3), strict=True)
    return torch.cat([_native(gradient, cut, part, stride, (0, 0), of_images=False) for cut, part in parts], 3)


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


def _sum(parts: Iterable[Tensor]) -> Tensor:
    first, *others = parts
    for part in others:
        first += part
    return first
