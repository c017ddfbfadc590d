"""What is to be done to a network, checked before any work, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.compression.pruning import METHODS
from trainables.compression.quantization import KINDS
from trainables.compression.structured import check_package
from trainables.errors import TrainableError
from trainables.export.onnx import check_packages
from trainables.settings import check_name, check_number

__all__ = ["MOST", "Compressed", "Plan", "Stage"]

MOST = 0.99
"""The greatest share that can be pruned."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to compress.

    Attributes:
        prune: the share of channels, or of weights, that go; None prunes nothing.
        method: "structured" removes channels, "magnitude" sets weights to zero.
        quantize: "int8", or None.
        epochs: of the training after pruning.
        calibration: how many training inputs show the ranges of values.
        seed: of the training after pruning.
        threads: on which the latency is measured.
        normalization: whether the files take raw inputs and standardize them, where the network has a mean and a
            deviation of those, or expect standardized ones.
    """

    prune: float | None = None
    method: str = "structured"
    quantize: str | None = None
    epochs: int = 3
    calibration: int = 256
    seed: int = 0
    threads: int = 1
    normalization: bool = True

    def check(self) -> None:
        """`TrainableError` for a setting that cannot be, and for a package that is missing."""
        if self.prune is None and self.quantize is None:
            raise TrainableError("nothing to do: give a share to prune (--prune 0.5), --quantize int8, or both")
        if self.prune is not None:
            check_number("prune", self.prune, 0, MOST, open_low=True)
        check_name("method", self.method, METHODS)
        if self.quantize is not None:
            check_name("quantize", self.quantize, KINDS)
        check_number("epochs", self.epochs, 0, whole=True)
        check_number("calibration", self.calibration, 1, whole=True)
        check_number("seed", self.seed, 0, 2**63 - 1, whole=True)
        check_number("threads", self.threads, 1, whole=True)
        check_packages()
        if self.prune is not None and self.method == "structured":
            check_package()


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of the table: a network on the way from the first to the last.

    Attributes:
        name: "before", "pruned", "fine-tuned" or "int8".
        metrics: on the test split, as its ONNX file computes them, where it has one.
        parameters: numbers that the outputs depend on; of int8 those of the network that was quantized.
        nonzero: those that are not zero.
        bytes: of the ONNX file; None of a network that differs from the next in its weights only, and has none.
        seconds: median latency by inputs at a time; likewise.
        file: in the folder, if the stage was kept.
    """

    name: str
    metrics: Mapping[str, float]
    parameters: int
    nonzero: int
    bytes: int | None
    seconds: Mapping[int, float] | None
    file: str | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it: batch sizes as text."""
        return {
            "name": self.name,
            "metrics": dict(self.metrics),
            "parameters": self.parameters,
            "nonzero_parameters": self.nonzero,
            "bytes": self.bytes,
            "latency_seconds": {str(batch): seconds for batch, seconds in (self.seconds or {}).items()} or None,
            "file": self.file,
        }


@dataclass(frozen=True, slots=True)
class Compressed:
    """What became of a network.

    Attributes:
        stages: in order, the first being the network as it was.
        files: in the folder, in order of their names.
        differences: of each kept file how far its outputs in a fresh interpreter were from those told, at most.
        tuning: metrics of each epoch after pruning, on the training data.
        calibration: how many examples the ranges are of; 0 without quantization.
        notes: what a person should know.
    """

    stages: tuple[Stage, ...]
    files: tuple[Path, ...]
    differences: Mapping[str, float]
    tuning: tuple[Mapping[str, float], ...]
    calibration: int
    notes: tuple[str, ...]
