"""Layers that are made and measured once, so that the costs of a thousand networks take seconds.

A network repeats a few kinds of layers many times. Inside `measuring(kit)`, a function marked with `@layer` returns a
stand-in from the kit, which measures the layer once for equal arguments. Outside, the function is unchanged: networks
that are trained hold no stand-ins.
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
    """Makes stand-ins for layers while networks are measured."""

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        """Make the stand-in for a layer.

        Args:
            key: the function that makes the layer, and its arguments.
            make: makes the layer itself.

        Returns:
            A module in its place.
        """


_kit: ContextVar[Kit | None] = ContextVar("_kit", default=None)


@contextmanager
def measuring(kit: Kit) -> Iterator[None]:
    """Replace the layers of every network that is built in this context.

    Args:
        kit: makes the stand-ins.

    Yields:
        Nothing.
    """
    token = _kit.set(kit)
    try:
        yield
    finally:
        _kit.reset(token)


def layer(make: Callable[P, nn.Module]) -> Callable[P, nn.Module]:
    """Mark a function (or class) that makes a layer of one input from hashable arguments.

    Args:
        make: the function.

    Returns:
        The same function outside `measuring`; inside, one that asks the kit for a stand-in.
    """

    @functools.wraps(make, updated=())
    def made(*args: P.args, **kwargs: P.kwargs) -> nn.Module:
        kit = _kit.get()
        if kit is None:
            return make(*args, **kwargs)
        key: Any = (make, args, tuple(kwargs.items()))
        return kit.stand_in(key, lambda: make(*args, **kwargs))

    return made
