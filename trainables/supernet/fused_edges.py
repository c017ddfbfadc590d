"""All edges that leave one state of a DARTS cell, read from their `LayerChoice`s and computed together.

Options are known by what their modules are, not by their names: pooling and normalisation; identity; ReLU, depthwise
and 1x1 convolution, normalisation, once or twice over; identity that halves the image; nothing. What is none of these
runs as the module that it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from search_spaces.nn import LayerChoice
from trainables.networks.cell_operations import FactorizedReduction
from trainables.supernet.fused_affine import rows_of
from trainables.supernet.fused_depthwise import every_other, relu_depthwise
from trainables.supernet.fused_norms import normed, normed_halves, normed_relu_depthwise, normed_sum

__all__ = ["Fan"]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A depthwise and a 1x1 convolution with normalisation, one of each for every edge."""

    spatial: list[nn.Conv2d]
    mixing: list[nn.Conv2d]
    norms: list[nn.BatchNorm2d]

    @property
    def reach(self) -> tuple[int, int, int]:
        """Size, stride and dilation of the depthwise kernels."""
        conv = self.spatial[0]
        return conv.kernel_size[0], conv.stride[0], conv.dilation[0]

    def kernels(self) -> list[Tensor]:
        """Of the depthwise convolutions, (c, 1, size, size) each."""
        return [conv.weight for conv in self.spatial]

    def matrices(self) -> list[Tensor]:
        """Of the 1x1 convolutions, (c, c, 1, 1) each."""
        return [conv.weight for conv in self.mixing]


@dataclass(frozen=True, slots=True)
class _Pool:
    """The normalised pooling, which is the same on every edge."""

    layer: nn.MaxPool2d | nn.AvgPool2d
    norms: list[nn.BatchNorm2d]


@dataclass(frozen=True, slots=True)
class _Halving:
    """The skip connections that halve an image, one for every edge."""

    layers: list[FactorizedReduction]

    def rows(self, even: Tensor, odd: Tensor) -> Tensor:
        """(k, m, c) of the pixels in even rows and columns, and in odd ones."""
        first = functional.conv2d(functional.relu(even), torch.cat([layer.first.weight for layer in self.layers]))
        second = functional.conv2d(functional.relu(odd), torch.cat([layer.second.weight for layer in self.layers]))
        return normed_halves((first, second), self.norms)

    @property
    def norms(self) -> list[nn.BatchNorm2d]:
        return [layer.norm for layer in self.layers]


Option = list[_Stage] | _Pool | _Halving | nn.Identity | tuple[nn.Module, ...]
"""Convolutions; pooling; skip connections; or modules of which nothing is known, one for every edge."""


