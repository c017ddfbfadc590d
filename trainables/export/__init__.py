"""Export of a trained network to files that work without this project: weights, a program, ONNX, a readable `model.py`.

    exported = export_network(Deployed(network, inputs, "nb201", tree), Path("out"), ["safetensors", "py", "onnx"])

Every file is loaded in a fresh interpreter, and its outputs are compared with those of the network. `formats.register`
adds your own format.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy_names import lazy_names
from trainables.export.formats import FORMATS, STANDARD

if TYPE_CHECKING:
    from trainables.export.deployed import Deployed, check_deployed
    from trainables.export.exporting import Exported, check_formats, export_network
    from trainables.export.format import Format
    from trainables.export.source import SourceCode, source_code_of
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
    "source_code_of",
]

_HOME = {
    "Deployed": "trainables.export.deployed",
    "Exported": "trainables.export.exporting",
    "Format": "trainables.export.format",
    "SourceCode": "trainables.export.source",
    "UntraceableError": "trainables.export.tracing",
    "check_deployed": "trainables.export.deployed",
    "check_formats": "trainables.export.exporting",
    "export_network": "trainables.export.exporting",
    "rebuilt": "trainables.export.weights",
    "source_code_of": "trainables.export.source",
}
"""Modules of public names that need torch, imported on first use. The names of the formats need no torch."""

__getattr__ = lazy_names(__name__, _HOME)
