"""The networks of the micro space of ENAS: a normal and a reduction cell of blocks (`trainables.networks.cells`)."""

from __future__ import annotations

from trainables.networks.cells import build_blocks
from trainables.networks.examples import images
from trainables.networks.family import Family

__all__ = ["FAMILY"]

FAMILY = Family(build_blocks, images, undecided=False, small={"channels": 8, "layers": 5})
