"""Export of a trained network to files that work without this project: weights, a program, ONNX, a readable `model.py`.

    exported = export_network(Deployed(network, inputs, "nb201", tree), Path("out"), ["safetensors", "py", "onnx"])

Every file is loaded in a fresh interpreter, and its outputs are compared with those of the network. `formats.register`
adds your own format.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trainables.export.formats import FORMATS, STANDARD

if TYPE_CHECKING:
    from trainables.export.deployed import Deployed, check_deployed
    from trainables.export.exporting import Exported, check_formats, export_network
    from trainables.export.format import Format
    from trainables.export.source import SourceCode, source_of
    from trainables.export.tracing import UntraceableError
    from trainables.export.weights import rebuilt

__all__ = [
    "FORMATS",
    "STANDARD",
    "Deployed",
    "Exported",
    "Format",
    "SourceCode",
    "UntraceableError",
    "check_deployed",
    "check_formats",
    "export_network",
    "rebuilt",
    "source_of",
]

_HOME = {
    "Deployed": "deployed",
    "Exported": "exporting",
    "Format": "format",
    "SourceCode": "source",
    "UntraceableError": "tracing",
    "check_deployed": "deployed",
    "check_formats": "exporting",
    "export_network": "exporting",
    "rebuilt": "weights",
    "source_of": "source",
}
"""Modules of public names that need torch, imported on first use. The names of the formats need no torch."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'trainables.export' has no attribute {name!r}")
    return getattr(import_module(f"trainables.export.{_HOME[name]}"), name)
