"""Pruning by the name of its method, and the fine-tuning after it, which keeps pruned weights at zero."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import nullcontext

import torch
from torch import nn

from trainables.compression.magnitude import held_zeros, pruned_weights
from trainables.compression.structured import pruned_channels
from trainables.compression.tuning import Tuning
from trainables.training.batches import Batch

__all__ = ["PRUNING_METHODS", "pruned", "tuned"]

PRUNING_METHODS = ("structured", "magnitude")


def pruned(network: nn.Module, inputs: Batch, share: float, method: str) -> nn.Module:
    """Prune a copy of a network; the result is the same each time.

    Args:
        network: a network on the CPU; it is not changed.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.
        share: the share of channels or weights to prune, above 0 and below 1.
        method: one of `PRUNING_METHODS`.

    Returns:
        The pruned copy, in evaluation mode.

    Raises:
        TrainableError: the method cannot prune this network.
    """
    prune = pruned_channels if method == "structured" else pruned_weights
    plain = copy.deepcopy(network).to(memory_format=torch.contiguous_format).eval()
    return prune(plain, inputs, share)


def tuned(network: nn.Module, tuning: Tuning, method: str, *, seed: int, epochs: int) -> Iterator[Mapping[str, float]]:
    """Train a pruned network in place; weights that magnitude pruning has set to zero stay zero.

    Args:
        network: a network by `pruned`.
        tuning: trains it.
        method: the method by which it was pruned.
        seed: the seed of the training.
        epochs: the number of epochs.

    Yields:
        The metrics of each epoch, on the training data.
    """
    with held_zeros(network) if method == "magnitude" else nullcontext():
        yield from tuning.train(network, seed=seed, epochs=epochs)
    network.eval()
