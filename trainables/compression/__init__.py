"""Compression of a trained network: pruning, fine-tuning and quantization to int8, each measured.

    settings = CompressionSettings(prune=0.5, quantize="int8")
    made = compress_network(classifier.deployed(), classifier.tuning(), folder, settings)
    for stage in made.stages:
        print(stage.name, stage.metrics["accuracy"], stage.bytes)

This package does not depend on runs and ledgers.
"""

from __future__ import annotations

from search_spaces.former_names import former_names
from trainables.compression.compressing import INT8, compress_network
from trainables.compression.measuring import BATCHES, ENGINE
from trainables.compression.pruning import PRUNING_METHODS
from trainables.compression.settings import Compressed, CompressionSettings, CompressionStage
from trainables.compression.tuning import Tuning
from trainables.export.quantization import QUANTIZATIONS

__all__ = [
    "BATCHES",
    "ENGINE",
    "INT8",
    "PRUNING_METHODS",
    "QUANTIZATIONS",
    "Compressed",
    "CompressionSettings",
    "CompressionStage",
    "Tuning",
    "compress_network",
]

__getattr__ = former_names(__name__)
