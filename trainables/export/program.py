"""The format of `torch.export`: a program that needs neither this project nor the code of the network.

`torch.export.load` falls back to pickle for unknown objects, so never load such a file from a stranger. This module
writes the file, and the check of the export loads it once.
"""

from __future__ import annotations

import inspect
import json
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from trainables.export.format import Format, Work
from trainables.export.naming import positional
from trainables.training.batches import Batch

__all__ = ["FORMAT", "METADATA", "PROGRAM", "ExporterArguments", "arguments", "uses_torchvision", "write_program"]

PROGRAM, METADATA = "program.pt2", "metadata.json"
_OWN = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn")
"""Metadata of a node about the code that it comes from, which takes half of a small file."""


@dataclass(frozen=True)
class ExporterArguments:
    """The arguments of a network for torch's exporters.

    Attributes:
        by_place: positional arguments.
        by_name: keyword arguments.
        shapes: which of their dimensions may have any size: the first of each.
    """

    by_place: tuple[Any, ...]
    by_name: dict[str, Any]
    shapes: Any


def arguments(network: nn.Module, inputs: Batch) -> ExporterArguments:
    """Prepare inputs for torch's exporters.

    Args:
        network: the network.
        inputs: a tensor, a tuple of tensors, or a dict of tensors.

    Returns:
        The arguments, by name only where the inputs have names.
    """
    batch = torch.export.Dim("batch")
    if not isinstance(inputs, dict):
        given = positional(network, inputs)
        return ExporterArguments(given, {}, tuple({0: batch} for _ in given))
    order = [name for name in inspect.signature(network.forward).parameters if name in inputs]
    ordered = {name: inputs[name] for name in [*order, *(name for name in inputs if name not in order)]}
    return ExporterArguments((), ordered, {name: {0: batch} for name in ordered})


def write_program(network: nn.Module, inputs: Batch, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write a program of `torch.export` for any batch size.

    Args:
        network: the network, in evaluation mode.
        inputs: two examples as the network expects them, (2, ...).
        path: the file.
        metadata: metadata of the file, as JSON in its extra file `METADATA`.
    """
    given = arguments(network, inputs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of torch's own deprecations
        program = torch.export.export(network, given.by_place, given.by_name, dynamic_shapes=given.shapes, strict=False)
        _strip(program)
        whole = path.with_name(f"{path.stem}.whole.pt2")
        torch.export.save(program, whole, extra_files={METADATA: json.dumps(metadata or {}, ensure_ascii=False)})
    _pack(whole, path)
    whole.unlink()


def uses_torchvision(file: Path) -> bool:
    """Check whether an exported file needs the operations of torchvision.

    Args:
        file: a program, or `model.py`.

    Returns:
        True where it does; False for files of other kinds.
    """
    if file.suffix == ".py":
        return "import torchvision\n" in file.read_text(encoding="utf-8")
    if file.suffix != ".pt2":
        return False
    with zipfile.ZipFile(file) as archive:
        graphs = (archive.read(name) for name in archive.namelist() if name.endswith(".json"))
        return any(b"torchvision." in graph for graph in graphs)


def _pack(whole: Path, path: Path) -> None:
    """Compress the JSON in an archive: the graph of a small network takes more room than its weights."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.infolist():
            method = zipfile.ZIP_DEFLATED if entry.filename.endswith(".json") else zipfile.ZIP_STORED
            new.writestr(entry.filename, old.read(entry), method)


def _strip(program: torch.export.ExportedProgram) -> None:
    """Remove what belongs to this machine and this training: source lines with paths, and the examples."""
    for module in program.graph_module.modules():
        for node in module.graph.nodes if isinstance(module, torch.fx.GraphModule) else ():
            for name in _OWN:
                node.meta.pop(name, None)
    program.example_inputs = None


def _write(work: Work, folder: Path) -> None:
    write_program(work.network, work.examples, folder / PROGRAM, work.metadata)


_LOADS = """
import contextlib
with contextlib.suppress(ImportError):
    import torchvision  # registers the operations that some programs have
run = torch.export.load(place).module()
"""

FORMAT = Format(
    files=(PROGRAM,),
    write=_write,
    loads=_LOADS,
    shows="python -c 'import torch; print(torch.export.load(\"program.pt2\"))'             # needs torch",
)
