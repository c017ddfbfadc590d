"""Pyramids of features: levels of one width, from fine to coarse, that are merged with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.catalogue.detector import Merge, merges, unused
from trainables.networks.base import conv_bn

__all__ = ["Pyramid"]

Shape = tuple[int, int]


class Resized(nn.Module):
    """Features brought to a height and width: by a maximum over pixels where they are finer, else by repeating them.

    Args:
        size: height and width.
    """

    def __init__(self, size: Shape) -> None:
        super().__init__()
        self.height, self.width = size

    def forward(self, x: Tensor) -> Tensor:
        size = (self.height, self.width)
        if x.shape[2] > self.height or x.shape[3] > self.width:
            if torch.compiler.is_exporting() or torch.onnx.is_in_onnx_export():
                return _greatest(_greatest(x, 2, self.height), 3, self.width)
            return functional.adaptive_max_pool2d(x, size)
        if x.shape[2] < self.height or x.shape[3] < self.width:
            return functional.interpolate(x, size)
        return x


def _greatest(x: Tensor, dim: int, size: int) -> Tensor:
    """The maximum along a dimension that adaptive pooling takes, by operations that every exporter knows."""
    long = int(x.shape[dim])
    windows = [range(long * number // size, -(-long * (number + 1) // size)) for number in range(size)]
    most = max(map(len, windows))
    # A window that is shorter than the longest one has its last place again.
    places = [[*window, *[window[-1]] * (most - len(window))] for window in windows]
    parts = x.index_select(dim, torch.tensor(places, device=x.device).flatten())
    return parts.reshape(*x.shape[:dim], size, most, *x.shape[dim + 1 :]).amax(dim + 1)


class Smooth(nn.Sequential):
    """A 3x3 convolution with batch normalisation, after a rectifier.

    Args:
        width: the number of channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__(nn.ReLU(), *conv_bn(width, width, 3))


class Way(nn.Module):
    """Adds to each level the one before it, in one direction.

    Args:
        width: the number of channels.
        sizes: height and width of the levels, from fine to coarse.
        is_down: whether it goes from coarse to fine.
    """

    def __init__(self, width: int, sizes: Sequence[Shape], *, is_down: bool) -> None:
        super().__init__()
        order = list(range(len(sizes)))
        self.order = order[::-1] if is_down else order
        self.resized = nn.ModuleList(Resized(sizes[level]) for level in self.order[1:])
        self.smooth = nn.ModuleList(nn.Sequential(*conv_bn(width, width, 3)) for _ in self.order[1:])

    def forward(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        before = levels[self.order[0]]
        found = {self.order[0]: before}
        for level, resized, smooth in zip(self.order[1:], self.resized, self.smooth, strict=True):
            before = smooth(levels[level] + resized(before))
            found[level] = before
        return tuple(found[level] for level in range(len(levels)))


class Merged(nn.Module):
    """A merging cell of NAS-FPN (Ghiasi et al. 2019, 1904.07392).

    Args:
        width: the number of channels.
        size: height and width of the output.
        op: "sum", or "global_attention": the second input, weighted by the greatest value that each channel of the
            first one has anywhere, is added to the first.
    """

    def __init__(self, width: int, size: Shape, op: str) -> None:
        super().__init__()
        self.op = op
        self.first, self.second = Resized(size), Resized(size)
        self.smooth = Smooth(width)

    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        one, other = self.first(first), self.second(second)
        if self.op == "global_attention":
            other = other * one.amax((2, 3), keepdim=True).sigmoid()
        merged: Tensor = self.smooth(one + other)
        return merged


class Cells(nn.Module):
    """The merging cells of a NAS-FPN.

    Args:
        width: the number of channels.
        sizes: height and width of the levels, from fine to coarse.
        cells: the cells.
    """

    def __init__(self, width: int, sizes: Sequence[Shape], cells: Sequence[Merge]) -> None:
        super().__init__()
        self.inputs = [(cell.first, cell.second) for cell in cells]
        self.outputs = unused(cells, len(sizes))
        self.cells = nn.ModuleList(Merged(width, sizes[cell.level], cell.op) for cell in cells)

    def forward(self, levels: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        found = list(levels)
        for (first, second), cell in zip(self.inputs, self.cells, strict=True):
            found.append(cell(found[first], found[second]))
        outputs = []
        for output, added in self.outputs.values():
            whole = found[output]
            for number in added:
                whole = whole + found[number]
            outputs.append(whole)
        return tuple(outputs)


class Pyramid(nn.Module):
    """Features of several widths to levels of one width.

    Args:
        inputs: channels of the features, from fine to coarse.
        sizes: their height and width.
        width: channels of the levels.
        kind: "none", "fpn", "pan" or "nas_fpn".
        inside: the decisions of `nas_fpn`.
    """

    def __init__(
        self, inputs: Sequence[int], sizes: Sequence[Shape], width: int, kind: str, inside: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Sequential(*conv_bn(channels, width, 1)) for channels in inputs)
        ways: list[nn.Module] = []
        if kind in ("fpn", "pan"):
            ways.append(Way(width, sizes, is_down=True))
        if kind == "pan":
            ways.append(Way(width, sizes, is_down=False))
        if kind == "nas_fpn":
            ways.append(Cells(width, sizes, merges(inside["cells"], len(sizes))))
        self.ways = nn.ModuleList(ways)

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        levels = tuple(lateral(feature) for lateral, feature in zip(self.laterals, features, strict=True))
        for way in self.ways:
            levels = way(levels)
        return levels
