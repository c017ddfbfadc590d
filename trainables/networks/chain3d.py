"""Networks of the `chain3d` space: layers for volumes, the mean over all voxels, and a linear layer.

A stem whose stride brings the longest side to at most `side` voxels stands before larger volumes. Pooling and strides
round sizes up, so that volumes of any size work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.errors import ArchitectureError
from trainables.networks.base import GlobalAverage, kaiming, number, option, tree_of
from trainables.networks.dimensions import average_pool, batch_norm, convolution, max_pool
from trainables.networks.examples import volumes
from trainables.networks.family import Family
from trainables.networks.unet import Fusion, check_sides
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "Chain3dNetwork", "Gate", "build_chain3d"]

OPERATIONS = ("conv", "pool", "attention_gate", "fusion")
POOLS = ("max", "average")


def build_chain3d(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: int | Sequence[int] = (32, 32, 32),
    width: float = 1.0,
    side: int = 32,
    dropout: float = 0.0,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `chain3d`, or its tree.
        num_classes: number of outputs.
        in_channels: channels of the volumes.
        image_size: their three sides, which decide the stride of the stem; others work too.
        width: factor of the channels of every layer.
        side: the longest side behind the stem.
        dropout: probability of dropout before the last layer.

    Returns:
        Volumes (n, in_channels, d, h, w) to (n, num_classes) outputs.

    Raises:
        TrainableError: a setting has a wrong value, or the inputs are no volumes.
        ArchitectureError: a layer breaks the form; the message gives the path.
    """
    check_number("width", width, 0, open_low=True)
    check_number("side", side, 1, whole=True)
    check_number("dropout", dropout, 0, 1)
    check_sides(image_size, 3)
    layers = tree_of(architecture).get("layers")
    if not isinstance(layers, list) or not layers:
        raise ArchitectureError("layers", f"{layers!r} is not a list of at least one layer")
    sides = image_size if not isinstance(image_size, int) else (image_size,)
    return Chain3dNetwork(
        [_read(layer, f"layers.{index}", width) for index, layer in enumerate(layers)],
        num_classes,
        in_channels,
        stride=math.ceil(max(sides) / side),
        dropout=dropout,
    )


LayerSpec = tuple[str, int, int, int]
"""Operation (a pooling by its kind), kernel, channels and stride; 0 where it has none."""


def _read(layer: Any, path: str, width: float) -> LayerSpec:
    decided = layer.get("op") if isinstance(layer, Mapping) else None
    if isinstance(decided, str):
        decided = {decided: {}}
    if not isinstance(decided, Mapping) or len(decided) != 1:
        raise ArchitectureError(f"{path}.op", f"{decided!r} is not one of {', '.join(OPERATIONS)} with its decisions")
    ((name, details),) = decided.items()
    where = f"{path}.op.{name}"
    if name == "conv":
        channels = max(1, round(width * number(details, "channels", where, whole=True)))
        kernel, stride = number(details, "kernel", where, odd=True), number(details, "stride", where, whole=True)
        return name, kernel, channels, stride
    if name == "fusion":
        return name, 0, max(1, round(width * number(details, "channels", where, whole=True))), 1
    if name == "pool":
        return option(details, "kind", POOLS, where), 0, 0, 2
    return option({"op": name}, "op", OPERATIONS, path), 0, 0, 1


class Chain3dNetwork(nn.Module):
    """Volumes (n, in_channels, d, h, w) to (n, num_classes) outputs.

    Args:
        layers: operation, kernel, channels and stride of each layer.
        num_classes: number of outputs.
        in_channels: channels of the volumes.
        stride: of the stem; 1 for none.
        dropout: probability of dropout before the last layer.
    """

    def __init__(
        self, layers: Sequence[LayerSpec], num_classes: int, in_channels: int, *, stride: int, dropout: float
    ) -> None:
        super().__init__()
        now = in_channels
        blocks: list[nn.Module] = []
        if stride > 1:
            now = next((channels for _, _, channels, _ in layers if channels), in_channels)
            blocks.append(_normalised(convolution(3, in_channels, now, 2 * (stride // 2) + 3, stride), now))
        for name, kernel, channels, step in layers:
            if name == "conv":
                blocks.append(_normalised(convolution(3, now, channels, kernel, step), channels))
            elif name == "fusion":
                blocks.append(_normalised(Fusion(3, now, channels), channels))
            elif name == "attention_gate":
                blocks.append(Gate(now))
            else:
                blocks.append((max_pool if name == "max" else average_pool)(3, 2, 2))
            now = channels or now
        self.layers = nn.Sequential(*blocks)
        self.pool = GlobalAverage()
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(now, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        outputs: Tensor = self.classifier(self.dropout(self.pool(self.layers(x))))
        return outputs


class Gate(nn.Module):
    """Weighs each voxel by a number between 0 and 1 that follows from its channels.

    Args:
        channels: of the input and the output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 2)
        self.inner, self.weigh = nn.Conv3d(channels, inner, 1), nn.Conv3d(inner, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.weigh(torch.relu(self.inner(x))))


def _normalised(made: nn.Module, channels: int) -> nn.Module:
    return nn.Sequential(made, batch_norm(3, channels), nn.ReLU())


FAMILY = Family(build_chain3d, volumes, undecided=False)
