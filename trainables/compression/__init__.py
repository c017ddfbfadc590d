"""A trained network made smaller: pruned and trained on, quantized to int8, and what each step costs and gains.

    made = compress_network(classifier.deployed(), classifier.tuning(), folder, Plan(prune=0.5, quantize="int8"))
    for stage in made.stages:
        print(stage.name, stage.metrics["accuracy"], stage.bytes)

Nothing here knows of runs.
"""

from __future__ import annotations

from trainables.compression.compressing import INT8, compress_network
from trainables.compression.measuring import BATCHES, ENGINE
from trainables.compression.plan import Compressed, Plan, Stage
from trainables.compression.pruning import METHODS
from trainables.compression.quantization import KINDS
from trainables.compression.tuning import Tuning

__all__ = [
    "BATCHES",
    "ENGINE",
    "INT8",
    "KINDS",
    "METHODS",
    "Compressed",
    "Plan",
    "Stage",
    "Tuning",
    "compress_network",
]
