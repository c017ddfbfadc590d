"""Layers that are made and measured once: how a thousand networks are counted in seconds.

A network is made of a few kinds of layers, many times over. Inside `measuring(kit)` a function marked with
`@layer` gives, for equal arguments, a `Measured` stand-in each time, and one kit of what is known about the
layer behind it. Outside it is the plain function: networks that are trained have no trace of this.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ParamSpec, Protocol

from torch import nn

__all__ = ["Kit", "layer", "measuring"]

P = ParamSpec("P")


class Kit(Protocol):
    """What stands in for layers while networks are measured."""

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        """A module in the place of the one that `make` gives, whose arguments are `key`."""


_kit: ContextVar[Kit | None] = ContextVar("_kit", default=None)


@contextmanager
def measuring(kit: Kit) -> Iterator[None]:
    """Let `kit` stand in for the layers of every network that is built inside."""
    token = _kit.set(kit)
    try:
        yield
    finally:
        _kit.reset(token)


def layer(make: Callable[P, nn.Module]) -> Callable[P, nn.Module]:
    """Mark a function (or class) that makes a layer of one input from hashable arguments."""

    @functools.wraps(make, updated=())
    def made(*args: P.args, **kwargs: P.kwargs) -> nn.Module:
        kit = _kit.get()
        if kit is None:
            return make(*args, **kwargs)
        key: Any = (make, args, tuple(kwargs.items()))
        return kit.stand_in(key, lambda: make(*args, **kwargs))

    return made
