"""Modules with choices, and a space beside a builder, as users write them in a module of their own."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

import search_spaces.nn as nn
from search_spaces import Space, choice

__all__ = ["Fixed", "Net", "TwoInputs", "built", "halved", "instance", "pair"]


class Net(nn.Module):
    """Four members; what the data decide comes as arguments."""

    def __init__(self, num_classes: int, in_channels: int, hidden: int = 4) -> None:
        super().__init__()
        width = nn.ValueChoice([2, 4], label="width")
        self.stem = nn.Conv2d(in_channels, width, 3, padding=1)
        self.act = nn.LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()})
        self.join = nn.Linear(width, hidden)
        self.head = nn.Linear(hidden, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = self.act(self.stem(images)).amax((2, 3))
        outputs: torch.Tensor = self.head(self.join(seen).relu())
        return outputs


class Fixed(nn.Module):
    """Two members; an argument that no data decide."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.scale = 1.0
        self.look = nn.LayerChoice([nn.Linear(64, hidden), nn.Sequential(nn.Linear(64, hidden), nn.ReLU())])
        self.head = nn.Linear(hidden, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs: torch.Tensor = self.head(self.look(images.flatten(1))) * self.scale
        return outputs


instance = Fixed(3)
halved = partial(Net, hidden=2)


def built(architecture: Any, num_classes: int, in_channels: int) -> torch.nn.Module:
    """A convolution and a head."""
    width = architecture["width"]
    act = torch.nn.ReLU() if architecture["act"] == "relu" else torch.nn.Tanh()
    stem = torch.nn.Conv2d(in_channels, width, 3, padding=1)
    return torch.nn.Sequential(
        stem, act, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(width, num_classes)
    )


pair = (Space({"width": choice(2, 4), "act": choice("relu", "tanh")}), built)


class TwoInputs(nn.Module):
    """A picture (n, 1, 4, 4) and an age (n, 1) to a height (n, 1)."""

    def __init__(self) -> None:
        super().__init__()
        width = nn.ValueChoice([3, 5], label="width")
        self.look = nn.Conv2d(1, width, 3, padding=1)
        self.act = nn.LayerChoice([nn.ReLU(), nn.Tanh()], label="act")
        self.join = nn.Linear(width + 1, 1)

    def forward(self, image: torch.Tensor, age: torch.Tensor) -> torch.Tensor:
        seen = self.act(self.look(image)).mean((2, 3))
        height: torch.Tensor = self.join(torch.cat((seen, age), 1))
        return height
