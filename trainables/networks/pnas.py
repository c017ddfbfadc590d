"""The networks of PNAS: one cell of blocks at both strides (`trainables.networks.cells`)."""

from __future__ import annotations

from trainables.networks.cells import build_pnas
from trainables.networks.examples import images
from trainables.networks.family import Family

__all__ = ["FAMILY"]

FAMILY = Family(build_pnas, images, undecided=False, small={"channels": 8, "layers": 5})
