"""The definition of an export format: its files, how a fresh interpreter loads them, and their tolerance.

FORMAT = Format(files=("network.txt",), write=write, loads="from my_package import load; run = load(place)")
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from trainables.export.deployed import Deployed
from trainables.export.standardized import metadata, raw_examples, raw_of, with_raw_inputs
from trainables.training.batches import Batch, mapped

__all__ = ["Format", "Work"]


@dataclass(frozen=True)
class Work:
    """The network that a format writes, and what its files should contain.

    Attributes:
        own: the trained network, on the CPU and in evaluation mode, with examples of its inputs.
        inputs: the inputs of the files: "raw", which they change as the network needs them; "standardized" or
            "prepared", which their user has changed; or empty where the network was trained on raw inputs.
        identifier: the canonical id of the architecture.
        facts: lines about the network for a person.
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
        """The network for the inputs of the files; it prepares them and finishes the outputs if they are raw."""
        return with_raw_inputs(self.own) if self.raw else self.own.network

    @property
    def examples(self) -> Batch:
        """Two inputs of `network`."""
        return mapped(lambda one: one[:2], self.given_examples)

    @property
    def given_examples(self) -> Batch:
        """Examples of the inputs of `network`."""
        return raw_examples(self.own) if self.raw else self.own.inputs

    def given(self, inputs: Batch) -> Batch:
        """Convert random inputs to inputs of the files.

        Args:
            inputs: (n, ...), as the network expects them; raw where the network has its own `prepare`.

        Returns:
            (n, ...), raw where the files take raw inputs.
        """
        if self.own.prepare is not None:
            return inputs if self.raw else self.own.prepare(inputs)
        return raw_of(self.own, inputs) if self.raw and self.own.standardizes else inputs

    @property
    def metadata(self) -> dict[str, str]:
        """The metadata that a file may hold, by name."""
        return metadata(self.own, self.identifier, raw=self.raw)


def _nothing() -> None:
    """The check of a format that needs no packages."""


def _always(own: Deployed) -> str:
    return ""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to write a trained network.

    Attributes:
        files: names of the files, without folders; every export writes all of them.
        write: writes the files into a folder.
        loads: Python code that a fresh interpreter runs to define `run`, a function from a batch of inputs to the
            outputs; several inputs are given as the network takes them, by position or by name. The variable `place` is
            the path of the file, or of the folder if the format has several files.
        arrays: whether `run` takes and returns NumPy arrays, without torch; else tensors.
        alone: whether the files can be loaded without this project; the check then hides its packages.
        tolerance: the greatest difference allowed between outputs, as a share of the greatest output.
        raw: whether the files can take raw inputs and standardize them.
        check: raises `TrainableError` where a package is missing, before the export begins.
        uncheckable: returns why the files of a network cannot be loaded for the comparison; empty where they can.
        rebuilds: makes the network from the folder in this process, to compare it where a fresh interpreter cannot load
            the files; None for a format that has no such function.
        shows: a command that loads the files, for the model card.
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
    rebuilds: Callable[[Path], nn.Module] | None = None
    shows: str = ""
