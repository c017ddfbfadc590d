"""The settings of a compression, checked before any work, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainables.compression.pruning import PRUNING_METHODS
from trainables.compression.structured import check_package
from trainables.errors import TrainableError
from trainables.export.onnx import check_packages
from trainables.export.quantization import QUANTIZATIONS
from trainables.settings import check_name, check_number

__all__ = ["MOST_PRUNED", "Compressed", "CompressionSettings", "CompressionStage"]

MOST_PRUNED = 0.99
"""The greatest share that can be pruned."""


@dataclass(frozen=True, slots=True)
class CompressionSettings:
    """How to compress.

    Attributes:
        prune: the share of channels or weights to prune, above 0 and at most 0.99; None prunes nothing.
        method: "structured" removes channels, "magnitude" sets weights to zero.
        quantize: "int8", or None.
        epochs: epochs of fine-tuning after pruning; 0 leaves it out.
        calibration: the number of training inputs that determine the ranges of values for int8.
        seed: the seed of the fine-tuning.
        threads: the number of threads with which latencies are measured.
        normalization: whether the files take raw inputs and standardize them (if the network has their mean and
            deviation), or expect standardized ones.
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
        """Check the settings, and that the packages for them are installed.

        Raises:
            TrainableError: a setting is invalid, there is nothing to do, or a package is missing.
        """
        if self.prune is None and self.quantize is None:
            raise TrainableError("nothing to do: give a share to prune (--prune 0.5), --quantize int8, or both")
        if self.prune is not None:
            check_number("prune", self.prune, 0, MOST_PRUNED, open_low=True)
        check_name("method", self.method, PRUNING_METHODS)
        if self.quantize is not None:
            check_name("quantize", self.quantize, QUANTIZATIONS)
        check_number("epochs", self.epochs, 0, whole=True)
        check_number("calibration", self.calibration, 1, whole=True)
        check_number("seed", self.seed, 0, 2**63 - 1, whole=True)
        check_number("threads", self.threads, 1, whole=True)
        check_packages()
        if self.prune is not None and self.method == "structured":
            check_package()


@dataclass(frozen=True, slots=True)
class CompressionStage:
    """One row of the table: the network before or after a step.

    Attributes:
        name: "before", "pruned", "fine-tuned" or "int8".
        metrics: on the test split, computed by the ONNX file if there is one, otherwise by the network.
        parameters: the number of parameters on which the outputs depend; for int8 that of the network that was
            quantized.
        nonzero: how many of these are not zero.
        bytes: the size of the ONNX file; None for a stage without one, whose weights alone differ from the next stage.
        seconds: the median latency in seconds by batch size; None likewise.
        file: the name of the file in the folder, if the stage is kept.
    """

    name: str
    metrics: Mapping[str, float]
    parameters: int
    nonzero: int
    bytes: int | None
    seconds: Mapping[int, float] | None
    file: str | None

    def to_dict(self) -> dict[str, Any]:
        """Return the stage as JSON has it.

        Returns:
            Its values by name; the batch sizes of the latencies are text.
        """
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
    """The result of a compression.

    Attributes:
        stages: in order; the first is the network before compression.
        files: the files in the folder, by name.
        differences: by kept file, the greatest difference of its outputs in a fresh interpreter from the measured ones.
        tuning: the metrics of each epoch of fine-tuning, on the training data.
        calibration: the number of examples that determined the ranges of values; 0 without quantization.
        notes: remarks for the user.
    """

    stages: tuple[CompressionStage, ...]
    files: tuple[Path, ...]
    differences: Mapping[str, float]
    tuning: tuple[Mapping[str, float], ...]
    calibration: int
    notes: tuple[str, ...]
