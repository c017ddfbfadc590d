"""A family of networks, as the registry of networks stores it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from trainables.networks.examples import Example, images

__all__ = ["Builder", "Family"]

Builder = Callable[..., nn.Module]
"""A function of an architecture and keyword arguments that returns the network of the architecture."""


@dataclass(frozen=True)
class Family:
    """The networks of one space.

    Attributes:
        builder: builds the network of a member of the space.
        example: makes a random input, see `trainables.networks.examples`.
        undecided: whether `builder(None)` builds a network that holds choices of `search_spaces.nn`, which a supernet
            needs; None where only the builder knows.
        small: settings of the builder for a network that a laptop can train, where the defaults are larger.
    """

    builder: Builder
    example: Example = images
    undecided: bool | None = None
    small: Mapping[str, object] = field(default_factory=dict)
