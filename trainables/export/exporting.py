"""Export to one folder in several formats: files are written to a draft, checked, and moved only if they are right."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from search_spaces.errors import NasTuneError
from search_spaces.names import did_you_mean
from search_spaces.plug_ins import OUR_DISTRIBUTION
from trainables.drafts import draft_folder
from trainables.errors import CheckpointError, NotTheSameError, TrainableError, first_line
from trainables.export.check import compared, compared_here, random_batches
from trainables.export.deployed import Deployed
from trainables.export.format import Work
from trainables.export.formats import FORMATS, STANDARD
from trainables.export.outputs import in_units
from trainables.export.task_file import TASK_FILE, read_task_file, task_file_of
from trainables.export.tracing import UntraceableError
from trainables.training.batches import Batch, mapped

__all__ = ["Exported", "ProgressCallback", "check_formats", "export_network"]

ProgressCallback = Callable[[str, int, int], None]
"""A function that is called before each step with (text, step, total)."""


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export in one format.

    Attributes:
        format: the name of the format.
        files: the files that were written; empty if the format failed.
        bytes: total size of the files.
        difference: the greatest difference between an output of the files and the network's; None where the outputs
            were not compared.
        tolerance: the greatest difference allowed beyond rounding, as a share of the greatest output.
        problem: why the format failed or, with files, why its outputs were not compared in a fresh interpreter; empty
            otherwise.
        inputs: "raw" where the files change raw inputs as the network needs them, "standardized" or "prepared" where
            their user must do it; empty where the network was trained on raw inputs.
    """

    format: str
    files: tuple[Path, ...]
    bytes: int
    difference: float | None
    tolerance: float
    problem: str = ""
    inputs: str = ""


def check_formats(formats: Iterable[str]) -> tuple[str, ...]:
    """Check the formats of an export.

    Args:
        formats: names of formats, in any order.

    Returns:
        The names, each once, in the order in which an export writes them.

    Raises:
        TrainableError: a format is unknown, a package that it needs is missing, or there is no format.
    """
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
    progress: ProgressCallback = lambda what, step, steps: None,
) -> list[Exported]:
    """Write a network into a folder in several formats, and check each format in a fresh interpreter.

    Files of an earlier export are replaced, each at once. A format that fails leaves the earlier files. With "py" the
    file of the weights is written too.

    Args:
        deployed: the network.
        folder: the folder; made where it does not exist.
        formats: names of formats.
        identifier: the canonical id of the architecture.
        facts: lines for the docstring of `model.py`.
        normalization: whether programs, ONNX files and `load()` of `model.py` take raw inputs, if the network has their
            mean and deviation. A network that is rebuilt from "safetensors" never does.
        progress: called before each step with (text, step, total).

    Returns:
        The result of each format, in the order in which they were written.

    Raises:
        TrainableError: a format is unknown, or a package that it needs is missing.
        OSError: the folder cannot be written.
    """
    wanted = check_formats(formats)
    network = copy.deepcopy(deployed.network).cpu().to(memory_format=torch.contiguous_format).eval()
    own = in_units(replace(deployed, network=network, inputs=mapped(_on_cpu, deployed.inputs)))
    batches = random_batches(own.inputs) if own.prepare is None else random_batches(own.raw, drawn=True)
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
        takes = {one.format: one.inputs for one in found if one.files}
        _keep_task_file(own, identifier, takes, draft, folder)
        return found


def _on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.detach().to("cpu", memory_format=torch.contiguous_format)


def _takes(own: Deployed, kind: str, normalization: bool) -> str:
    if not own.changes:
        return ""
    if normalization and FORMATS.get(kind).raw:
        return "raw"
    return "standardized" if own.standardizes else "prepared"


def _made(name: str, work: Work, draft: Path) -> Exported:
    """Write the files of one format into `draft`. A network that torch cannot export is a result, not an error."""
    form = FORMATS.get(name)
    try:
        form.write(work, draft)
    except UntraceableError as error:
        return _failed(name, f"{error}; the other formats do not need its source")
    except (OSError, NasTuneError):
        raise
    except Exception as error:  # noqa: BLE001 -- torch's exporters run the code of a user's network
        who = "torch cannot export it" if FORMATS.origin(name) == OUR_DISTRIBUTION else "it cannot be written"
        apart = " (with normalization=False it leaves out what prepares raw inputs)" if work.own.prepare else ""
        return _failed(name, f"{who}{apart}: {type(error).__name__}: {first_line(error)}")
    files = tuple(draft / file for file in form.files)
    if lacking := [file.name for file in files if not file.is_file()]:
        return _failed(name, f"it did not write {', '.join(lacking)}")
    return Exported(name, files, 0, None, form.tolerance, inputs=work.inputs)


def _checked(result: Exported, work: Work, draft: Path, batches: dict[str, Batch]) -> Exported:
    form, given = FORMATS.get(result.format), {name: work.given(inputs) for name, inputs in batches.items()}
    try:
        if why := form.uncheckable(work.own):
            if form.rebuilds is None or work.own.settings is None:
                return replace(result, problem=f"not rebuilt: {why}")
            difference = compared_here(work.network, form.rebuilds(draft), given, form.tolerance)
            return replace(result, difference=difference, problem=f"compared in the exporting process only: {why}")
        return replace(result, difference=compared(work.network, result.format, draft, given))
    except (NotTheSameError, CheckpointError) as error:
        return _failed(result.format, str(error))


def _kept(result: Exported, draft: Path, folder: Path) -> Exported:
    """Move the files of the draft to their final place, each at once."""
    size = sum(file.stat().st_size for file in result.files)
    places = []
    for file in result.files:
        copied = draft / f"{file.name}.whole"
        shutil.copyfile(file, copied)  # a copy, because two formats share the file of the weights
        os.replace(copied, folder / file.name)
        places.append(folder / file.name)
    return replace(result, files=tuple(places), bytes=size)


def _keep_task_file(own: Deployed, identifier: str, takes: Mapping[str, str], draft: Path, folder: Path) -> None:
    """Write `task.json`, which also keeps what it said of files of an earlier export of the same network."""
    if not takes:
        return
    earlier: Mapping[str, str] = {}
    if (folder / TASK_FILE).is_file():
        with suppress(CheckpointError):
            before = read_task_file(folder)
            earlier = before.files if before.id == identifier else {}
    (draft / TASK_FILE).write_text(task_file_of(own, identifier, {**earlier, **takes}).text(), encoding="utf-8")
    os.replace(draft / TASK_FILE, folder / TASK_FILE)


def _failed(name: str, problem: str) -> Exported:
    return Exported(name, (), 0, None, FORMATS.get(name).tolerance, problem)
