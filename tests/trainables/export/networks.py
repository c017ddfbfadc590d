"""Small networks of every family, and modules that are hard to write as source."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import search_spaces
import trainables
from trainables.networks import example
from trainables.networks.base import Size

CELLS = {"channels": 4, "layers": 3}
TEXTS: dict[str, Any] = {"vocabulary": 50, "embedding": 8, "hidden": 8}
SETTINGS: dict[str, dict[str, Any]] = {
    "amoebanet": CELLS,
    "chain": {},
    "chain1d": {"length": 40},
    "darts": {**CELLS, "auxiliary": True, "drop_path": 0.2},
    "enas_macro": {"channels": 4},
    "enas_micro": CELLS,
    "ft_transformer": {"num_features": 6},
    "mlp": {},
    "mobilenetv3": {"scale": 0.1, "resize": False},
    "nasnet": {**CELLS, "stem": "imagenet"},
    "nb101": {"channels": 8, "cells": 1},
    "nb201": {"channels": 4, "cells": 1},
    "pnas": CELLS,
    "proxylessnas": {"scale": 0.1},
    "resnet": {"width": 0.05, "squeeze": 0.25},
    "resnet_mlp": {"num_features": 6},
    "spectrogram": {"channels": 2, "cells": 1, "length": 400, "sample_rate": 2_000},
    "transformer_lm": {"scale": 0.03, "vocabulary": 50, "context": 12},
    "unet2d": {"width": 0.25},
    "vit": {"scale": 0.05, "head_width": 4, "patch_size": 3},
}
TASK = {"num_classes": 10, "in_channels": 1, "image_size": 8}


def settings_of(family: str) -> dict[str, Any]:
    return {**SETTINGS, "recurrent": TEXTS, "enas_recurrent": TEXTS}[family]


def member(family: str, seed: int, *, small: bool = True, channels: int = 1, size: Size = 8) -> nn.Module:
    """A random member in float64 whose outputs follow from its inputs: its normalisations have seen some.

    A `small` one of five, for what is deep only repeats itself; the smallest cells behind a spectrogram are empty.
    """
    count = 5 if small and family != "spectrogram" else 1
    some = [search_spaces.get(family).sample(seed + 10 * number) for number in range(count)]
    architecture = min(some, key=lambda one: len(str(one.tree)))
    torch.manual_seed(seed)
    task = {**TASK, "in_channels": channels, "image_size": size}
    network = trainables.build(family, architecture, **task, **settings_of(family)).double()
    calibrate(network, inputs(family, 8, channels=channels, size=size))
    return network


def calibrate(network: nn.Module, batch: Tensor) -> None:
    """Let the normalisations take their statistics from a batch: with those at birth much fades or grows to nothing."""
    of_signals = any(isinstance(one, nn.Conv1d) for one in network.modules())
    kinds = nn.BatchNorm1d | nn.BatchNorm2d if of_signals else nn.BatchNorm2d
    norms = [one for one in network.modules() if isinstance(one, kinds)]
    before = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    with torch.no_grad():
        for _ in range(2):
            network.train()(batch)
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    network.eval()


def inputs(family: str, batch: int, *, channels: int = 1, size: Size = 8) -> Tensor:
    """Different random examples: of texts words, of images normal numbers."""
    like = example(family, batch=batch, in_channels=channels, image_size=size, **settings_of(family))
    generator = torch.Generator().manual_seed(batch)
    if like.is_floating_point():
        return torch.randn(like.shape, generator=generator, dtype=torch.float64)
    return torch.randint(settings_of(family)["vocabulary"], like.shape, generator=generator)


def spread(outputs: Tensor) -> float:
    """How much outputs differ from input to input, as a part of the greatest."""
    return float((outputs.amax(0) - outputs.amin(0)).max() / outputs.abs().max())


class Scaled(nn.Module):
    """Tensors of its own: a parameter, a buffer that is kept, one that is not, and a plain attribute."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width))
        self.register_buffer("shift", torch.rand(width))
        self.register_buffer("signs", torch.tensor([1.0, -1.0] * (width // 2)), persistent=False)
        self.offset = torch.tensor(0.25)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.weight * self.signs + self.shift - (self.offset + 1)


class Deep(nn.Sequential):
    """A container whose layers do not run in order."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in reversed(self):
            x = x + layer(x)
        return x


class Odd(nn.Module):
    """Widths that differ, names of containers, sizes of the batch, factories, and a loop over the sizes of an image."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(OrderedDict([("lift", nn.Linear(6, 4)), ("act", nn.PReLU()), ("scale", Scaled(4))]))
        self.deep = Deep(nn.Linear(4, 4), nn.Tanh(), Scaled(4))
        self.pools = nn.ModuleDict({"2": nn.MaxPool1d(2), "4": nn.AvgPool1d(4)})
        self.unused = nn.Linear(3, 3)
        self.head = nn.Linear(7, 3)

    def forward(self, x: Tensor) -> Tensor:
        seen = self.deep(self.body(x))
        pooled = [pool(seen) for pool in self.pools.values()]
        rows = torch.zeros(len(x), 1, device=x.device) + torch.arange(4)[-1]
        total = sum(column.abs() for column in seen.unbind(1)) / seen.size(1)
        whole = torch.cat([*pooled, rows, total.view(x.shape[0], 1), -seen[..., :2] @ torch.eye(2)], dim=1)
        return functional.dropout(self.head(whole), 0.5, self.training)


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


class Undecided(nn.Module):
    """Goes where its numbers lead it, one level below the root."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 6)
        self.gate = Branching()

    def forward(self, x: Tensor) -> Tensor:
        value: Tensor = self.gate(self.first(x))
        return value
