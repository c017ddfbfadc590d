"""Networks of the spaces `unet2d` and `unet3d`: U-Nets that give each pixel or voxel a class.

A network is a stem, levels that each halve their input, a bottom, and the way back, on which each level doubles its
input by a transposed convolution and joins it with what the way down has kept. The width doubles with each level. With
a stem of stride 2 the last layer doubles once more. Inputs of any size work: inside they are padded with zeros to a
multiple of the product of all strides, and outputs are cut.

With x the input of a level and f_i its blocks, each an operation, a normalisation and a leaky
ReLU:

    plain   f_k(.. f_1(x))
    skip    each block adds its input, through a convolution of side 1 where widths differ (He et al. 2016, 1512.03385)
    dense   each block reads x and the outputs of all blocks before; a last convolution of side 1 reads all of them
            (Huang et al. 2017, 1608.06993)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.catalogue.unet import CONNECTIONS, JOINS, NORMS, OPERATIONS, POOLS, STEM_STRIDES
from search_spaces.errors import ArchitectureError
from trainables.errors import TrainableError
from trainables.networks.base import kaiming, number, option, tree_of
from trainables.networks.dimensions import (
    GROUPS,
    average_pool,
    convolution,
    max_pool,
    normalisation,
    padded_to,
    sides_of,
    upsampled,
)
from trainables.networks.layers import layer
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["Fusion", "Unet", "build_unet", "check_sides", "operation"]

SLOPE = 0.1
"""Of the leaky ReLU. With a plain ReLU, and a stem of stride 2, small networks map a whole class to zeros, where no
gradient brings it back: measured on two sets of volumes, its Dice stayed 0.
"""


def build_unet(
    architecture: Architecture | Mapping[str, Any],
    dimensions: int,
    *,
    num_classes: int,
    in_channels: int,
    image_size: int | Sequence[int],
    width: float,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `unet2d` or `unet3d`, or its tree.
        dimensions: 2 or 3.
        num_classes: number of classes.
        in_channels: channels of the inputs.
        image_size: the sides of the inputs, which are checked for their number; every size works.
        width: factor of the width of every level.

    Returns:
        Inputs (n, in_channels, ...) to logits (n, num_classes, ...); in training with deep supervision a tuple of these
        and of the logits of coarser levels.

    Raises:
        TrainableError: a setting has a wrong value, or the inputs have another number of dimensions.
        ArchitectureError: a decision breaks the form; the message gives the path.
    """
    check_number("width", width, 0, open_low=True)
    check_sides(image_size, dimensions)
    tree = tree_of(architecture)
    levels = tree.get("levels")
    if not isinstance(levels, list) or not levels:
        raise ArchitectureError("levels", f"{levels!r} is not a list of at least one level")
    known = OPERATIONS[dimensions]
    ways = []
    for index, level in enumerate(levels):
        path = f"levels.{index}"
        ways.append(
            (_stage(level, path, known), option(level, "up_op", known, path), option(level, "join", JOINS, path))
        )
    first = number(tree, "width", "", whole=True)
    return Unet(
        dimensions,
        ways,
        _stage(tree.get("bottom"), "bottom", known),
        width=max(GROUPS, round(width * first / GROUPS) * GROUPS),
        stride=option(tree, "stem_stride", STEM_STRIDES, ""),
        norm=option(tree, "norm", NORMS, ""),
        pool=option(tree, "pool", POOLS[dimensions], ""),
        supervises=option(tree, "deep_supervision", (True, False), ""),
        num_classes=num_classes,
        in_channels=in_channels,
    )


def check_sides(image_size: int | Sequence[int], dimensions: int) -> None:
    """Check that inputs have as many dimensions as the networks of a space.

    Args:
        image_size: their sides.
        dimensions: those of the networks.

    Raises:
        TrainableError: they have not; the message names spaces that fit.
    """
    sides = sides_of(image_size)
    if len(sides) != dimensions:
        what = "volumes of three sides" if len(sides) == 3 else "images of two sides"
        other = "unet3d, dints or, to classify whole volumes, chain3d" if len(sides) == 3 else "unet2d"
        raise TrainableError(
            f"the data are {what}, {' x '.join(map(str, sides))}, and these networks take inputs of {dimensions} "
            f"sides; take a space such as {other}"
        )


StageSpec = tuple[str, int, str]
"""Operation, number of blocks, connection."""


def _stage(stage: Any, path: str, operations: Sequence[str]) -> StageSpec:
    if not isinstance(stage, Mapping):
        raise ArchitectureError(path, f"{stage!r} is not a dict with op, blocks and connection")
    connection = option(stage, "connection", CONNECTIONS, path)
    return option(stage, "op", tuple(operations), path), number(stage, "blocks", path, whole=True), connection


