"""A trained network as files that need nothing of this project: weights, a program, ONNX, a readable `model.py`.

    exported = export_network(Deployed(network, inputs, "nb201", tree), Path("out"), ["safetensors", "py", "onnx"])

Every file is loaded again in a fresh interpreter, and its outputs are compared with the network's.
"""

from __future__ import annotations

from trainables.export.deployed import Deployed, check_deployed
from trainables.export.exporting import FORMATS, Exported, check_formats, export_network
from trainables.export.source import Source, source_of
from trainables.export.tracing import UntraceableError
from trainables.export.weights import rebuilt

__all__ = [
    "FORMATS",
    "Deployed",
    "Exported",
    "Source",
    "UntraceableError",
    "check_deployed",
    "check_formats",
    "export_network",
    "rebuilt",
    "source_of",
]
