"""Supernets: one module that contains all architectures of its choices, and the methods that search in it.

    supernet = relax(build("darts", None, channels=16, layers=8), method="darts")
    ...                                      # train weights and architecture: see trainables.supernet.search
    architecture = discretize(supernet)

`supernet.py` relaxes a module, `methods/` has one method per paper, `selection.py` selects the architecture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy_names import lazy_names
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
"""The modules of public names that need torch, which is imported on first access; the names of methods need none."""

__getattr__ = lazy_names(__name__, _HOME)
