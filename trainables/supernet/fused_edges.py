"""All edges from one state of a DARTS cell, read from their `LayerChoice`s and computed together.

Options are recognised by their modules, not by their names: pooling with normalisation; identity; ReLU, depthwise and
1x1 convolution and normalisation, once or several times; identity that halves the image; zeros. Any other option runs
as a module.
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
from trainables.supernet.fused_affine import pixel_rows
from trainables.supernet.fused_depthwise import every_other, relu_depthwise
from trainables.supernet.fused_norms import normed, normed_halves, normed_relu_depthwise, normed_sum

__all__ = ["Fan"]


@dataclass(frozen=True, slots=True)
class _Stage:
    """A ReLU, a depthwise and a 1x1 convolution and a normalisation: the modules of every edge."""

    spatial: list[nn.Conv2d]
    mixing: list[nn.Conv2d]
    norms: list[nn.BatchNorm2d]

    @property
    def reach(self) -> tuple[int, int, int]:
        """Size, stride and dilation of the depthwise kernels."""
        conv = self.spatial[0]
        return conv.kernel_size[0], conv.stride[0], conv.dilation[0]

    def kernels(self) -> list[Tensor]:
        """Return the kernels of the depthwise convolutions, (c, 1, size, size) each."""
        return [conv.weight for conv in self.spatial]

    def matrices(self) -> list[Tensor]:
        """Return the kernels of the 1x1 convolutions, (c, c, 1, 1) each."""
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
        """Return the rows (k, m, c) of the edges, from the pixels in even and in odd rows and columns."""
        first = functional.conv2d(functional.relu(even), torch.cat([layer.first.weight for layer in self.layers]))
        second = functional.conv2d(functional.relu(odd), torch.cat([layer.second.weight for layer in self.layers]))
        return normed_halves((first, second), self.norms)

    @property
    def norms(self) -> list[nn.BatchNorm2d]:
        return [layer.norm for layer in self.layers]


Option = list[_Stage] | _Pool | _Halving | nn.Identity | tuple[nn.Module, ...]
"""Convolutions; pooling; skip connections; or modules of an unknown kind, one for every edge."""


class Fan:
    """The edges from one state of a cell to the k nodes after it.

    Args:
        edges: the k choices of an operation.
        options: by index, the options to compute; those that return zeros are left out.
        stride: the stride of the edges, 1 or 2.
    """

    def __init__(self, edges: list[LayerChoice], options: dict[int, Option], stride: int) -> None:
        self.edges, self.stride = edges, stride
        self.passed = {i: option for i, option in options.items() if isinstance(option, _Pool | nn.Identity)}
        self.convolved = {i: option for i, option in options.items() if isinstance(option, list)}
        self.halved = {i: option for i, option in options.items() if isinstance(option, _Halving)}
        self.others = {i: option for i, option in options.items() if isinstance(option, tuple)}
        self.computed = frozenset(options)
        self.norms: list[nn.BatchNorm2d] = []
        for option in options.values():
            if isinstance(option, _Pool | _Halving):
                self.norms += option.norms
        for stages in self.convolved.values():
            for stage in stages:
                self.norms += stage.norms

    @classmethod
    def of(cls, edges: list[LayerChoice]) -> Fan | None:
        """Read the edges from one state.

        Args:
            edges: the choices of an operation, one for each node.

        Returns:
            The edges as a fan; None if their candidates or strides differ, or none can be fused.
        """
        if not edges or len({edge.names for edge in edges}) != 1:
            return None
        options: dict[int, Option] = {}
        for index, column in enumerate(zip(*edges, strict=True)):
            if not all(getattr(candidate, "gives_zeros", False) for candidate in column):
                options[index] = _read(column)
        strides = {_stride(option) for option in options.values()} - {None}
        if len(strides) != 1:
            return None
        return cls(edges, options, strides.pop() or 1)

    @property
    def normalises_by_batch(self) -> bool:
        """Whether all normalisations are in training mode, with equal settings of their running statistics."""
        states = {(norm.training, norm.momentum, norm.track_running_stats) for norm in self.norms}
        return all(training and momentum is not None for training, momentum, _ in states) and len(states) <= 1

    def shape_of(self, x: Tensor) -> tuple[int, int, int, int]:
        """Return the shape of the results of the edges.

        Args:
            x: the state (n, c, h, w).

        Returns:
            (n, c, h / stride, w / stride), rounded up.
        """
        count, channels, height, width = x.shape
        return count, channels, -(-height // self.stride), -(-width // self.stride)

    def add(self, x: Tensor, weights: Tensor, total: Tensor | None) -> Tensor:
        """Add the weighted results of the edges to the rows of the nodes.

        Args:
            x: the state (n, c, h, w).
            weights: the weights (k, options).
            total: the rows (k, m, c) of the nodes; None for zeros.

        Returns:
            The new rows (k, m, c).
        """
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
        """Add identities and poolings to the rows of the nodes: one matrix of weights times one of values."""
        values = [normed(one.layer(x), one.norms) if isinstance(one, _Pool) else x for one in self.passed.values()]
        if total is None:
            count, channels, height, width = self.shape_of(x)
            total = x.new_zeros(1, 1, 1).expand(len(self.edges), count * height * width, channels)
        if not values:
            return total
        flat = torch.stack([value.permute(0, 2, 3, 1) for value in values]).view(len(values), -1)
        chosen = torch.stack([columns[index] for index in self.passed], 1)
        return torch.addmm(total.reshape(len(total), -1), chosen, flat).view_as(total)

    def _run(self, x: Tensor, columns: Sequence[Tensor]) -> Tensor:
        """Return the weighted sum of the modules of an unknown kind, as rows (k, m, c)."""
        sums = []
        for edge in range(len(self.edges)):
            values = [option[edge](x) * columns[index][edge] for index, option in self.others.items()]
            sums.append(pixel_rows(sum(values[1:], values[0])))
        return torch.stack(sums)

    def _convolve(self, x: Tensor, even: Tensor) -> list[list[Tensor]]:
        """Return the input of the last 1x1 convolution, for every kind of convolution and every edge (n, c, h, w).

        Kernels with stride and dilation 2 use the pixels in even rows and columns only, without gaps between them.
        """
        is_even = {index: self.stride == 2 and stages[0].reach[2] == 2 for index, stages in self.convolved.items()}
        found = self._first(x, [index for index in is_even if not is_even[index]], is_even=False)
        found |= self._first(even, [index for index in is_even if is_even[index]], is_even=True)
        images = []
        for index, stages in self.convolved.items():
            values = found[index]
            for stage, following in pairwise(stages):
                dilation = following.reach[2]
                values = normed_relu_depthwise(values, stage.matrices(), stage.norms, following.kernels(), dilation)
            images.append(values)
        return images

    def _first(self, x: Tensor, indices: list[int], *, is_even: bool) -> dict[int, list[Tensor]]:
        """Return the first depthwise convolutions of these options, for every edge; `is_even`: of even pixels only."""
        if not indices:
            return {}
        kernels: list[Tensor] = []
        dilations: list[int] = []
        for index in indices:
            stage = self.convolved[index][0]
            kernels += stage.kernels()
            dilations += [1 if is_even else stage.reach[2]] * len(self.edges)
        stride = 1 if is_even else self.stride
        images, edges = relu_depthwise(x, kernels, stride, dilations), len(self.edges)
        return {index: images[place * edges : (place + 1) * edges] for place, index in enumerate(indices)}


def _read(column: tuple[Any, ...]) -> Option:
    """Return one option of all edges; the modules themselves if they are of an unknown kind, or differ."""
    if all(type(candidate) is nn.Identity for candidate in column):
        return nn.Identity()
    layers: list[list[Any]] = [list(part) if type(part) is nn.Sequential else [] for part in column]
    if len({tuple(map(_signature, row)) for row in layers}) != 1:
        return column
    first = layers[0]
    if len(first) == 1 and isinstance(first[0], FactorizedReduction) and _is_norm(first[0].norm):
        return _Halving([row[0] for row in layers])
    if _is_pool(first):
        return _Pool(first[0], [row[1] for row in layers])
    if not _is_convolved(first):
        return column
    stages = []
    for start in range(0, len(first), 4):
        spatial, mixing, norms = ([row[start + place] for row in layers] for place in (1, 2, 3))
        stages.append(_Stage(spatial, mixing, norms))
    return stages


def _stride(option: Option) -> int | None:
    """Return the stride of an option; None if it has no attribute for it."""
    if isinstance(option, _Pool):
        return cast(int, option.layer.stride)
    return option[0].reach[1] if isinstance(option, list) else None


def _signature(layer: nn.Module) -> tuple[object, ...]:
    """Return the settings of a layer that must be equal on every edge."""
    unseen = tuple(getattr(layer, name, None) for name in ("ceil_mode", "count_include_pad", "divisor_override"))
    return type(layer), layer.extra_repr(), unseen


def _is_pool(layers: list[nn.Module]) -> bool:
    """Return whether these are a pooling that keeps the size (before its stride), and a normalisation."""
    if len(layers) != 2 or not isinstance(layers[0], nn.MaxPool2d | nn.AvgPool2d) or not _is_norm(layers[1]):
        return False
    size, stride, padding = layers[0].kernel_size, layers[0].stride, layers[0].padding
    usual = isinstance(size, int) and size % 2 == 1 and padding == size // 2 and stride in (1, 2)
    return usual and not layers[0].ceil_mode and getattr(layers[0], "dilation", 1) == 1


def _is_norm(layer: nn.Module) -> bool:
    return type(layer) is nn.BatchNorm2d and layer.running_mean is not None and not layer.affine


def _is_convolved(layers: list[nn.Module]) -> bool:
    """Return whether these are ReLU, depthwise and 1x1 convolution and normalisation, once or several times."""
    fours = [layers[start : start + 4] for start in range(0, len(layers), 4)]
    if not fours or len(fours[-1]) != 4:
        return False
    if not all(isinstance(four[0], nn.ReLU) and _is_norm(four[3]) for four in fours):
        return False
    if not all(_is_depthwise(four[1]) and _is_mixing(four[2]) for four in fours):
        return False
    return all(four[1].stride == (1, 1) for four in fours[1:])


def _is_depthwise(layer: nn.Module) -> bool:
    """Return whether this is a depthwise convolution of odd size and dilation 1 or 2, padded to keep the image size."""
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
