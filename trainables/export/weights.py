"""The format safetensors: weights, and their architecture as JSON. It needs no pickle; `rebuilt` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from search_spaces.errors import UnknownNameError
from trainables import networks
from trainables.errors import CheckpointError, TrainableError
from trainables.export.deployed import Deployed
from trainables.export.format import Format, Work
from trainables.export.naming import INPUT
from trainables.export.resizing import resize
from trainables.export.standardized import described_outputs
from trainables.networks import build

__all__ = [
    "ARCHITECTURE",
    "FORMAT",
    "VERSION",
    "WEIGHTS",
    "architecture_document",
    "rebuilt",
    "unfindable",
    "write_weights",
]

WEIGHTS, ARCHITECTURE = "weights.safetensors", "architecture.json"
VERSION = 1


def write_weights(network: nn.Module, path: Path) -> None:
    """Write the state dict of a network as safetensors; a tensor that two modules share is written twice.

    Args:
        network: the network.
        path: the file.
    """
    state: dict[str, Tensor] = {}
    for name, tensor in network.state_dict().items():
        state[name] = tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
    path.write_bytes(safetensors.torch.save(state, {"format": "pt"}))


def architecture_document(deployed: Deployed, identifier: str) -> dict[str, Any]:
    """Collect the content of `architecture.json`.

    Args:
        deployed: the network.
        identifier: the canonical id of the architecture.

    Returns:
        The content, which JSON can represent.
    """
    return {
        "format": VERSION,
        "space": deployed.space,
        "id": identifier,
        "architecture": deployed.architecture,
        "settings": deployed.settings,
        **({"layers": deployed.layers} if deployed.layers else {}),
        **_inputs(deployed),
        "classes": list(deployed.classes) or None,
        **({"output": described_outputs(deployed, raw=False)} if deployed.output_mean else {}),
    }


def _inputs(deployed: Deployed) -> dict[str, Any]:
    described = {name: _described(tensor) for name, tensor in deployed.named.items()}
    if not isinstance(deployed.inputs, Tensor):
        return {"inputs": described}
    known = {
        "mean": list(deployed.mean) or None,
        "std": list(deployed.std) or None,
        "raw_dtype": deployed.raw_dtype or None,
        "raw_range": list(deployed.raw_range) or None,
    }
    return {"input": {**described[INPUT], **known}}


def _described(tensor: Tensor) -> dict[str, Any]:
    return {"shape": ["batch", *tensor.shape[1:]], "dtype": str(tensor.dtype).removeprefix("torch.")}


def rebuilt(folder: str | Path) -> nn.Module:
    """Build the network of an exported folder by `trainables.build`, and load its weights.

    Args:
        folder: a folder with `weights.safetensors` and `architecture.json`.

    Returns:
        The network, in evaluation mode.

    Raises:
        CheckpointError: the files are missing, damaged or do not fit.
        TrainableError: `trainables.build` cannot make the network; `model.py` can.
    """
    folder = Path(folder)
    try:
        document = json.loads((folder / ARCHITECTURE).read_bytes())
        weights = safetensors.torch.load_file(folder / WEIGHTS)
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{folder} holds no exported weights: {error}; export them again") from error
    if not isinstance(document, dict) or document.get("format") != VERSION:
        raise CheckpointError(f"{folder / ARCHITECTURE} is of another format than {VERSION}; export it again")
    settings = document["settings"]
    if not isinstance(settings, Mapping):
        raise TrainableError(f"trainables.build cannot make the network of {folder}; use its model.py")
    if isinstance(settings.get("image_size"), list):
        settings = {**settings, "image_size": tuple(settings["image_size"])}  # JSON has no tuples
    try:
        network = build(document["space"], document["architecture"], **settings).eval()
    except UnknownNameError as error:
        raise TrainableError(
            f"{folder}: {error}; if it is your own, register its builder first (trainables.networks.register), or use "
            "model.py"
        ) from error
    if document.get("layers"):
        resize(network, document["layers"], weights)
    try:
        network.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise CheckpointError(f"{folder / WEIGHTS} does not fit its architecture: {error}; export it again") from error
    return network


def _write(work: Work, folder: Path) -> None:
    write_weights(work.own.network, folder / WEIGHTS)
    document = json.dumps(architecture_document(work.own, work.identifier), indent=2, ensure_ascii=False)
    (folder / ARCHITECTURE).write_text(f"{document}\n", encoding="utf-8")


def unfindable(space: str) -> str:
    """Check whether a fresh interpreter can import the builder that this process has registered for a space.

    Args:
        space: the name of the space.

    Returns:
        Why it cannot; empty where it can, or where nothing is registered.
    """
    found = networks.registered(space)
    if found is None:
        return ""
    if not found.named:
        kind = type(found.origin).__name__
        return f"the network of {space!r} is an instance of {kind} without a name to import; give its class"
    if "<" in found.named or found.named.startswith("__main__:"):
        return (
            f"the network of {space!r} was registered by a script or notebook ({found.named}); define its builder at "
            "the top level of a module file"
        )
    return ""


def _uncheckable(own: Deployed) -> str:
    return "trainables.build cannot make this network alone" if own.settings is None else unfindable(own.space)


FORMAT = Format(
    files=(WEIGHTS, ARCHITECTURE),
    write=_write,
    loads="from trainables.export.weights import rebuilt\nrun = rebuilt(place)",
    alone=False,
    raw=False,
    uncheckable=_uncheckable,
    rebuilds=rebuilt,
    shows="python -c 'from trainables.export import rebuilt; print(rebuilt(\".\"))'      # needs nas_tune",
)
