"""Evaluation mode for the networks inside any trainable, before their weights are saved or handed out.

In training mode batch normalisation depends on the batch, dropout is active, and each call changes the running
statistics.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Set
from typing import Any

__all__ = ["set_evaluating"]

_DEEPEST = 4
_LONGEST = 1000
"""The longest list that is searched; longer ones hold data."""


def set_evaluating(trainable: object) -> None:
    """Put the torch modules of a trainable in evaluation mode. A training that continues must call `train()` in `step`.

    Args:
        trainable: any object; attributes, lists and dicts are searched four levels deep.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return  # no module can exist without torch, so there is no need to import it
    seen: set[int] = set()
    level = [trainable]
    for _ in range(_DEEPEST):
        found: list[object] = []
        for thing in level:
            found.extend(one for one in _parts(thing) if id(one) not in seen)
        seen.update(map(id, found))
        modules = [one for one in found if isinstance(one, torch.nn.Module)]
        for module in modules:
            module.eval()
        level = [one for one in found if not isinstance(one, (torch.nn.Module, torch.Tensor))]


def _parts(thing: Any) -> Iterator[object]:
    """Yield what an object holds, without running any code of its class."""
    if isinstance(thing, Mapping | Set | list | tuple):
        if type(thing).__module__ == "builtins" and len(thing) <= _LONGEST:
            yield from thing.values() if isinstance(thing, dict) else thing
        return
    if isinstance(thing, type) or type(thing).__module__ == "builtins":
        return
    yield from getattr(thing, "__dict__", {}).values()
    for kind in type(thing).__mro__:
        for name in vars(kind).get("__slots__", ()):
            descriptor = vars(kind).get(name)
            if descriptor is not None and hasattr(descriptor, "__get__"):
                try:
                    yield descriptor.__get__(thing, type(thing))
                except AttributeError:
                    continue  # a slot that was never filled
