"""Networks that a trainable holds, whoever wrote it, in evaluation mode.

In training mode batch norm goes by the batch, dropout drops, and each look changes the running statistics: what is
handed out must not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Set
from typing import Any

__all__ = ["set_evaluating"]

_DEEPEST = 4
_LONGEST = 1000
"""Items of a list that are looked through: longer ones are data."""


def set_evaluating(trainable: object) -> None:
    """Put every torch module in evaluation mode that `trainable` reaches through attributes, lists and dicts.

    A trainable that trains on afterwards calls `train()` in its `step`, as those of this package do.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return  # then there are no modules either, and nobody waits for torch
    seen: set[int] = set()
    level = [trainable]
    for _ in range(_DEEPEST):
        found = [one for thing in level for one in _parts(thing) if id(one) not in seen]
        seen.update(map(id, found))
        modules = [one for one in found if isinstance(one, torch.nn.Module)]
        for module in modules:
            module.eval()
        level = [one for one in found if not isinstance(one, (torch.nn.Module, torch.Tensor))]


def _parts(thing: Any) -> Iterator[object]:
    """What an object holds, without running any code of its class."""
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
