"""Structured pruning: whole channels go, so that the network that is left is smaller and faster as it is.

Which channels of which layers belong together (a sum needs as many on both sides, a concatenation shifts those that
come later) is found by `torch-pruning` (DepGraph, Fang et al. 2023, 2301.12900), and so is which to remove: of each
group of layers the channels whose weights have the smallest norm, the same share of every group. Where 16 or more
channels are left, their number is brought to the nearest multiple of 16, and of 8 where 8 or more are: engines compute
blocks of so many, and 11 or 24 channels take them longer than 16 or 32.
"""

from __future__ import annotations

import copy
import importlib.util
import math
import warnings

import torch
from torch import Tensor, nn

from trainables.compression.tracing import DependentZeros, computed, heads
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
        shapes = [one.shape for one in _prune(smaller, inputs, share)]
        left = [one.shape for one in computed(smaller, inputs)[0]]
    except Exception as error:
        # What a network raises within torch-pruning, or where its surgery missed a layer, is of any kind.
        raise TrainableError(f"{_refused(network)}: {first_line(error)}; {_ELSE}") from error
    if changed_sizes(network, smaller) == {}:
        raise TrainableError(
            f"prune is {share:g}, and no layer of this {type(network).__name__} loses channels: they go by blocks of "
            f"{_BLOCKS[0]} and {_BLOCKS[1]}; prune more, or {_ELSE}"
        )
    if left != shapes:
        raise TrainableError(f"{_refused(network)}: its outputs became {left[0]} of {shapes[0]}; {_ELSE}")
    return smaller


_BLOCKS = (16, 8)
_ELSE = "take the method magnitude, which leaves its layers as they are"


def _prune(network: nn.Module, inputs: Tensor, share: float) -> list[Tensor]:
    """Prune in place; gives the outputs that it had."""
    import torch_pruning

    outputs, made = computed(network, inputs)
    kept = heads(outputs, made)
    with warnings.catch_warnings(), DependentZeros(), torch.enable_grad():
        warnings.simplefilter("ignore")  # of weights outside of layers, which it takes by their last dimension
        pruner = torch_pruning.pruner.BasePruner(
            network,
            inputs,
            torch_pruning.importance.GroupMagnitudeImportance(p=2),
            pruning_ratio=share,
            pruning_ratio_dict=_ratios(network, share),
            ignored_layers=kept,
            forward_fn=_followed,
        )
    pruner.step()
    for parameter in network.parameters():
        parameter.grad = None
    return outputs


def _ratios(network: nn.Module, share: float) -> dict[nn.Module, float]:
    """The share of each layer, such that what is left, which is rounded down, is the number that is wanted."""
    channels = {one: _channels(one) for one in network.modules() if _channels(one)}
    return {one: 1 - (_left(count, share) + 0.5) / count for one, count in channels.items()}


def _left(count: int, share: float) -> int:
    wanted = count * (1 - share)
    block = next((size for size in _BLOCKS if wanted >= size), 1)
    return max(1, math.ceil(wanted / block - 0.5) * block)  # of two that are as near, the fewer


def _channels(module: nn.Module) -> int:
    return int(getattr(module, "out_channels", 0) or getattr(module, "out_features", 0))


def _followed(network: nn.Module, inputs: Tensor) -> list[Tensor]:
    """What can be followed back to every layer, also to those whose values nothing uses."""
    outputs, made = computed(network, inputs)
    return [*outputs, *(value for _, value in made)]


def _refused(network: nn.Module) -> str:
    return f"torch-pruning cannot remove channels of this {type(network).__name__}"
