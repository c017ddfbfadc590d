"""A family of networks, as the registry of networks stores it."""

from __future__ import annotations

import inspect
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
            needs; None where only the builder decides.
        sides: how many sides inputs may have that `example` does not say: 2 for images, 3 for volumes; empty for any.
        small: settings of the builder for a network that a laptop can train, where the defaults are larger.
        source: what a process imports to make the builder again, where that is not the builder itself: the class of a
            module with choices, or an instance (`trainables.networks.own`).
        reference: the "module:attribute" from which it is imported, where its own name does not say that.
    """

    builder: Builder
    example: Example = images
    undecided: bool | None = None
    sides: tuple[int, ...] = ()
    small: Mapping[str, object] = field(default_factory=dict)
    source: object = None
    reference: str | None = None

    @property
    def origin(self) -> object:
        """The class, instance or function that a process imports."""
        return self.builder if self.source is None else self.source

    @property
    def takes_arguments(self) -> bool:
        """Whether the builder has arguments beside the architecture that are not among the small settings."""
        names = list(inspect.signature(self.builder).parameters)[1:]
        return any(name not in self.small for name in names)

    @property
    def named(self) -> str:
        """The "module:attribute" of that, whether it can be imported or not; empty for an object without a name."""
        name = getattr(self.origin, "__qualname__", None)
        return self.reference or (f"{self.origin.__module__}:{name}" if name else "")
