"""How well the latencies of options tell those of whole networks: PyTorch, onnxruntime and MACs.

    python tests/benchmarks/option_latencies.py [--members 30]

A member's options are added up, as `proxylessnas` does with costs = "latency". Whole members are measured on
onnxruntime with one thread, in one session. Both are at the size of a laptop.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import torch
from scipy.stats import kendalltau

import search_spaces
from search_spaces import Architecture
from trainables import build
from trainables.hardware.device import Device
from trainables.hardware.measuring import measure
from trainables.supernet import relax
from trainables.supernet.costs import Costs, option_latencies, option_macs

SPACES: dict[str, tuple[dict[str, Any], int]] = {
    "nb201": ({"channels": 8, "cells": 1}, 32),
    "proxylessnas": ({}, 32),
    "darts": ({"channels": 8, "layers": 4}, 32),
}
"""The size of the networks, and of their images."""


def total(supernet: Any, costs: Costs, member: Architecture) -> float:
    """The costs of the options of a member, added up; nodes without costs count nothing."""
    found = 0.0
    for name, indices in supernet.taken(member).items():
        if name in costs:
            found += sum(costs[name][index] for index in indices)
    return found


def compared(name: str, count: int) -> None:
    """Print how well options of each kind order the members of a space."""
    settings, side = SPACES[name]
    space, sample = search_spaces.get(name), torch.randn(2, 3, side, side)
    torch.manual_seed(0)
    supernet = relax(build(name, None, **settings), "proxylessnas", space=space, example=sample)
    members = list({one.id: one for one in map(space.sample, range(count))}.values())
    wholes = {one.id: partial(whole, name, one, sample[:1]) for one in members}
    truth = [one.value for one in measure(wholes, Device())]
    for said, costs in (
        ("onnxruntime", option_latencies(supernet, sample, Device())),
        ("torch", option_latencies(supernet, sample, Device("torch"))),
        ("macs", option_macs(supernet, sample)),
    ):
        sums = [total(supernet, costs, one) for one in members]
        tau = kendalltau(sums, truth).statistic
        print(f"{name}: {len(members)} members, options by {said}: tau {tau:.2f}", flush=True)


def whole(name: str, member: Architecture, images: torch.Tensor) -> tuple[torch.nn.Module, torch.Tensor]:
    """The network of a member, with an example."""
    return build(name, member, **SPACES[name][0]), images


def main() -> None:
    """Print a table for each space."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=30)
    parser.add_argument("--space", choices=list(SPACES), nargs="*", default=list(SPACES))
    arguments = parser.parse_args()
    for name in arguments.space:
        compared(name, arguments.members)


if __name__ == "__main__":
    main()
