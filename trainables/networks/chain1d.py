"""Networks of the `chain1d` space: convolutions in one dimension for waveforms and time series.

A network is a stem, the layers, a summary of the steps that are left, and a linear layer. The stem is a convolution
whose stride brings a long signal to at most `steps`; shorter signals have none. Layers divide the number of steps by
their stride, rounded up, so that signals of any length work.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.errors import ArchitectureError
from trainables.networks.base import kaiming, number, option, tree_of
from trainables.networks.examples import signals
from trainables.networks.family import Family
from trainables.settings import check_number

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["FAMILY", "Chain1dNetwork", "Gru", "build_chain1d"]

OPERATIONS = ("conv", "depthwise")
SUMMARIES = ("mean", "gru")
_GRU_STEPS = 32
"""The most steps that a recurrent layer sees; more are averaged, since it computes one after the other."""


def build_chain1d(
    architecture: Architecture | Mapping[str, Any],
    *,
    num_classes: int,
    in_channels: int,
    length: int = 8_000,
    sample_rate: int | None = None,
    steps: int = 1_024,
    width: float = 1.0,
    dropout: float = 0.0,
) -> nn.Module:
    """Build the network of one member.

    Args:
        architecture: a member of `chain1d`, or its tree.
        num_classes: number of outputs.
        in_channels: channels of the signals.
        length: steps of the signals, which decide the stride of the stem; others work too.
        sample_rate: not used.
        steps: the most steps behind the stem.
        width: factor of the width of every layer.
        dropout: probability of dropout before the last layer.

    Returns:
        Signals (n, in_channels, length) to (n, num_classes) outputs.

    Raises:
        TrainableError: a setting has a wrong value.
        ArchitectureError: a layer breaks the form; the message gives the path.
    """
    del sample_rate
    check_number("length", length, 1, whole=True)
    check_number("steps", steps, 1, whole=True)
    check_number("width", width, 0, open_low=True)
    check_number("dropout", dropout, 0, 1)
    tree = tree_of(architecture)
    layers = tree.get("layers")
    if not isinstance(layers, list) or not layers:
        raise ArchitectureError("layers", f"{layers!r} is not a list of at least one layer")
    specs = []
    for index, layer in enumerate(layers):
        path = f"layers.{index}"
        operation = option(layer, "operation", OPERATIONS, path)
        kernel, stride = number(layer, "kernel", path, odd=True), number(layer, "stride", path, whole=True)
        specs.append((operation, kernel, stride, max(1, round(width * number(layer, "width", path, whole=True)))))
    summary = option(tree, "summary", SUMMARIES, "")
    return Chain1dNetwork(specs, summary, num_classes, in_channels, length, steps, dropout)


class Chain1dNetwork(nn.Module):
    """Signals (n, in_channels, length) to (n, num_classes) outputs.

    Args:
        layers: operation, kernel, stride and width of each layer.
        summary: "mean" or "gru".
        num_classes: number of outputs.
        in_channels: channels of the signals.
        length: steps of the signals.
        steps: the most steps behind the stem.
        dropout: probability of dropout before the last layer.
    """

    def __init__(
        self,
        layers: list[tuple[str, int, int, int]],
        summary: str,
        num_classes: int,
        in_channels: int,
        length: int,
        steps: int,
        dropout: float,
    ) -> None:
        super().__init__()
        shrink = math.ceil(length / steps)
        now, left = in_channels, length
        blocks: list[nn.Module] = []
        if shrink > 1:
            now, left = layers[0][3], math.ceil(length / shrink)
            blocks.append(_convolution(in_channels, now, 2 * shrink + 1, shrink))
        for operation, kernel, stride, width in layers:
            if operation == "conv":
                blocks.append(_convolution(now, width, kernel, stride))
            else:
                blocks += [_convolution(now, now, kernel, stride, groups=now), _convolution(now, width, 1, 1)]
            now, left = width, math.ceil(left / stride)
        self.layers = nn.Sequential(*blocks)
        self.pool = nn.AvgPool1d(math.ceil(left / _GRU_STEPS), ceil_mode=True) if summary == "gru" else None
        self.recurrent = Gru(now) if summary == "gru" else None
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(now, num_classes)
        kaiming(self)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.layers(x)
        if self.recurrent is None or self.pool is None:
            summary = seen.mean(2)
        else:
            summary = self.recurrent(self.pool(seen))
        outputs: Tensor = self.classifier(self.dropout(summary))
        return outputs


class Gru(nn.Module):
    """Steps (n, width, t) to the last state (n, width) of a gated recurrent unit (Cho et al. 2014, 1406.1078).

    It is written out, so that every format of an export holds it.

    Args:
        width: of the steps and of the state.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.from_step = nn.Linear(width, 3 * width)
        self.from_state = nn.Linear(width, 3 * width)

    def forward(self, x: Tensor) -> Tensor:
        steps = self.from_step(x.transpose(1, 2)).unbind(1)
        state = torch.zeros_like(x[:, :, 0])
        for step in steps:
            reset, update, new = step.chunk(3, 1)
            old_reset, old_update, old = self.from_state(state).chunk(3, 1)
            candidate = torch.tanh(new + torch.sigmoid(reset + old_reset) * old)
            state = candidate + torch.sigmoid(update + old_update) * (state - candidate)
        return state


def _convolution(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Module:
    convolution = nn.Conv1d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm1d(outputs), nn.ReLU())


FAMILY = Family(build_chain1d, signals, undecided=False)
