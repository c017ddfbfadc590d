"""An export format: the network as a program of torch, under another name."""

from __future__ import annotations

from pathlib import Path

from trainables.export.format import Format, Work
from trainables.export.program import write_program

__all__ = ["FORMAT"]


def write(work: Work, folder: Path) -> None:
    """Write `network.twig.pt2`."""
    write_program(work.network, work.examples, folder / "network.twig.pt2", work.metadata)


FORMAT = Format(files=("network.twig.pt2",), write=write, loads="run = torch.export.load(place).module()")
