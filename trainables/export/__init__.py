"""A trained network as files that need nothing of this project: weights, a program, ONNX, a readable `model.py`.

    exported = export_network(Deployed(network, inputs, "nb201", tree), Path("out"), ["safetensors", "py", "onnx"])

Every file is loaded again in a fresh interpreter, and its outputs are compared with the network's. `formats.register`
adds a format of one's own.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from trainables.export.formats import FORMATS, STANDARD

if TYPE_CHECKING:
    from trainables.export.deployed import Deployed, check_deployed
    from trainables.export.exporting import Exported, check_formats, export_network
    from trainables.export.format import Format
    from trainables.export.source import Source, source_of
    from trainables.export.tracing import UntraceableError
    from trainables.export.weights import rebuilt

__all__ = [
    "FORMATS",
    "STANDARD",
    "Deployed",
    "Exported",
    "Format",
    "Source",
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
    "Source": "source",
    "UntraceableError": "tracing",
    "check_deployed": "deployed",
    "check_formats": "exporting",
    "export_network": "exporting",
    "rebuilt": "weights",
    "source_of": "source",
}
"""Public names that need torch, which is loaded when one of them is asked for: the names of the formats need none."""


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'trainables.export' has no attribute {name!r}")
    return getattr(import_module(f"trainables.export.{_HOME[name]}"), name)
