"""All formats of a network into one folder: written aside, checked, and moved there only if they are right."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from search_spaces.errors import NasTuneError
from search_spaces.names import did_you_mean
from search_spaces.registry import OURS
from trainables.drafts import draft_folder
from trainables.errors import NotTheSameError, TrainableError, first_line
from trainables.export.check import compared, random_batches
from trainables.export.deployed import Deployed
from trainables.export.format import Work
from trainables.export.formats import FORMATS, STANDARD
from trainables.export.tracing import UntraceableError

__all__ = ["Exported", "Progress", "check_formats", "export_network"]

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
    wanted = list(dict.fromkeys(name.strip() for name in formats if name.strip()))
    for name in wanted:
        if name not in FORMATS:
            known = FORMATS.names()
            raise TrainableError(f"format {name!r} is unknown{did_you_mean(name, known)}; known: {', '.join(known)}")
    if not wanted:
        raise TrainableError(f"no format was given; known: {', '.join(FORMATS)}")
    for name in wanted:
        FORMATS.get(name).check()
    return tuple(sorted(wanted, key=lambda name: STANDARD.index(name) if name in STANDARD else len(STANDARD)))


def export_network(
    deployed: Deployed,
    folder: Path,
    formats: Iterable[str] = STANDARD,
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
    work = {kind: Work(own, _takes(own, kind, normalization), identifier, tuple(facts)) for kind in wanted}
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


def _takes(own: Deployed, kind: str, normalization: bool) -> str:
    if not own.standardizes:
        return ""
    return "raw" if normalization and FORMATS.get(kind).raw else "standardized"


def _on_cpu(deployed: Deployed, network: torch.nn.Module) -> Deployed:
    inputs = deployed.inputs.detach().to("cpu", memory_format=torch.contiguous_format)
    return replace(deployed, network=network, inputs=inputs)


def _made(name: str, work: Work, draft: Path) -> Exported:
    """The files of one format, written into `draft`; what torch cannot export is said, and no error."""
    form = FORMATS.get(name)
    try:
        form.write(work, draft)
    except UntraceableError as error:
        return _failed(name, f"{error}; the other formats do not need its source")
    except (OSError, NasTuneError):
        raise
    except Exception as error:  # noqa: BLE001 -- what a user's network raises inside torch's exporters is a result
        who = "torch cannot export it" if FORMATS.origin(name) == OURS else "it cannot be written"
        return _failed(name, f"{who}: {type(error).__name__}: {first_line(error)}")
    files = tuple(draft / file for file in form.files)
    if lacking := [file.name for file in files if not file.is_file()]:
        return _failed(name, f"it did not write {', '.join(lacking)}")
    return Exported(name, files, 0, None, form.tolerance, inputs=work.inputs)


def _checked(result: Exported, work: Work, draft: Path, batches: dict[str, torch.Tensor]) -> Exported:
    if why := FORMATS.get(result.format).uncheckable(work.own):
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
    return Exported(name, (), 0, None, FORMATS.get(name).tolerance, problem)
