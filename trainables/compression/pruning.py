"""Pruning by name of its method, and the training after it, which keeps what was pruned away."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from trainables.compression.magnitude import held_zeros, pruned_weights
from trainables.compression.structured import pruned_channels
from trainables.compression.tuning import Tuning

__all__ = ["METHODS", "pruned", "tuned"]

METHODS = ("structured", "magnitude")


def pruned(network: nn.Module, inputs: Tensor, share: float, method: str) -> nn.Module:
    """A pruned copy of `network`, which is on the CPU; the same one every time.

    Raises:
        TrainableError: the method cannot prune this network.
    """
    prune = pruned_channels if method == "structured" else pruned_weights
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    return prune(plain, inputs, share)


def tuned(network: nn.Module, tuning: Tuning, method: str, *, seed: int, epochs: int) -> Iterator[Mapping[str, float]]:
    """Train a pruned network in place, an epoch an item; of one pruned by magnitude the zeros stay."""
    with held_zeros(network) if method == "magnitude" else nullcontext():
        yield from tuning.train(network, seed=seed, epochs=epochs)
    network.eval()
