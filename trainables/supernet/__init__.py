"""Supernets: one module that holds all architectures of its choices, and the methods that search in it.

    supernet = relax(build("darts", None, channels=16, layers=8), method="darts")
    ...                                      # train both: see trainables.supernet.search
    architecture = discretize(supernet)

What promises are kept where: `supernet.py` (relaxing), `methods/` (a paper each), `selection.py` (the architecture).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trainables.supernet.methods import METHODS

if TYPE_CHECKING:
    from trainables.supernet.methods.base import Draws, Method
    from trainables.supernet.selection import discretize
    from trainables.supernet.supernet import Supernet, relax

__all__ = ["METHODS", "Draws", "Method", "Supernet", "discretize", "relax"]

_HOME = {
    "Draws": "trainables.supernet.methods.base",
    "Method": "trainables.supernet.methods.base",
    "Supernet": "trainables.supernet.supernet",
    "discretize": "trainables.supernet.selection",
    "relax": "trainables.supernet.supernet",
}
"""Public names that need torch, which is loaded when one of them is asked for: the names of the methods need none."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'trainables.supernet' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
