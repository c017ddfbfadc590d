"""Structured pruning: whole channels are removed, so that the network is smaller and faster in every engine.

`torch-pruning` (DepGraph, Fang et al. 2023, 2301.12900) finds the groups of layers whose channels depend on each other:
the two sides of a sum need equally many channels, and a concatenation shifts the channels that follow. The same
share of channels is removed from each group: those with the smallest norm of weights.

The number of channels that are left is rounded to the nearest multiple of 16, or of 8 if it is below 16. Engines
compute blocks of these sizes: 11 or 24 channels take longer than 16 or 32. Channels that are split into heads, such as
queries, keys and values, are not pruned, because the forward depends on their number.
"""

from __future__ import annotations

import copy
import importlib.util
import math
import warnings
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from trainables.compression.tracing import DependentZeros, computed, output_layers, split_layers, takes_parts
from trainables.errors import TrainableError, first_line
from trainables.export.resizing import changed_sizes
from trainables.training.batches import Batch

__all__ = ["check_package", "pruned_channels"]


def check_package() -> None:
    """Check that torch-pruning is installed, before any work is done.

    Raises:
        TrainableError: it is not.
    """
    if importlib.util.find_spec("torch_pruning") is None:
        raise TrainableError(
            "method structured needs torch-pruning, not installed here: pip install 'nas-tune[compress]'; "
            "or take the method magnitude"
        )


def pruned_channels(network: nn.Module, inputs: Batch, share: float) -> nn.Module:
    """Remove channels from the layers of a copy of a network.

    The channels of inputs and outputs stay. As most layers lose channels on both sides, about (1 - share)^2 of the
    weights are left.

    Args:
        network: a network on the CPU, in evaluation mode; it is not changed.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.
        share: about which share of channels to remove, above 0 and below 1.

    Returns:
        The pruned copy.

    Raises:
        TrainableError: torch-pruning is missing, or the network cannot be pruned so.
    """
    check_package()
    smaller = copy.deepcopy(network)
    try:
        outputs, groups = _prune(smaller, inputs, share)
        shapes = [one.shape for one in outputs]
        left = [one.shape for one in computed(smaller, inputs)[0]]
    except Exception as error:
        # Within torch-pruning, or after a wrong removal, a network may raise any exception.
        why = _PARTIAL if takes_parts(network, inputs) else first_line(error)
        raise TrainableError(f"{_refused(network)}: {why}; {_ELSE}") from error
    if not groups:
        raise TrainableError(f"{_refused(network)}: {_NO_LAYER}; quantize it, or {_ELSE}")
    if changed_sizes(network, smaller) == {}:
        raise TrainableError(
            f"prune is {share:g}, and no layer of this {type(network).__name__} loses channels: they go by blocks of "
            f"{_BLOCKS[0]} and {_BLOCKS[1]}, and one of each group of a convolution stays; prune more, or {_ELSE}"
        )
    for now, before in zip(left, shapes, strict=True):
        if now != before:
            raise TrainableError(
                f"{_refused(network)}: the shape of an output changed from {tuple(before)} to {tuple(now)}; {_ELSE}"
            )
    return smaller


_BLOCKS = (16, 8)
_ROOTS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.Linear, nn.LSTM)
_PARTIAL = (
    "one of its layers takes a part of another's channels (in a cell of nb101, whose vertices do not share the "
    "channels evenly), which it does not follow"
)
_NO_LAYER = (
    "none of its convolutions and linear layers can lose any (those of the outputs stay, and weights outside of "
    "layers, as those of recurrent cells, are not followed)"
)
_ELSE = "take the method magnitude, which leaves its layers as they are"


