"""Comparison of exported files with the network: a fresh interpreter loads the files and computes their outputs.

The interpreter reads the inputs from one safetensors file and writes its outputs to another. For formats that work
without this project, such as `model.py`, `program.pt2` and `model.onnx`, it forbids to import this project.
"""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

from trainables import networks
from trainables.drafts import draft_folder
from trainables.errors import NotTheSameError
from trainables.export.formats import FORMATS
from trainables.export.naming import named_inputs, named_outputs
from trainables.export.weights import ARCHITECTURE
from trainables.training.batches import Batch, called, mapped

__all__ = ["compared", "compared_here", "compared_onnx", "random_batches"]

_ROUNDINGS = 10
"""The difference allowed, as a multiple of the difference between the network and its copy in float64."""
_LOOSEST = 0.01
"""The greatest difference allowed by rounding, as a share of the greatest output."""

_FORMS = {Tensor: "tensor", tuple: "tuple", dict: "dict"}
_SIZES = (1, 5)
_SECONDS = 600
"""The time limit of an interpreter."""

_ALONE = """
import sys
for name in ("nas_tune", "trainables", "search_spaces"):
    sys.modules[name] = None
"""
_CALLING = """
import json
place, given, left, form, names = sys.argv[1:]
names = json.loads(names)
{loads}
def named(value, prefix=""):
    if isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, (list, tuple)):
        pairs = [(str(index) if prefix else f"output_{{index}}", part) for index, part in enumerate(value)]
    else:
        return {{prefix or "output": value}}
    found = {{}}
    for key, part in pairs:
        found.update(named(part, f"{{prefix}}_{{key}}" if prefix else key))
    return found
def outputs(tensors):
    found = {{}}
    for batch in sorted({{name.partition("/")[0] for name in tensors}}):
        values = {{name: tensors[f"{{batch}}/{{name}}"] for name in names}}
        made = run(**values) if form == "dict" else run(*values.values())
        for name, tensor in named(made).items():
            found[f"{{batch}}/{{name}}"] = tensor
    return found
"""
_TENSORS = (
    "import torch\nfrom safetensors.torch import load_file, save_file\n"
    + _CALLING
    + """
with torch.no_grad():
    save_file({{name: one.clone().contiguous() for name, one in outputs(load_file(given)).items()}}, left)
"""
)
_ARRAYS = (
    "from safetensors.numpy import load_file, save_file\n" + _CALLING + "\nsave_file(outputs(load_file(given)), left)\n"
)
_REGISTERS = """
import importlib
from trainables import networks
found = importlib.import_module({module!r})
for part in {attribute!r}.split("."):
    found = getattr(found, part)
networks.register({name!r}, networks.family({name!r}, found, {small!r}), replace=True)
"""


def random_batches(inputs: Batch, *, drawn: bool = False) -> dict[str, Batch]:
    """Make batches of 1 and of 5 random inputs, always the same.

    Args:
        inputs: example inputs, (n, ...).
        drawn: draw all of them from the examples, for inputs of which some values make no sense.

    Returns:
        By their sizes, batches of normal numbers where the inputs are floats; else of examples drawn from the inputs.
    """
    generator = torch.Generator().manual_seed(0)

    def some(tensor: Tensor, n: int) -> Tensor:
        if tensor.is_floating_point() and not drawn:
            return torch.randn((n, *tensor.shape[1:]), generator=generator, dtype=tensor.dtype)
        return tensor[torch.randint(len(tensor), (n,), generator=generator)]

    return {str(n): mapped(partial(some, n=n), inputs) for n in _SIZES}


def compared(network: nn.Module, kind: str, folder: Path, batches: dict[str, Batch]) -> float:
    """Compare the outputs of exported files in a fresh interpreter with those of the network.

    A builder that this process has registered for the space of the network is registered in the interpreter too.

    Args:
        network: the network in evaluation mode, on the CPU.
        kind: the name of the format.
        folder: the folder with the files.
        batches: the inputs by any names.

    Returns:
        The greatest difference between two outputs.

    Raises:
        NotTheSameError: the files cannot be loaded, or the difference is greater than the tolerance.
    """
    wanted = _by_network(network, batches)
    files = FORMATS.get(kind).files
    form = next(iter(batches.values()))
    named = {name: named_inputs(network, inputs) for name, inputs in batches.items()}
    found = _outputs(kind, folder / files[0] if len(files) == 1 else folder, named, _FORMS[type(form)])
    return _checked(found, wanted, FORMATS.get(kind).tolerance, lambda: _rounding(network, batches, wanted))


def compared_here(network: nn.Module, other: nn.Module, batches: dict[str, Batch], tolerance: float) -> float:
    """Compare the outputs of a network that was loaded from a file in this process with those of the network.

    Args:
        network: the network in evaluation mode, on the CPU.
        other: what was loaded.
        batches: the inputs by any names.
        tolerance: the greatest difference allowed, as a share of the greatest output.

    Returns:
        The greatest difference between two outputs.

    Raises:
        NotTheSameError: the difference is greater than the tolerance.
    """
    wanted = _by_network(network, batches)
    return _checked(_by_network(other, batches), wanted, tolerance, lambda: _rounding(network, batches, wanted))


