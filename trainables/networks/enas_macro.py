"""The networks of the macro space of ENAS (Pham et al. 2018, arXiv 1802.03268).

A network is a 3x3 stem, the layers, global average and a linear layer without bias. A convolution is ReLU, convolution,
batch normalisation. A layer applies a 1x1 convolution and its operation (a separable one is depthwise, then 1x1). Every
layer but the first then concatenates the outputs of its skip connections to its own, and reduces the result to its
channels by a 1x1 convolution.

After a third and after two thirds of the layers, a factorised reduction of each output that is still in use halves the
image, rounded up, and doubles the channels. It consists of two 1x1 convolutions of stride 2 with half the channels
each, one of them shifted by a pixel. (The authors' code also reduces outputs that no later layer uses.)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.catalogue.enas_macro import OPERATIONS, skip_candidates
from search_spaces.errors import ArchitectureError
from trainables.networks.base import GlobalAverage, Size, conv_bn, halved, kaiming, option, tree_of
from trainables.networks.examples import images
from trainables.networks.family import Family
from trainables.networks.layers import layer
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "ENASMacroNetwork", "EnasReduction", "Layer", "build_enas_macro"]

LayerSpec = tuple[str, tuple[int, ...]]
"""An operation, and the outputs that its skip connections read: 0 is that of the stem, i that of layer i - 1."""


def build_enas_macro(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    image_size: Size,
    channels: int = 36,
) -> nn.Module:
    """Build the network of an architecture of any depth.

    Args:
        architecture: a member of `enas_macro`, or its tree.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: not used; images of every size work.
        channels: channels of the first third of the layers.

    Returns:
        Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Raises:
        TrainableError: `channels` is not a whole number above 0.
        ArchitectureError: a layer breaks the form; the message gives the path.
    """
    del image_size  # every size works: nothing shrinks below one pixel
    check_number("channels", channels, 1, whole=True)
    layers = tree_of(architecture).get("layers")
    if not isinstance(layers, list) or not layers:
        raise ArchitectureError("layers", f"{layers!r} is not a list of at least one layer")
    specs = [_read_layer(layer, index) for index, layer in enumerate(layers)]
    return ENASMacroNetwork(specs, num_classes, in_channels, channels)


def _read_layer(layer: Any, index: int) -> LayerSpec:
    path = f"layers.{index}"
    if not isinstance(layer, dict):
        raise ArchitectureError(path, f"{layer!r} is not a layer; it is a dict of 'op' and 'skips'")
    operation = option(layer, "op", OPERATIONS, path)
    skips, candidates = layer.get("skips", []), skip_candidates(index)
    if not isinstance(skips, list) or len({*map(str, skips)}) != len(skips):
        raise ArchitectureError(f"{path}.skips", f"{skips!r} is not a list of different outputs")
    for skip in skips:
        if skip not in candidates:
            allowed = ", ".join(candidates) or "none, for the first layer"
            raise ArchitectureError(f"{path}.skips", f"{skip!r} does not come before its input; allowed: {allowed}")
    return operation, tuple(place for place, name in enumerate(candidates) if name in skips)


class EnasReduction(nn.Module):
    """(n, inputs, h, w) to (n, outputs, h / 2, w / 2), rounded up.

    Args:
        inputs: channels of the input.
        outputs: channels of the output, an even number.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.even = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.odd = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.norm(halved(x, self.even, self.odd))
        return value


def _convolution(inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
    return [nn.ReLU(), *conv_bn(inputs, outputs, kernel)]


def _operation(name: str, channels: int) -> list[nn.Module]:
    kernel = 5 if name.endswith("5x5") else 3
    if name.startswith("conv"):
        return _convolution(channels, channels, kernel)
    if name.startswith("sep"):
        depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels, bias=False)
        return [nn.ReLU(), depthwise, *conv_bn(channels, channels, 1)]
    return [nn.MaxPool2d(3, 1, 1) if name.startswith("max") else nn.AvgPool2d(3, 1, 1, count_include_pad=False)]


@layer
def _operate(name: str, channels: int) -> nn.Module:
    return nn.Sequential(*_convolution(channels, channels, 1), *_operation(name, channels))


@layer
def _join(stacked: int, channels: int) -> nn.Module:
    return nn.Sequential(*_convolution(stacked, channels, 1))


_reduce = layer(EnasReduction)


class Layer(nn.Module):
    """A layer of ENAS: from the list of all outputs before it to its own (n, channels, h, w).

    Args:
        spec: the operation, and the outputs that are concatenated to its own.
        channels: channels of all outputs.
        first: whether this is the first layer, which concatenates nothing.
    """

    def __init__(self, spec: LayerSpec, channels: int, *, first: bool) -> None:
        super().__init__()
        operation, self.skips = spec
        self.operation = _operate(operation, channels)
        self.join = nn.Identity() if first else _join((1 + len(self.skips)) * channels, channels)

    def forward(self, outputs: list[Tensor | None]) -> Tensor:
        skipped = [outputs[skip] for skip in self.skips]
        value: Tensor = self.join(torch.cat([*skipped, self.operation(outputs[-1])], 1))  # type: ignore[list-item]
        return value


class Reduction(nn.ModuleDict):
    """A factorised reduction for each earlier output that is used later; the others become None.

    Args:
        used: indices of the outputs that are used later.
        channels: channels of all outputs, which the reduction doubles.
    """

    def __init__(self, used: set[int], channels: int) -> None:
        super().__init__({str(place): _reduce(channels, 2 * channels) for place in sorted(used)})

    def forward(self, outputs: list[Tensor | None]) -> list[Tensor | None]:
        return [self[str(place)](value) if str(place) in self else None for place, value in enumerate(outputs)]


class ENASMacroNetwork(nn.Module):
    """Images (n, in_channels, h, w) of any size to (n, num_classes) logits.

    Args:
        layers: operation and skips of each layer.
        num_classes: number of logits.
        in_channels: channels of the images.
        channels: channels of the first third of the layers.
    """

    def __init__(self, layers: list[LayerSpec], num_classes: int, in_channels: int, channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv_bn(in_channels, channels, 3))
        self.layers = nn.ModuleList()
        self.reductions = nn.ModuleDict()
        third = len(layers) // 3
        for index, spec in enumerate(layers):
            self.layers.append(Layer(spec, channels, first=index == 0))
            if index + 1 in (third, 2 * third):
                self.reductions[str(index)] = Reduction(_used_after(layers, index), channels)
                channels *= 2
        self.last = GlobalAverage()
        self.classifier = nn.Linear(channels, num_classes, bias=False)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        outputs: list[Tensor | None] = [self.stem(x)]
        for index, part in enumerate(self.layers):
            outputs.append(part(outputs))
            if str(index) in self.reductions:
                outputs = self.reductions[str(index)](outputs)
        logits: Tensor = self.classifier(self.last(outputs[-1]))
        return logits


def _used_after(layers: list[LayerSpec], index: int) -> set[int]:
    """Collect the outputs up to that of layer `index` that later layers read: the last one, and those of skips."""
    used = {index + 1}
    for _, skips in layers[index + 1 :]:
        used.update(skip for skip in skips if skip <= index)
    return used


FAMILY = Family(build_enas_macro, images, undecided=False)
