"""A trained network with all that is needed to use it without the training it comes from."""

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
    """What a trainable gives away to be exported.

    Attributes:
        network: one tensor in, one tensor out; batches are dimension 0 of both.
        inputs: at least three examples as the network expects them, (n, ...).
        space, architecture: what it is a member of, and its tree.
        settings: further arguments of `trainables.build` that make this network; None where that cannot make it.
        classes: names of the outputs, in order.
        mean, std: of the raw inputs, one number a channel: the network expects `(raw - mean) / std`.
        data: what it was trained on, in words.
        splits: examples in each part of the data.
        layers: attributes of layers that were made smaller since `trainables.build` made them, by their paths.
        raw_dtype, raw_range: of the raw inputs it was trained on, such as "uint8" and (0, 255); empty if not known.
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

    @property
    def standardizes(self) -> bool:
        """Whether raw inputs are standardized before the network, so that an exported file can do it."""
        return bool(self.mean) and self.inputs.is_floating_point()


def check_deployed(deployed: object, trainable: object) -> Deployed:
    """`deployed`, if it can be exported; else `TrainableError` with the rule that it breaks."""
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