class Unet(nn.Module):
    """Inputs (n, in_channels, ...) to logits (n, num_classes, ...) of the same size.

    Args:
        dimensions: 2 or 3.
        levels: for each level its stage on the way down, its operation on the way up, and its join.
        bottom: the stage of the lowest level.
        width: channels of the first level, a multiple of 4.
        stride: of the stem.
        norm: "instance", "batch" or "group".
        pool: one of `unet.POOLS`.
        supervises: whether coarser levels have outputs in training.
        num_classes: number of classes.
        in_channels: channels of the inputs.
    """

    def __init__(
        self,
        dimensions: int,
        levels: Sequence[tuple[StageSpec, str, str]],
        bottom: StageSpec,
        *,
        width: int,
        stride: int,
        norm: str,
        pool: str,
        supervises: bool,
        num_classes: int,
        in_channels: int,
    ) -> None:
        super().__init__()
        self.multiple = stride * 2 ** len(levels)
        self.stem = _block(operation("stem", dimensions, in_channels, width, stride), norm, dimensions, width)
        self.down, self.pools, self.up = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        inputs = width
        for stage, up_operation, join in levels:
            self.down.append(_made_stage(stage, dimensions, inputs, width, norm))
            self.pools.append(_pool(pool, dimensions, width))
            self.up.append(UpStage(dimensions, width, up_operation, join, norm))
            inputs, width = width, 2 * width
        self.bottom = _made_stage(bottom, dimensions, inputs, width, norm)
        first = width // 2 ** len(levels)
        if stride > 1:
            self.head = upsampled(dimensions, first, num_classes, stride, bias=True)
        else:
            self.head = _with_bias(dimensions, first, num_classes)
        widths = [first * 2**index for index in range(1, len(levels) + 1)] if supervises else []
        self.auxiliary = nn.ModuleList(_with_bias(dimensions, one, num_classes) for one in widths)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        sides = x.shape[2:]
        # At the bottom there are two positions at least along each side, which normalisation over positions needs.
        value = self.stem(padded_to(x, self.multiple, 2 * self.multiple))
        kept: list[Tensor] = []
        for stage, pool in zip(self.down, self.pools, strict=True):
            value = stage(value)
            kept.append(value)
            value = pool(value)
        value = self.bottom(value)
        coarse: list[Tensor] = []
        for index in reversed(range(len(kept))):
            coarse.append(value)
            value = self.up[index](value, kept[index])
        logits = _cut(self.head(value), sides)
        if not self.training or not len(self.auxiliary):
            return logits
        found = [head(one) for head, one in zip(reversed(self.auxiliary), coarse, strict=True)]
        return (logits, *found)


class UpStage(nn.Module):
    """Doubles its input, joins it with what the way down has kept, and applies one block.

    Args:
        dimensions: 2 or 3.
        width: channels of the output; the input has twice as many.
        name: the operation.
        join: one of `unet.JOINS`.
        norm: the normalisation.
    """

    def __init__(self, dimensions: int, width: int, name: str, join: str, norm: str) -> None:
        super().__init__()
        self.enlarge = upsampled(dimensions, 2 * width, width)
        self.join = join
        self.gate = AttentionGate(dimensions, width) if join == "attention_gate" else None
        inputs = 2 * width if join in ("concat", "attention_gate") else width
        self.block = _block(operation(name, dimensions, inputs, width), norm, dimensions, width)

    def forward(self, x: Tensor, kept: Tensor) -> Tensor:
        value = self.enlarge(x)
        if self.gate is not None:
            kept = self.gate(kept, value)
        if self.join == "add":
            value = value + kept
        elif self.join != "none":
            value = torch.cat((value, kept), 1)
        found: Tensor = self.block(value)
        return found


