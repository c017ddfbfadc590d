"""What an export format is: which files it writes, how a fresh interpreter loads them, and how far they may be off.

FORMAT = Format(files=("network.txt",), write=write, loads="from my_package import load; run = load(place)")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from trainables.export.deployed import Deployed
from trainables.export.standardized import metadata, raw_of, standardized

__all__ = ["Format", "Work"]


@dataclass(frozen=True)
class Work:
    """What the files of one format are made of.

    Attributes:
        own: the trained network, on the CPU and in evaluation mode, with examples of its inputs.
        inputs: what the files take: "raw" inputs, which they standardize; "standardized" ones; or empty where the
            network was trained on inputs as they are.
        identifier: the canonical id of the architecture.
        facts: lines about the network, for people.
    """

    own: Deployed
    inputs: str
    identifier: str
    facts: tuple[str, ...]

    @property
    def raw(self) -> bool:
        """Whether the files take raw inputs."""
        return self.inputs == "raw"

    @property
    def network(self) -> nn.Module:
        """The network of what the files take: with the standardization inside, if they take raw inputs."""
        return standardized(self.own) if self.raw else self.own.network

    @property
    def examples(self) -> Tensor:
        """Two inputs of `network`."""
        return self.given(self.own.inputs[:2])

    def given(self, inputs: Tensor) -> Tensor:
        """What the files take for these inputs of the own network."""
        return raw_of(self.own, inputs) if self.raw else inputs

    @property
    def metadata(self) -> dict[str, str]:
        """What a file may say of itself."""
        return metadata(self.own, self.identifier, raw=self.raw)


def _nothing() -> None:
    """A format that needs no packages."""


def _always(own: Deployed) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to write a trained network.

    Attributes:
        files: names of the files, plain ones; all are written each time.
        write: writes them into a folder.
        loads: Python that a fresh interpreter runs to define `run`, a function of a batch of inputs that returns the
            outputs. `place` is the path of the file where the format has one, else that of the folder.
        arrays: whether `run` takes and returns NumPy arrays, and torch is not imported; else they are tensors.
        alone: whether the files can be loaded without this project, whose packages are then out of reach there.
        tolerance: the greatest difference of an output from the network's, as a part of the greatest output.
        raw: whether the files can take raw inputs and standardize them.
        check: raises `TrainableError` where a package is missing, before any work is done.
        uncheckable: why the files of a network cannot be loaded for the comparison; empty where they can.
        shows: a command line that loads the files, for the model card.
    """

    files: tuple[str, ...]
    write: Callable[[Work, Path], None]
    loads: str
    arrays: bool = False
    alone: bool = True
    tolerance: float = 1e-5
    raw: bool = True
    check: Callable[[], None] = _nothing
    uncheckable: Callable[[Deployed], str] = _always
    shows: str = ""
