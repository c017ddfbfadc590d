"""Exported files are loaded in a fresh interpreter, which knows nothing of the network, and compared with it.

The interpreter gets the inputs in a safetensors file and leaves its outputs in another one. What is said of
`model.py`, `program.pt2` and `model.onnx` is said without this project: importing it is forbidden there.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from trainables import networks
from trainables.drafts import draft_folder
from trainables.errors import NotTheSameError
from trainables.export.formats import FORMATS
from trainables.export.weights import ARCHITECTURE

__all__ = ["compared", "compared_onnx", "random_batches"]

_ROUNDINGS = 10
"""Two engines round apart: a file may be so many times further from the network than that is from itself in float64."""
_LOOSEST = 0.01
"""Whatever the rounding, no more than this part of the greatest output."""

_SIZES = (1, 5)
_SECONDS = 600

_ALONE = """
import sys
for name in ("nas_tune", "trainables", "search_spaces"):
    sys.modules[name] = None
"""
_TENSORS = """
import torch
from safetensors.torch import load_file, save_file
place, given, left = sys.argv[1:]
{loads}
with torch.no_grad():
    save_file({{name: run(inputs).contiguous() for name, inputs in load_file(given).items()}}, left)
"""
_ARRAYS = """
from safetensors.numpy import load_file, save_file
place, given, left = sys.argv[1:]
{loads}
save_file({{name: run(inputs) for name, inputs in load_file(given).items()}}, left)
"""
_REGISTERS = """
import importlib
from trainables import networks
found = importlib.import_module({module!r})
for part in {attribute!r}.split("."):
    found = getattr(found, part)
networks.register({name!r}, found, replace=True)
"""


def random_batches(inputs: Tensor) -> dict[str, Tensor]:
    """Batches of 1 and of 5 by their sizes: normal numbers, or, of whole numbers, those of `inputs`."""
    generator = torch.Generator().manual_seed(0)
    shape = inputs.shape[1:]
    if inputs.is_floating_point():
        return {str(n): torch.randn((n, *shape), generator=generator, dtype=inputs.dtype) for n in _SIZES}
    return {str(n): inputs[torch.randint(len(inputs), (n,), generator=generator)] for n in _SIZES}


def compared(network: nn.Module, kind: str, folder: Path, batches: dict[str, Tensor]) -> float:
    """How far the outputs of the files of this `kind` in `folder` are from those of `network`, at most.

    A builder that was registered here for the space of the network is known to the fresh interpreter by its own name.

    Raises:
        NotTheSameError: the files cannot be loaded, or differ by more than the tolerance.
    """
    with torch.no_grad():
        wanted = {name: network(inputs) for name, inputs in batches.items()}
    found = _outputs(kind, _place(kind, folder), batches)
    return _checked(found, wanted, FORMATS.get(kind).tolerance, lambda: _rounding(network, batches, wanted))


def _place(kind: str, folder: Path) -> Path:
    """What the check hands to a fresh interpreter: the file of a format that has one, else the folder."""
    files = FORMATS.get(kind).files
    return folder / files[0] if len(files) == 1 else folder


def compared_onnx(file: Path, batches: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """How far the outputs of an ONNX file in a fresh interpreter are from those `wanted`, at most.

    Raises:
        NotTheSameError: it cannot be loaded, or differs by more than the tolerance.
    """
    return _checked(_outputs("onnx", file, batches), wanted, FORMATS.get("onnx").tolerance)


def _checked(
    found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float, rounding: Callable[[], float] = lambda: 0.0
) -> float:
    """The difference, if it is within the tolerance or, of a network that amplifies it, within what is rounding."""
    difference = max(_difference(found.get(name), tensor) for name, tensor in wanted.items())
    greatest = max(float(tensor.abs().max()) for tensor in wanted.values())
    allowed = tolerance * greatest
    if not difference <= allowed:
        allowed = max(allowed, min(_ROUNDINGS * rounding(), _LOOSEST * greatest))
    if not difference <= allowed:
        raise NotTheSameError(
            f"the outputs differ by {difference:.2g} from the network's, and {allowed:.2g} is allowed; it was not kept"
        )
    return difference


def _rounding(network: nn.Module, batches: dict[str, Tensor], wanted: dict[str, Tensor]) -> float:
    """How far the outputs of `network` are from those of its copy in float64; 0 where there is no such copy."""
    try:
        exact = copy.deepcopy(network).double()
        with torch.no_grad():
            outputs = {
                name: exact(inputs.double() if inputs.is_floating_point() else inputs)
                for name, inputs in batches.items()
            }
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return 0.0  # a network that names float32 somewhere inside is held to the tolerance alone
    return max(_difference(outputs[name], tensor) for name, tensor in wanted.items())


def _difference(found: Tensor | None, wanted: Tensor) -> float:
    if found is None or found.shape != wanted.shape:
        return float("inf")
    return float((found - wanted).abs().max())


def _outputs(kind: str, place: Path, batches: dict[str, Tensor]) -> dict[str, Tensor]:
    # In the draft of the export, whose files they are: what a kill leaves of it goes with it.
    with draft_folder(place if place.is_dir() else place.parent, "check") as aside:
        given, left = aside / "inputs.safetensors", aside / "outputs.safetensors"
        safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in batches.items()}, given)
        _run(kind, [str(place), str(given), str(left)])
        return safetensors.torch.load_file(left)


def _registering(folder: Path) -> str:
    """What a fresh interpreter does first, to know the network of an export that was registered here."""
    try:
        space = json.loads((folder / ARCHITECTURE).read_bytes())["space"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # which the interpreter will say
    found = networks.registered(space)
    if found is None:
        return ""
    builder = found.builder
    return _REGISTERS.format(name=space, module=builder.__module__, attribute=getattr(builder, "__qualname__", ""))


def _run(kind: str, arguments: Sequence[str]) -> None:
    form = FORMATS.get(kind)
    script = _ALONE if form.alone else f"import sys\n{_registering(Path(arguments[0]))}"
    script += (_ARRAYS if form.arrays else _TENSORS).format(loads=form.loads)
    # What needs this project, or that of its builder, finds it where it is; the others see installed packages only.
    flags, environment = ["-I"], dict(os.environ)
    if not form.alone:
        flags, environment["PYTHONPATH"] = ["-P"], os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, *flags, "-B", "-c", script, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and script
            command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotTheSameError(f"a fresh interpreter took over {_SECONDS} s to load it; it was not kept") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotTheSameError(f"a fresh interpreter cannot load it: {last}; it was not kept")