def compared_onnx(file: Path, batches: dict[str, dict[str, Tensor]], wanted: dict[str, Batch]) -> float:
    """Compare the outputs of an ONNX file in a fresh interpreter with known outputs.

    Args:
        file: the ONNX file.
        batches: the inputs of batches by any names, each input by its name.
        wanted: the known outputs by the same names of batches.

    Returns:
        The greatest difference between two outputs.

    Raises:
        NotTheSameError: the file cannot be loaded, or the difference is greater than the tolerance.
    """
    found = _outputs("onnx", file, batches, "dict")
    return _checked(found, _flat(wanted), FORMATS.get("onnx").tolerance)


def _by_network(network: nn.Module, batches: dict[str, Batch]) -> dict[str, Tensor]:
    with torch.no_grad():
        return _flat({batch: called(network, inputs) for batch, inputs in batches.items()})


def _flat(outputs: dict[str, Batch]) -> dict[str, Tensor]:
    """Outputs by "batch/output"."""
    found: dict[str, Tensor] = {}
    for batch, one in outputs.items():
        for name, tensor in named_outputs(one).items():
            found[f"{batch}/{name}"] = tensor
    return found


def _checked(
    found: dict[str, Tensor], wanted: dict[str, Tensor], tolerance: float, rounding: Callable[[], float] = lambda: 0.0
) -> float:
    """Return the difference if it is within the tolerance, or explained by rounding that the network amplifies."""
    differences = []
    for output in dict.fromkeys(name.partition("/")[2] for name in wanted):
        names = [name for name in wanted if name.partition("/")[2] == output]
        difference = max(_difference(found.get(name), wanted[name]) for name in names)
        greatest = max(float(wanted[name].abs().max()) for name in names)
        allowed = tolerance * greatest
        if not difference <= allowed:
            allowed = max(allowed, min(_ROUNDINGS * rounding(), _LOOSEST * greatest))
        if not difference <= allowed:
            raise NotTheSameError(
                f"the outputs differ by {difference:.2g} from the network's, and {allowed:.2g} is allowed; the file "
                "was not kept"
            )
        differences.append(difference)
    return max(differences)


def _rounding(network: nn.Module, batches: dict[str, Batch], wanted: dict[str, Tensor]) -> float:
    """Compare the outputs of a network with those of its copy in float64; 0 where such a copy fails."""
    try:
        exact = copy.deepcopy(network).double()
        precise = {name: mapped(_as_float64, inputs) for name, inputs in batches.items()}
        outputs = _by_network(exact, precise)
    except (RuntimeError, TypeError, ValueError, NotImplementedError):
        return 0.0  # for a network that requires float32 somewhere inside, the tolerance alone decides
    return max(_difference(outputs[name], tensor) for name, tensor in wanted.items())


def _as_float64(tensor: Tensor) -> Tensor:
    return tensor.double() if tensor.is_floating_point() else tensor


def _difference(found: Tensor | None, wanted: Tensor) -> float:
    if found is None or found.shape != wanted.shape:
        return float("inf")
    if not wanted.is_floating_point():
        found, wanted = found.double(), wanted.double()
    return float((found - wanted).abs().max())


def _outputs(kind: str, place: Path, batches: dict[str, dict[str, Tensor]], form: str) -> dict[str, Tensor]:
    # Below the draft of the export, so that both are removed together after a kill.
    with draft_folder(place if place.is_dir() else place.parent, "check") as aside:
        given, left = aside / "inputs.safetensors", aside / "outputs.safetensors"
        flat = {}
        for batch, inputs in batches.items():
            for name, tensor in inputs.items():
                flat[f"{batch}/{name}"] = tensor.clone().contiguous()
        safetensors.torch.save_file(flat, given)
        names = list(next(iter(batches.values())))
        _run(kind, [str(place), str(given), str(left), form, json.dumps(names)])
        return safetensors.torch.load_file(left)


def _registering(folder: Path) -> str:
    """Write the code that registers, in a fresh interpreter, a network that this process has registered."""
    try:
        space = json.loads((folder / ARCHITECTURE).read_bytes())["space"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""  # the interpreter will fail with the reason
    found = networks.registered(space)
    if found is None:
        return ""
    module, _, attribute = found.named.partition(":")
    return _REGISTERS.format(name=space, module=module, attribute=attribute, small=dict(found.small))


def _run(kind: str, arguments: Sequence[str]) -> None:
    form = FORMATS.get(kind)
    script = _ALONE if form.alone else f"import sys\n{_registering(Path(arguments[0]))}"
    script += (_ARRAYS if form.arrays else _TENSORS).format(loads=form.loads)
    # A format that needs this project, or that of its builder, gets the path of this process; others see only packages.
    flags, environment = ["-I"], dict(os.environ)
    if not form.alone:
        flags, environment["PYTHONPATH"] = ["-P"], os.pathsep.join(filter(None, sys.path))
    command = [sys.executable, *flags, "-B", "-c", script, *arguments]
    try:
        done = subprocess.run(  # noqa: S603 -- our own interpreter and script
            command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise NotTheSameError(
            f"a fresh interpreter took over {_SECONDS} s to load the file; it was not kept"
        ) from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise NotTheSameError(f"a fresh interpreter cannot load it: {last}; it was not kept")
