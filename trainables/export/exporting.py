"""All formats of a network into one folder: written aside, checked, and moved there only if they are right."""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
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
from trainables.export.standardized import metadata, raw_of, standardized
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
"""Called before each step with its text, its number and the number of steps."""


@dataclass(frozen=True, slots=True)
class Exported:
    """One format: its files, how far its outputs are from the network's, or why there are none.

    Attributes:
        difference: the greatest of an output; None where nothing was compared.
        tolerance: the greatest that is allowed, as a part of the greatest output, where it is no rounding.
        inputs: "raw" where the files standardize what they are given, "standardized" where that is left to their user;
            empty where the network was trained on inputs as they are.
        problem: why the format is not there, or, with files, why it was not compared; empty if all is well.
    """

    format: str
    files: tuple[Path, ...]
    bytes: int
    difference: float | None
    tolerance: float
    problem: str = ""
    inputs: str = ""


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
    normalization: bool = True,
    progress: Progress = lambda what, step, steps: None,
) -> list[Exported]:
    """Write `deployed` into `folder` in each of the `formats`; `facts` are lines for the docstring of `model.py`.

    With `normalization` programs, ONNX files and `load()` of `model.py` take raw inputs, where the network has a mean
    and a deviation of those; what is built from the weights ("safetensors") never does.

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
    work = {kind: _Work(own, _takes(own, kind, normalization), identifier, tuple(facts)) for kind in wanted}
    with draft_folder(folder, "export") as draft:
        found = []
        for place, name in enumerate(wanted):
            progress(f"writing {name}", 2 * place, 2 * len(wanted))
            result = _made(name, work[name], draft)
            if not result.problem:
                progress(f"checking {name} in a fresh interpreter", 2 * place + 1, 2 * len(wanted))
                result = _checked(result, work[name], draft, batches)
            found.append(_kept(result, draft, folder))
        return found


@dataclass(frozen=True)
class _Work:
    """What the files of one format are made of; `inputs` is as that of `Exported`."""

    own: Deployed
    inputs: str
    identifier: str
    facts: tuple[str, ...]

    @property
    def raw(self) -> bool:
        return self.inputs == "raw"

    @property
    def network(self) -> torch.nn.Module:
        return standardized(self.own) if self.raw else self.own.network

    def given(self, inputs: torch.Tensor) -> torch.Tensor:
        """What the files take for these inputs of the network."""
        return raw_of(self.own, inputs) if self.raw else inputs

    @property
    def metadata(self) -> dict[str, str]:
        return metadata(self.own, self.identifier, raw=self.raw)


def _takes(own: Deployed, kind: str, normalization: bool) -> str:
    if not own.standardizes:
        return ""
    return "raw" if normalization and kind != "safetensors" else "standardized"


def _on_cpu(deployed: Deployed, network: torch.nn.Module) -> Deployed:
    inputs = deployed.inputs.detach().to("cpu", memory_format=torch.contiguous_format)
    return replace(deployed, network=network, inputs=inputs)


def _made(name: str, work: _Work, draft: Path) -> Exported:
    """The files of one format, written into `draft`; what torch cannot export is said, and no error."""
    own, examples = work.own, work.given(work.own.inputs[:2])
    try:
        if name in ("safetensors", "py"):
            write_weights(own.network, draft / WEIGHTS)
        if name == "safetensors":
            document = json.dumps(described(own, work.identifier), indent=2, ensure_ascii=False)
            (draft / ARCHITECTURE).write_text(f"{document}\n", encoding="utf-8")
        elif name == "py":
            write_model(own, (own.inputs[:2], own.inputs[:3]), work.facts, draft / MODEL, raw=work.raw)
        elif name == "pt2":
            write_program(work.network, examples, draft / PROGRAM, work.metadata)
        else:
            write_onnx(work.network, examples, draft / ONNX, work.metadata)
    except UntraceableError as error:
        return _failed(name, f"{error}; the other formats do not need its source")
    except (OSError, NasTuneError):
        raise
    except Exception as error:  # noqa: BLE001 -- what a user's network raises inside torch's exporters is a result
        return _failed(name, f"torch cannot export it: {type(error).__name__}: {first_line(error)}")
    return Exported(name, tuple(draft / file for file in FILES[name]), 0, None, TOLERANCES[name], inputs=work.inputs)


def _checked(result: Exported, work: _Work, draft: Path, batches: dict[str, torch.Tensor]) -> Exported:
    if result.format == "safetensors" and work.own.settings is None:
        return replace(result, problem="not rebuilt: trainables.build cannot make this network alone")
    if result.format == "safetensors" and (why := unfindable(work.own.space)):
        return replace(result, problem=f"not rebuilt: {why}")
    given = {name: work.given(inputs) for name, inputs in batches.items()}
    try:
        return replace(result, difference=compared(work.network, result.format, draft, given))
    except NotTheSameError as error:
        return _failed(result.format, str(error))


def _kept(result: Exported, draft: Path, folder: Path) -> Exported:
    """The files at their place, as whole as they were checked."""
    size = sum(file.stat().st_size for file in result.files)
    places = []
    for file in result.files:
        copied = draft / f"{file.name}.whole"
        shutil.copyfile(file, copied)  # the weights belong to two formats
        os.replace(copied, folder / file.name)
        places.append(folder / file.name)
    return replace(result, files=tuple(places), bytes=size)


def _failed(name: str, problem: str) -> Exported:
    return Exported(name, (), 0, None, TOLERANCES[name], problem)
