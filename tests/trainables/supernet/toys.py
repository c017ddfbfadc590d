"""Small modules with choices, made for the tests of supernets."""

from __future__ import annotations

import torch

import search_spaces.nn as nn

SOFT = ("darts", "drnas", "fairdarts", "gdas", "pcdarts", "pdarts", "snas")
"""The methods whose architecture parameters learn by the gradient of a mix."""


class Scale(nn.Module):
    """Multiplies by a number."""

    def __init__(self, factor):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(float(factor)))

    def forward(self, x):
        return x * self.factor


class Nothing(nn.Module):
    gives_zeros = True

    def forward(self, x):
        raise AssertionError("zeros need not be computed")


class Two(nn.Module):
    """Two layers of choices: 1 to 3 times, and one or two of two inputs."""

    def __init__(self):
        super().__init__()
        self.first = nn.LayerChoice([Scale(1), Scale(2), Scale(3)])
        self.last = nn.InputChoice(2, 1)

    def forward(self, x):
        return self.last([x, self.first(x)])


class Nested(nn.Module):
    """A candidate that chooses itself, tied by a label to a choice outside of it."""

    def __init__(self):
        super().__init__()
        inner = nn.LayerChoice({"one": Scale(1), "ten": Scale(10)}, label="tied")
        self.outer = nn.LayerChoice({"plain": Scale(100), "inner": inner})
        self.last = nn.LayerChoice({"one": Scale(1), "ten": Scale(10)}, label="tied")

    def forward(self, x):
        return self.last(self.outer(x))


def set_alphas(supernet, **vectors):
    """Say what the vectors of decisions are; `__` in a name stands for a dot."""
    with torch.no_grad():
        for name, values in vectors.items():
            supernet.method.alpha(name.replace("__", ".")).copy_(torch.tensor(values))


class Edges(nn.Module):
    """Images (n, 1, 8, 8) to logits, through `count` choices between a linear layer and none."""

    def __init__(self, count, num_classes, noisy=""):
        super().__init__()
        self.first = nn.Linear(64, 16)
        self.norm = torch.nn.BatchNorm1d(16)
        self.edges = nn.ModuleList(
            nn.LayerChoice(
                {
                    "skip_connect": Noise() if noisy == "skip_connect" else nn.Identity(),
                    "linear": Noise() if noisy == "linear" else Learns(),
                },
                label=f"edge_{i}",
            )
            for i in range(count)
        )
        self.last = nn.Linear(16, num_classes)

    def forward(self, x):
        x = torch.relu(self.norm(self.first(x.flatten(1))))
        for edge in self.edges:
            x = edge(x)
        return self.last(x)


class Learns(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, x):
        return torch.relu(self.linear(x))


class Noise(nn.Module):
    """An operation that nobody would want."""

    def forward(self, x):
        return 10 * torch.randn_like(x)


def build_edges(architecture, *, num_classes, count=4, noisy="", layers=0):
    """A builder as `trainables.networks` knows them; `layers` are further choices, `noisy` what is of no use."""
    undecided = Edges(count + layers, num_classes, noisy)
    return undecided if architecture is None else nn.freeze(undecided, architecture)


def images(batch, settings):
    return torch.rand(batch, 1, 8, 8)
