"""Supernets: one module that holds all architectures of its choices, and the methods that search in it.

    supernet = relax(build("darts", None, channels=16, layers=8), method="darts")
    ...                                      # train both: see trainables.supernet.search
    architecture = discretize(supernet)

What promises are kept where: `supernet.py` (relaxing), `methods/` (a paper each), `selection.py` (the architecture).
"""

from __future__ import annotations

from trainables.supernet.methods import METHODS, Draws, Method
from trainables.supernet.selection import discretize
from trainables.supernet.supernet import Supernet, relax

__all__ = ["METHODS", "Draws", "Method", "Supernet", "discretize", "relax"]
