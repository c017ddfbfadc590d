"""What the registry of networks keeps of a family: how a member is built, and what callers ask of the family."""

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
        builder: builds the network of a member.
        example: makes a random input, see `trainables.networks.examples`.
        undecided: whether `builder(None)` gives a network with the choices of `search_spaces.nn` in it, in which a
            supernet searches; None where only the builder knows.
        small: settings of the builder for a network that suits a laptop, where its defaults are larger than that.
    """

    builder: Builder
    example: Example = images
    undecided: bool | None = None
    small: Mapping[str, object] = field(default_factory=dict)
