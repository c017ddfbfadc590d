"""Layers for images and volumes alike: each function takes the number of dimensions, 2 or 3."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn import functional

from trainables.errors import TrainableError

__all__ = [
    "average_pool",
    "batch_norm",
    "convolution",
    "max_pool",
    "normalisation",
    "padded_to",
    "sides_of",
    "upsampled",
]

_CONVOLUTIONS: dict[int, type[Any]] = {2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: dict[int, type[Any]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
_BATCH: dict[int, type[Any]] = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
_INSTANCE: dict[int, type[Any]] = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}
_MAX: dict[int, type[Any]] = {2: nn.MaxPool2d, 3: nn.MaxPool3d}
_AVERAGE: dict[int, type[Any]] = {2: nn.AvgPool2d, 3: nn.AvgPool3d}
GROUPS = 4
"""Groups of channels of a group normalisation."""


def sides_of(image_size: int | Sequence[int]) -> tuple[int, ...]:
    """List the sides of an image or a volume.

    Args:
        image_size: two or three numbers; one number stands for height and width of an image.

    Returns:
        Its sides.

    Raises:
        TrainableError: there are neither two nor three.
    """
    sides = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(sides) not in (2, 3):
        raise TrainableError(f"image_size is {image_size!r}; give height and width, or depth, height and width")
    return sides


def convolution(
    dimensions: int, inputs: int, outputs: int, kernel: int | tuple[int, ...], stride: int = 1, groups: int = 1
) -> nn.Module:
    """Make a convolution without bias that keeps the size, or divides it by the stride and rounds up.

    Args:
        dimensions: 2 or 3.
        inputs: channels of the input.
        outputs: channels of the output.
        kernel: the sides of the kernel, odd.
        stride: its stride.
        groups: groups of channels.

    Returns:
        The layer.
    """
    sides = (kernel,) * dimensions if isinstance(kernel, int) else kernel
    padding = tuple(side // 2 for side in sides)
    made: nn.Module = _CONVOLUTIONS[dimensions](inputs, outputs, sides, stride, padding, groups=groups, bias=False)
    return made


def upsampled(dimensions: int, inputs: int, outputs: int, stride: int = 2, bias: bool = False) -> nn.Module:
    """Make a transposed convolution that multiplies each side by its stride.

    Args:
        dimensions: 2 or 3.
        inputs: channels of the input.
        outputs: channels of the output.
        stride: the factor, and the side of the kernel.
        bias: whether it has a bias.

    Returns:
        The layer.
    """
    made: nn.Module = _TRANSPOSED[dimensions](inputs, outputs, stride, stride, bias=bias)
    return made


def normalisation(kind: str, dimensions: int, channels: int) -> nn.Module:
    """Make a normalisation with learnt parameters.

    Args:
        kind: "instance", "batch" or "group".
        dimensions: 2 or 3.
        channels: of its input; for "group" a multiple of `GROUPS`.

    Returns:
        The layer.
    """
    if kind == "group":
        return nn.GroupNorm(GROUPS, channels)
    if kind == "batch":
        return batch_norm(dimensions, channels)
    made: nn.Module = _INSTANCE[dimensions](channels, affine=True)
    return made


def batch_norm(dimensions: int, channels: int, *, affine: bool = True) -> nn.Module:
    """Make a batch normalisation.

    Args:
        dimensions: 2 or 3.
        channels: of its input.
        affine: whether it has learnt parameters.

    Returns:
        The layer.
    """
    made: nn.Module = _BATCH[dimensions](channels, affine=affine)
    return made


def max_pool(dimensions: int, kernel: int, stride: int, padding: int = 0) -> nn.Module:
    """Make a max pooling; sizes are rounded up.

    Args:
        dimensions: 2 or 3.
        kernel: the side of the window.
        stride: its stride.
        padding: added at each side.

    Returns:
        The layer.
    """
    made: nn.Module = _MAX[dimensions](kernel, stride, padding, ceil_mode=padding == 0)
    return made


def average_pool(dimensions: int, kernel: int, stride: int, padding: int = 0) -> nn.Module:
    """Make an average pooling, in which only what lies inside counts; sizes are rounded up.

    Args:
        dimensions: 2 or 3.
        kernel: the side of the window.
        stride: its stride.
        padding: added at each side.

    Returns:
        The layer.
    """
    made: nn.Module = _AVERAGE[dimensions](kernel, stride, padding, ceil_mode=padding == 0, count_include_pad=False)
    return made


def padded_to(x: Tensor, multiple: int, least: int) -> Tensor:
    """Pad an input with zeros behind its end.

    Args:
        x: (n, c, ...).
        multiple: each side becomes a multiple of it.
        least: and has at least this length, a multiple too.

    Returns:
        The padded input; the same one where nothing is missing.
    """
    missing = [max(least, -(-side // multiple) * multiple) - side for side in x.shape[2:]]
    if not any(missing):
        return x
    behind: list[int] = []
    for one in reversed(missing):
        behind += [0, one]
    return functional.pad(x, behind)