class AttentionGate(nn.Module):
    """Weighs each position of a value by how it fits to another one (Oktay et al. 2018, 1804.03999).

    Args:
        dimensions: 2 or 3.
        width: channels of both values.
    """

    def __init__(self, dimensions: int, width: int) -> None:
        super().__init__()
        inner = max(1, width // 2)
        self.of_kept = convolution(dimensions, width, inner, 1)
        self.of_signal = _with_bias(dimensions, width, inner)
        self.weigh = _with_bias(dimensions, inner, 1)

    def forward(self, kept: Tensor, signal: Tensor) -> Tensor:
        weight = torch.sigmoid(self.weigh(torch.relu(self.of_kept(kept) + self.of_signal(signal))))
        return kept * weight


class Plain(nn.Module):
    """Blocks in a row.

    Args:
        name: the operation.
        count: number of blocks.
        dimensions: 2 or 3.
        inputs: channels of the input.
        width: channels of the output.
        norm: the normalisation.
    """

    def __init__(self, name: str, count: int, dimensions: int, inputs: int, width: int, norm: str) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for index in range(count):
            reads = width if index else inputs
            self.blocks.append(_block(operation(name, dimensions, reads, width), norm, dimensions, width))

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


class Skip(Plain):
    """Blocks in a row that each add their input.

    Args:
        name: the operation.
        count: number of blocks.
        dimensions: 2 or 3.
        inputs: channels of the input.
        width: channels of the output.
        norm: the normalisation.
    """

    def __init__(self, name: str, count: int, dimensions: int, inputs: int, width: int, norm: str) -> None:
        super().__init__(name, count, dimensions, inputs, width, norm)
        self.match = nn.Identity() if inputs == width else convolution(dimensions, inputs, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        for index, block in enumerate(self.blocks):
            x = block(x) + (x if index else self.match(x))
        return x


class Dense(nn.Module):
    """Blocks that each read the input and the outputs of all blocks before, and a convolution that reads all of them.

    Args:
        name: the operation.
        count: number of blocks.
        dimensions: 2 or 3.
        inputs: channels of the input.
        width: channels of the output.
        norm: the normalisation.
    """

    def __init__(self, name: str, count: int, dimensions: int, inputs: int, width: int, norm: str) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        for index in range(count):
            reads = inputs + index * width
            self.blocks.append(_block(operation(name, dimensions, reads, width), norm, dimensions, width))
        last = convolution(dimensions, inputs + count * width, width, 1)
        self.last = _block(last, norm, dimensions, width)

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        for block in self.blocks:
            values.append(block(torch.cat(values, 1) if len(values) > 1 else x))
        found: Tensor = self.last(torch.cat(values, 1))
        return found


_STAGES = {"plain": Plain, "skip": Skip, "dense": Dense}


@layer
def _stage_of(connection: str, name: str, count: int, dimensions: int, inputs: int, width: int, norm: str) -> nn.Module:
    return _STAGES[connection](name, count, dimensions, inputs, width, norm)


def _made_stage(stage: StageSpec, dimensions: int, inputs: int, width: int, norm: str) -> nn.Module:
    name, count, connection = stage
    return _stage_of(connection, name, count, dimensions, inputs, width, norm)


def operation(name: str, dimensions: int, inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """Make an operation of these spaces, without normalisation and activation.

    Args:
        name: one of `unet.OPERATIONS`, or "stem" for a convolution of side 3.
        dimensions: 2 or 3.
        inputs: channels of the input.
        outputs: channels of the output.
        stride: of "stem".

    Returns:
        The operation, which keeps the size where the stride is 1.
    """
    if name == "multi_scale_fusion":
        return Fusion(dimensions, inputs, outputs)
    if name == "stem":
        return convolution(dimensions, inputs, outputs, 3, stride)
    kind, _, sides = name.partition("_")
    kernel = tuple(map(int, sides.split("x")))
    if kind == "separable":
        depthwise = convolution(dimensions, inputs, inputs, kernel, groups=inputs)
        return nn.Sequential(depthwise, convolution(dimensions, inputs, outputs, 1))
    if 1 not in kernel:
        return convolution(dimensions, inputs, outputs, kernel)
    along = tuple(3 if side == 1 else 1 for side in kernel)
    return nn.Sequential(
        convolution(dimensions, inputs, outputs, kernel), convolution(dimensions, outputs, outputs, along)
    )


class Fusion(nn.Module):
    """The sum of convolutions of sides 1, 3 and 5.

    Args:
        dimensions: 2 or 3.
        inputs: channels of the input.
        outputs: channels of the output.
    """

    def __init__(self, dimensions: int, inputs: int, outputs: int) -> None:
        super().__init__()
        self.scales = nn.ModuleList(convolution(dimensions, inputs, outputs, side) for side in (1, 3, 5))

    def forward(self, x: Tensor) -> Tensor:
        first, second, third = self.scales
        total: Tensor = first(x) + second(x) + third(x)
        return total


def _block(made: nn.Module, norm: str, dimensions: int, width: int) -> nn.Module:
    return nn.Sequential(made, normalisation(norm, dimensions, width), nn.LeakyReLU(SLOPE))


def _pool(name: str, dimensions: int, width: int) -> nn.Module:
    if name == "conv_stride_2":
        made: nn.Module = (nn.Conv2d if dimensions == 2 else nn.Conv3d)(width, width, 2, 2, bias=False)
        return made
    return (max_pool if name.startswith("max") else average_pool)(dimensions, 2, 2)


def _with_bias(dimensions: int, inputs: int, outputs: int) -> nn.Module:
    """A convolution of side 1 with a bias."""
    made: nn.Module = (nn.Conv2d if dimensions == 2 else nn.Conv3d)(inputs, outputs, 1)
    return made


def _cut(x: Tensor, sides: Sequence[int]) -> Tensor:
    """The first positions along each side."""
    for place, side in enumerate(sides, 2):
        if x.shape[place] != side:
            x = x.narrow(place, 0, side)
    return x
