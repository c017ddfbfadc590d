"""A trained network with everything that its use needs, apart from the training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.export.resizing import Sizes

__all__ = ["Deployed", "check_deployed"]


@dataclass(frozen=True)
class Deployed:
    """A trained network that can be exported.

    Attributes:
        network: a module with one tensor in and one out; dimension 0 of both is the batch.
        inputs: at least three examples as the network expects them, (n, ...).
        space: the name of the space of the architecture.
        architecture: the tree of the architecture.
        settings: further arguments of `trainables.build`; None where it cannot build this network.
        classes: names of the outputs, in order.
        mean: of the raw inputs, one number per channel; the network expects `(raw - mean) / std`.
        std: standard deviation of the raw inputs, one number per channel.
        data: the data of the training, in words.
        splits: number of examples in each split of the data.
        layers: attributes of layers that were made smaller after `trainables.build`, by the paths of the layers.
        raw_dtype: dtype of the raw inputs of the training, such as "uint8"; empty if unknown.
        raw_range: smallest and greatest raw input, such as (0, 255); empty if unknown.
        output_mean: of the targets, one number per output; the network gives `(target - mean) / std`. Empty where
            outputs have no such scale.
        output_std: standard deviation of the targets, one number per output.
        is_scaled: whether the network gives targets in their own units all the same (see `export.outputs.in_units`).
    """

    network: nn.Module
    inputs: Tensor
    space: str
    architecture: Any
    settings: Mapping[str, Any] | None = None
    classes: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    data: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    layers: Sizes = field(default_factory=dict)
    raw_dtype: str = ""
    raw_range: tuple[float, ...] = ()
    output_mean: tuple[float, ...] = ()
    output_std: tuple[float, ...] = ()
    is_scaled: bool = False

    @property
    def standardizes(self) -> bool:
        """Whether raw inputs have to be standardized before the network, which an exported file can do."""
        return bool(self.mean) and self.inputs.is_floating_point()


def check_deployed(deployed: object, trainable: object) -> Deployed:
    """Check what a trainable hands out for an export.

    Args:
        deployed: the result of `trainable.deployed()`.
        trainable: the trainable, for messages.

    Returns:
        `deployed`.

    Raises:
        TrainableError: it cannot be exported; the message gives the rule that it breaks.
    """
    name = f"{type(trainable).__name__}.deployed()"
    if not isinstance(deployed, Deployed):
        raise TrainableError(f"{name} gave a {type(deployed).__name__}; it must give a trainables.export.Deployed")
    if not isinstance(deployed.network, nn.Module):
        raise TrainableError(f"{name}: network is a {type(deployed.network).__name__}; it must be an nn.Module")
    if not isinstance(deployed.inputs, Tensor) or deployed.inputs.dim() < 1 or len(deployed.inputs) < 3:
        raise TrainableError(f"{name}: inputs must be a tensor of at least three examples, as the network expects them")
    if len(deployed.mean) != len(deployed.std) or (deployed.mean and deployed.inputs.dim() < 2):
        raise TrainableError(
            f"{name}: mean has {len(deployed.mean)} numbers and std {len(deployed.std)}; both have one for each channel"
        )
    return deployed