class Fan:
    """The edges from one state to the k nodes after it."""

    def __init__(self, edges: list[LayerChoice], options: dict[int, Option], stride: int) -> None:
        self.edges, self.stride = edges, stride
        self.passed = {i: option for i, option in options.items() if isinstance(option, _Pool | nn.Identity)}
        self.convolved = {i: option for i, option in options.items() if isinstance(option, list)}
        self.halved = {i: option for i, option in options.items() if isinstance(option, _Halving)}
        self.others = {i: option for i, option in options.items() if isinstance(option, tuple)}
        self.computed = frozenset(options)
        simple = [option for option in options.values() if isinstance(option, _Pool | _Halving)]
        self.norms = [norm for option in simple for norm in option.norms]
        self.norms += [norm for stages in self.convolved.values() for stage in stages for norm in stage.norms]

    @classmethod
    def of(cls, edges: list[LayerChoice]) -> Fan | None:
        """None where edges differ, or nothing would be gained."""
        if not edges or len({edge.names for edge in edges}) != 1:
            return None
        columns = {i: column for i, column in enumerate(zip(*edges, strict=True)) if not _gives_zeros(column)}
        options = {index: _read(column) for index, column in columns.items()}
        strides = {_stride(option) for option in options.values()} - {None}
        if len(strides) != 1:
            return None
        return cls(edges, options, strides.pop() or 1)

    @property
    def normalises_by_batch(self) -> bool:
        """Whether all normalisations are in training, and alike in what they track."""
        states = {(norm.training, norm.momentum, norm.track_running_stats) for norm in self.norms}
        return all(training and momentum is not None for training, momentum, _ in states) and len(states) <= 1

    def shape_of(self, x: Tensor) -> tuple[int, int, int, int]:
        """Of what comes of `x` on every edge."""
        count, channels, height, width = x.shape
        return count, channels, -(-height // self.stride), -(-width // self.stride)

    def add(self, x: Tensor, weights: Tensor, total: Tensor | None) -> Tensor:
        """What the nodes have so far, rows (k, m, c), and what comes of `x` (n, c, h, w) by `weights` (k, options)."""
        columns = weights.to(x.dtype).unbind(1)
        halves = every_other(x) if self.stride == 2 else (x, x)
        total = self._pass(x, columns, total)
        for index, halving in self.halved.items():
            total = total + columns[index].view(-1, 1, 1) * halving.rows(*halves)
        if self.others:
            total = total + self._run(x, columns)
        if not self.convolved:
            return total
        images = self._convolve(x, halves[0])
        last = [stages[-1] for stages in self.convolved.values()]
        chosen = torch.stack([columns[index] for index in self.convolved], 1)
        return normed_sum(total, chosen, images, [stage.matrices() for stage in last], [stage.norms for stage in last])

    def _pass(self, x: Tensor, columns: Sequence[Tensor], total: Tensor | None) -> Tensor:
        """Identity and pooling enter the nodes as they are: one matrix of weights by one of values."""
        values = [_passed(x, option) for option in self.passed.values()]
        if total is None:
            count, channels, height, width = self.shape_of(x)
            total = x.new_zeros(1, 1, 1).expand(len(self.edges), count * height * width, channels)
        if not values:
            return total
        flat = torch.stack([value.permute(0, 2, 3, 1) for value in values]).view(len(values), -1)
        chosen = torch.stack([columns[index] for index in self.passed], 1)
        return torch.addmm(total.reshape(len(total), -1), chosen, flat).view_as(total)

    def _run(self, x: Tensor, columns: Sequence[Tensor]) -> Tensor:
        """(k, m, c) of the modules of which nothing is known."""
        sums = []
        for edge in range(len(self.edges)):
            values = [option[edge](x) * columns[index][edge] for index, option in self.others.items()]
            sums.append(rows_of(sum(values[1:], values[0])))
        return torch.stack(sums)

    def _convolve(self, x: Tensor, even: Tensor) -> list[list[Tensor]]:
        """What every kind of convolution gives before its last 1x1 convolution, for every edge (n, c, h, w).

        Kernels that are strided and dilated see `even` pixels only, and those side by side.
        """
        found: dict[int, list[Tensor]] = {}
        for is_even, seen in ((False, x), (True, even)):
            some = {i: s[0] for i, s in self.convolved.items() if self._skips_odd(s[0]) == is_even}
            if some:
                found.update(zip(some, self._first(seen, list(some.values()), is_even), strict=True))
        return [self._second(found[index], stages) for index, stages in self.convolved.items()]

    def _skips_odd(self, stage: _Stage) -> bool:
        """Whether kernels see pixels in even rows and columns only."""
        return self.stride == 2 and stage.reach[2] == 2

    def _first(self, x: Tensor, stages: list[_Stage], is_even: bool) -> list[list[Tensor]]:
        edges, stride = len(self.edges), 1 if is_even else self.stride
        kernels = [kernel for stage in stages for kernel in stage.kernels()]
        dilations = [1 if is_even else stage.reach[2] for stage in stages for _ in self.edges]
        images = relu_depthwise(x, kernels, stride, dilations)
        return [images[start : start + edges] for start in range(0, len(images), edges)]

    def _second(self, images: list[Tensor], stages: list[_Stage]) -> list[Tensor]:
        for one, next_one in pairwise(stages):
            dilation = next_one.reach[2]
            images = normed_relu_depthwise(images, one.matrices(), one.norms, next_one.kernels(), dilation)
        return images


def _passed(x: Tensor, option: _Pool | nn.Identity) -> Tensor:
    return normed(option.layer(x), option.norms) if isinstance(option, _Pool) else x


def _gives_zeros(column: Sequence[nn.Module]) -> bool:
    return all(getattr(candidate, "gives_zeros", False) for candidate in column)


def _read(column: tuple[Any, ...]) -> Option:
    """One option of all edges; the modules themselves where they are of no known kind, or differ."""
    if all(type(candidate) is nn.Identity for candidate in column):
        return nn.Identity()
    layers: list[list[Any]] = [list(part) if type(part) is nn.Sequential else [] for part in column]
    if len({tuple(map(_signature, row)) for row in layers}) != 1:
        return column
    if _is_halving(layers[0]):
        return _Halving([row[0] for row in layers])
    if _is_pool(layers[0]):
        return _Pool(layers[0][0], [row[1] for row in layers])
    if not _is_convolved(layers[0]):
        return column
    fours = [[row[start : start + 4] for row in layers] for start in range(0, len(layers[0]), 4)]
    return [_Stage(*([four[place] for four in edges] for place in (1, 2, 3))) for edges in fours]


def _stride(option: Option) -> int | None:
    """None where it does not say."""
    if isinstance(option, _Pool):
        return cast(int, option.layer.stride)
    return option[0].reach[1] if isinstance(option, list) else None


def _signature(layer: nn.Module) -> tuple[object, ...]:
    """All that is to be alike on every edge."""
    unseen = tuple(getattr(layer, name, None) for name in ("ceil_mode", "count_include_pad", "divisor_override"))
    return type(layer), layer.extra_repr(), unseen


def _is_halving(layers: list[nn.Module]) -> bool:
    return len(layers) == 1 and isinstance(layers[0], FactorizedReduction) and _is_norm(layers[0].norm)


def _is_pool(layers: list[nn.Module]) -> bool:
    """Whether it is a pooling that keeps the size (before its stride), and a normalisation."""
    if len(layers) != 2 or not isinstance(layers[0], nn.MaxPool2d | nn.AvgPool2d) or not _is_norm(layers[1]):
        return False
    size, stride, padding = layers[0].kernel_size, layers[0].stride, layers[0].padding
    usual = isinstance(size, int) and size % 2 == 1 and padding == size // 2 and stride in (1, 2)
    return usual and not layers[0].ceil_mode and getattr(layers[0], "dilation", 1) == 1


def _is_norm(layer: nn.Module) -> bool:
    return type(layer) is nn.BatchNorm2d and layer.running_mean is not None and not layer.affine


def _is_convolved(layers: list[nn.Module]) -> bool:
    """Whether it is ReLU, depthwise and 1x1 convolution, normalisation, some times over."""
    fours = [layers[start : start + 4] for start in range(0, len(layers), 4)]
    if not fours or len(fours[-1]) != 4:
        return False
    if not all(isinstance(four[0], nn.ReLU) and _is_norm(four[3]) for four in fours):
        return False
    if not all(_is_depthwise(four[1]) and _is_mixing(four[2]) for four in fours):
        return False
    return all(four[1].stride == (1, 1) for four in fours[1:])


def _is_depthwise(layer: nn.Module) -> bool:
    """Of odd size, padded to keep the size (before its stride), dilated by 2 or not at all."""
    if type(layer) is not nn.Conv2d or not layer.groups == layer.in_channels == layer.out_channels:
        return False
    (size, _), (stride, _), (dilation, _) = layer.kernel_size, layer.stride, layer.dilation
    square = layer.kernel_size == (size, size) and layer.stride == (stride, stride) and size % 2 == 1
    padded = layer.padding == (dilation * (size // 2),) * 2 and layer.padding_mode == "zeros"
    return square and padded and layer.bias is None and stride in (1, 2) and layer.dilation in ((1, 1), (2, 2))


def _is_mixing(layer: nn.Module) -> bool:
    if type(layer) is not nn.Conv2d or layer.in_channels != layer.out_channels:
        return False
    plain = layer.kernel_size == (1, 1) and layer.stride == (1, 1) and layer.padding == (0, 0)
    return plain and layer.groups == 1 and layer.bias is None
