"""Structured pruning: whole channels go, so that the network that is left is smaller and faster as it is.

Which channels of which layers belong together (a sum needs as many on both sides, a concatenation shifts those that
come later) is found by `torch-pruning` (DepGraph, Fang et al. 2023, 2301.12900), and so is which to remove: of each
group of layers the channels whose weights have the smallest norm, the same share of every group. Where 16 or more
channels are left, their number is brought to the nearest multiple of 16, and of 8 where 8 or more are: engines compute
blocks of so many, and 11 or 24 channels take them longer than 16 or 32. Channels that are split into heads, as those of
queries, keys and values, stay: a forward counts on their number.
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

from trainables.compression.tracing import DependentZeros, computed, heads, split_layers, takes_parts
from trainables.errors import TrainableError, first_line
from trainables.export.resizing import changed_sizes

__all__ = ["check_package", "pruned_channels"]


def check_package() -> None:
    """Refuse (`TrainableError`) where torch-pruning is missing, before any work is done."""
    if importlib.util.find_spec("torch_pruning") is None:
        raise TrainableError(
            "method structured needs torch-pruning, not installed here: pip install 'nas-tune[compress]'; "
            "or take the method magnitude"
        )


def pruned_channels(network: nn.Module, inputs: Tensor, share: float) -> nn.Module:
    """A copy of `network`, on the CPU in evaluation mode, with about `share` of the channels of its layers removed.

    Those of the inputs and of the outputs stay. As channels go on both sides of most layers, about (1 - share)^2 of
    the weights are left.

    Raises:
        TrainableError: the network cannot be pruned so.
    """
    check_package()
    smaller = copy.deepcopy(network)
    try:
        outputs, groups = _prune(smaller, inputs, share)
        shapes = [one.shape for one in outputs]
        left = [one.shape for one in computed(smaller, inputs)[0]]
    except Exception as error:
        # What a network raises within torch-pruning, or where its surgery missed a layer, is of any kind.
        why = _PARTIAL if takes_parts(network, inputs) else first_line(error)
        raise TrainableError(f"{_refused(network)}: {why}; {_ELSE}") from error
    if not groups:
        raise TrainableError(f"{_refused(network)}: {_NO_LAYER}; quantize it, or {_ELSE}")
    if changed_sizes(network, smaller) == {}:
        raise TrainableError(
            f"prune is {share:g}, and no layer of this {type(network).__name__} loses channels: they go by blocks of "
            f"{_BLOCKS[0]} and {_BLOCKS[1]}, and one of each group of a convolution stays; prune more, or {_ELSE}"
        )
    if left != shapes:
        raise TrainableError(f"{_refused(network)}: its outputs became {left[0]} of {shapes[0]}; {_ELSE}")
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


def _prune(network: nn.Module, inputs: Tensor, share: float) -> tuple[list[Tensor], int]:
    """Prune in place; gives the outputs that it had, and of how many groups of layers channels may go."""
    import torch_pruning

    outputs, made = computed(network, inputs)
    kept = [part for head in heads(outputs, made) for part in head.modules()] + split_layers(network, inputs)
    with warnings.catch_warnings(), DependentZeros(), torch.enable_grad():
        warnings.simplefilter("ignore")  # of weights outside of layers, which it takes by their last dimension
        graph = torch_pruning.DependencyGraph().build_dependency(network, inputs, forward_fn=_followed)
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
    """The channels of a group of coupled layers that go, by their places in its first layer.

    A convolution in groups loses as many channels in each of them, and no layer loses its last one: which channels are
    kept for that does not depend on `share`, so that a greater share never leaves more.
    """
    parts = max(_parts(graph, one.dep) for one in coupled)
    size = len(importance) // parts
    rated = importance.view(parts, size).mean(0)
    kept = {max(places, key=lambda place: float(rated[place])) for places in _whole_layers(graph, coupled, size)}
    order = [int(place) for place in torch.argsort(rated, stable=True) if int(place) not in kept]
    left = max(1, math.ceil(_left(len(importance), share) / parts - 0.5))
    return [part * size + place for part in range(parts) for place in sorted(order[: max(0, size - left)])]


def _parts(graph: Any, dependency: Any) -> int:
    """In how many groups of its own a layer takes or gives the channels; 1 of one in which each is by itself."""
    layer = dependency.target.module
    by_itself = getattr(layer, "groups", 1) == getattr(layer, "out_channels", 0)
    if by_itself or not isinstance(layer, nn.Module):
        return 1
    gives, pruner = graph.is_out_channel_pruning_fn(dependency.handler), graph.get_pruner_of_module(layer)
    return int((pruner.get_out_channel_groups if gives else pruner.get_in_channel_groups)(layer))


def _whole_layers(graph: Any, coupled: Any, size: int) -> Iterator[list[int]]:
    """For each layer all of whose channels are in the group, their places."""
    for one in coupled:
        if len(one.idxs) >= _counted(graph, one):
            yield [root % size for root in one.root_idxs]


def _counted(graph: Any, one: Any) -> float:
    """How many channels a layer of a group gives or takes; none is counted of sums and outputs, which are no layers."""
    layer = one.dep.target.module
    if type(layer).__module__.startswith("torch_pruning"):
        return math.inf
    gives = graph.is_out_channel_pruning_fn(one.dep.handler)
    count = (graph.get_out_channels if gives else graph.get_in_channels)(layer)
    return math.inf if count is None else int(count)


def _left(count: int, share: float) -> int:
    wanted = count * (1 - share)
    block = next((size for size in _BLOCKS if wanted >= size), 1)
    return max(1, math.ceil(wanted / block - 0.5) * block)  # of two that are as near, the fewer


def _followed(network: nn.Module, inputs: Tensor) -> list[Tensor]:
    """What can be followed back to every layer, also to those whose values nothing uses."""
    outputs, made = computed(network, inputs)
    return [*outputs, *(value for _, value in made)]


def _refused(network: nn.Module) -> str:
    return f"torch-pruning cannot remove channels of this {type(network).__name__}"
