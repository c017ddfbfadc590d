"""All formats of a network into one folder: written aside, checked, and moved there only if they are right."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from search_spaces.errors import NasTuneError
from search_spaces.names import did_you_mean
from trainables.drafts import draft_folder
from trainables.errors import NotTheSameError, TrainableError, first_line
from trainables.export.check import TOLERANCES, compared, random_batches, unfindable
from trainables.export.deployed import Deployed
from trainables.export.onnx import ONNX, check_packages, write_onnx
from trainables.export.program import PROGRAM, write_program
from trainables.export.standalone import MODEL, write_model
from trainables.export.tracing import UntraceableError
from trainables.export.weights import ARCHITECTURE, WEIGHTS, described, write_weights

__all__ = ["FILES", "FORMATS", "Exported", "Progress", "check_formats", "export_network"]

FORMATS = ("safetensors", "py", "pt2", "onnx")
FILES = {
    "safetensors": (WEIGHTS, ARCHITECTURE),
    "py": (MODEL, WEIGHTS),
    "pt2": (PROGRAM,),
    "onnx": (ONNX,),
}

Progress = Callable[[str, int, int], None]
"""Told what is being done, as the how-manieth of how many steps."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One format: its files, how far its outputs are from the network's, or why there are none.

    Attributes:
        difference: the greatest of an output; None where nothing was compared.
        tolerance: the greatest that is allowed, as a part of the greatest output, where it is no rounding.
        problem: why the format is not there, or, with files, why it was not compared; empty if all is well.
    """

    format: str
    files: tuple[Path, ...]
    bytes: int
    difference: float | None
    tolerance: float
    problem: str = ""


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """The formats in order, each once; `TrainableError` for an unknown one, or one whose packages are missing."""
    wanted = [name.strip() for name in formats if name.strip()]
    for name in wanted:
        if name not in FORMATS:
            raise TrainableError(
                f"format {name!r} is unknown{did_you_mean(name, FORMATS)}; known: {', '.join(FORMATS)}"
            )
    if not wanted:
        raise TrainableError(f"no format was given; known: {', '.join(FORMATS)}")
    if "onnx" in wanted:
        check_packages()
    return tuple(name for name in FORMATS if name in wanted)


def export_network(
    deployed: Deployed,
    folder: Path,
    formats: Iterable[str] = FORMATS,
    *,
    identifier: str = "",
    facts: Sequence[str] = (),
    progress: Progress = lambda what, step, steps: None,
) -> list[Exported]:
    """Write `deployed` into `folder` in each of the `formats`; `facts` are lines for the docstring of `model.py`.

    Files of an earlier export are replaced, each at once; a format that fails leaves what was there. With "py" the
    weights are written too.

    Raises:
        TrainableError: an unknown format, or one that needs a package that is missing.
        OSError: the folder cannot be written.
    """
    wanted = check_formats(formats)
    network = copy.deepcopy(deployed.network).cpu().to(memory_format=torch.contiguous_format).eval()
    own = _on_cpu(deployed, network)
    batches = random_batches(own.inputs)
    with draft_folder(folder, "export") as draft:
        found = []
        for place, name in enumerate(wanted):
            progress(f"writing {name}", 2 * place, 2 * len(wanted))
            result = _made(name, own, draft, identifier, facts)
            if not result.problem:
                progress(f"checking {name} in a fresh interpreter", 2 * place + 1, 2 * len(wanted))
                result = _checked(result, own, draft, batches)
            found.append(_kept(result, draft, folder))
        return found


def _on_cpu(deployed: Deployed, network: torch.nn.Module) -> Deployed:
    fields = {name: getattr(deployed, name) for name in deployed.__dataclass_fields__}
    inputs = deployed.inputs.detach().to("cpu", memory_format=torch.contiguous_format)
    return Deployed(**{**fields, "network": network, "inputs": inputs})


def _made(name: str, own: Deployed, draft: Path, identifier: str, facts: Sequence[str]) -> Exported:
    """The files of one format, written into `draft`; what torch cannot export is said, and no error."""
    try:
        if name in ("safetensors", "py"):
            write_weights(own.network, draft / WEIGHTS)
        if name == "safetensors":
            document = json.dumps(described(own, identifier), indent=2, ensure_ascii=False)
            (draft / ARCHITECTURE).write_text(f"{document}\n", encoding="utf-8")
        elif name == "py":
            write_model(own, (own.inputs[:2], own.inputs[:3]), facts, draft / MODEL)
        elif name == "pt2":
            write_program(own.network, own.inputs[:2], draft / PROGRAM)
        else:
            write_onnx(own.network, own.inputs[:2], draft / ONNX)
    except UntraceableError as error:
        return _failed(name, f"{error}; the other formats do not need its source")
    except (OSError, NasTuneError):
        raise
    except Exception as error:  # noqa: BLE001 -- what a user's network raises inside torch's exporters is a result
        return _failed(name, f"torch cannot export it: {type(error).__name__}: {first_line(error)}")
    return Exported(name, tuple(draft / file for file in FILES[name]), 0, None, TOLERANCES[name])


def _checked(result: Exported, own: Deployed, draft: Path, batches: dict[str, torch.Tensor]) -> Exported:
    if result.format == "safetensors" and own.settings is None:
        said = "not rebuilt: trainables.build cannot make this network alone"
        return Exported(result.format, result.files, 0, None, result.tolerance, said)
    if result.format == "safetensors" and (why := unfindable(own.space)):
        return Exported(result.format, result.files, 0, None, result.tolerance, f"not rebuilt: {why}")
    try:
        difference = compared(own.network, result.format, draft, batches)
    except NotTheSameError as error:
        return _failed(result.format, str(error))
    return Exported(result.format, result.files, 0, difference, result.tolerance)


def _kept(result: Exported, draft: Path, folder: Path) -> Exported:
    """The files at their place, as whole as they were checked."""
    size = sum(file.stat().st_size for file in result.files)
    places = []
    for file in result.files:
        copied = draft / f"{file.name}.whole"
        shutil.copyfile(file, copied)  # the weights belong to two formats
        os.replace(copied, folder / file.name)
        places.append(folder / file.name)
    return Exported(result.format, tuple(places), size, result.difference, result.tolerance, result.problem)


def _failed(name: str, problem: str) -> Exported:
    return Exported(name, (), 0, None, TOLERANCES[name], problem)