def _prune(network: nn.Module, inputs: Batch, share: float) -> tuple[list[Tensor], int]:
    """Prune a network in place; return its former outputs, and the number of groups that may lose channels."""
    import torch_pruning

    outputs, made = computed(network, inputs)
    kept = split_layers(network, inputs)
    for head in output_layers(outputs, made):
        kept += head.modules()
    with warnings.catch_warnings(), DependentZeros(), torch.enable_grad():
        warnings.simplefilter("ignore")  # about weights outside of layers, which it prunes by their last dimension
        graph = torch_pruning.DependencyGraph().build_dependency(network, inputs, forward_fn=_values_of)
        rate = torch_pruning.importance.GroupMagnitudeImportance(p=2)
        groups = list(graph.get_all_groups(ignored_layers=kept, root_module_types=_ROOTS))
        gone = [(one[0].dep, _least(graph, one, rate(one), share)) for one in groups]
    for root, places in gone:
        smaller = graph.get_pruning_group(root.target.module, root.handler, places)
        if places and not any(_counted(graph, one) <= len(one.idxs) for one in smaller):
            smaller.prune()
    for parameter in network.parameters():
        parameter.grad = None
    return outputs, len(gone)


def _least(graph: Any, coupled: Any, importance: Tensor, share: float) -> list[int]:
    """Return the channels to remove from a group of coupled layers, by their places in its first layer.

    A grouped convolution loses equally many channels in each of its groups. No layer loses its last channel; the
    channels that are kept for this do not depend on `share`, so that a greater share never leaves more channels.
    """
    parts = max(_parts(graph, one.dep) for one in coupled)
    size = len(importance) // parts
    rated = importance.view(parts, size).mean(0)
    kept = {max(places, key=lambda place: float(rated[place])) for places in _whole_layers(graph, coupled, size)}
    order = [int(place) for place in torch.argsort(rated, stable=True) if int(place) not in kept]
    left = max(1, math.ceil(_left(len(importance), share) / parts - 0.5))
    removed = sorted(order[: max(0, size - left)])
    return [part * size + place for part in range(parts) for place in removed]


def _parts(graph: Any, dependency: Any) -> int:
    """Return the number of groups into which a layer divides these channels; 1 for a depthwise convolution."""
    layer = dependency.target.module
    is_depthwise = getattr(layer, "groups", 1) == getattr(layer, "out_channels", 0)
    if is_depthwise or not isinstance(layer, nn.Module):
        return 1
    gives, pruner = graph.is_out_channel_pruning_fn(dependency.handler), graph.get_pruner_of_module(layer)
    return int((pruner.get_out_channel_groups if gives else pruner.get_in_channel_groups)(layer))


def _whole_layers(graph: Any, coupled: Any, size: int) -> Iterator[list[int]]:
    """Yield, for each layer whose channels are all in the group, their places."""
    for one in coupled:
        if len(one.idxs) >= _counted(graph, one):
            yield [root % size for root in one.root_idxs]


def _counted(graph: Any, one: Any) -> float:
    """Return the number of output or input channels of a layer in a group; infinity for sums and outputs, no layers."""
    layer = one.dep.target.module
    if type(layer).__module__.startswith("torch_pruning"):
        return math.inf
    gives = graph.is_out_channel_pruning_fn(one.dep.handler)
    count = (graph.get_out_channels if gives else graph.get_in_channels)(layer)
    return math.inf if count is None else int(count)


def _left(count: int, share: float) -> int:
    """Return how many of `count` channels are left: the nearest multiple of the block size."""
    wanted = count * (1 - share)
    block = next((size for size in _BLOCKS if wanted >= size), 1)
    return max(1, math.ceil(wanted / block - 0.5) * block)  # of two multiples at equal distance, the smaller one


def _values_of(network: nn.Module, inputs: Batch) -> list[Tensor]:
    """Return the outputs and the values of all layers, from which every layer can be reached, even an unused one."""
    outputs, made = computed(network, inputs)
    return [*outputs, *(value for _, value in made)]


def _refused(network: nn.Module) -> str:
    return f"torch-pruning cannot remove channels of this {type(network).__name__}"
