"""What changes raw inputs and outputs as a part of the network, and the metadata about inputs and outputs."""

from __future__ import annotations

import json
import operator
from typing import Any

import torch
from torch import Tensor, fx, nn

from trainables.export.deployed import Deployed
from trainables.export.naming import OUTPUT, named_inputs, named_outputs, positional, with_names
from trainables.training.batches import Batch, called

__all__ = [
    "Standardized",
    "described_inputs",
    "described_outputs",
    "metadata",
    "raw_examples",
    "raw_named",
    "raw_of",
    "standardized",
    "with_raw_inputs",
]


class Standardized(nn.Module):
    """A network for raw inputs (n, channels, ...): it is given `(raw - mean) / std`.

    Args:
        network: the network for standardized inputs.
        mean: (1, channels, 1, ..), of the raw inputs.
        std: (1, channels, 1, ..), of the raw inputs.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, raw: Tensor) -> Any:
        return self.network((raw - self.mean) / self.std)


def standardized(deployed: Deployed) -> nn.Module:
    """Put the standardization of the inputs into a network.

    Args:
        deployed: the network, with mean and deviation of its raw inputs.

    Returns:
        The network for raw inputs of the same dtype, in evaluation mode.
    """
    return Standardized(deployed.network, *_statistics(deployed)).eval()


def with_raw_inputs(deployed: Deployed) -> nn.Module:
    """Put everything between raw inputs and the outputs for users into one network.

    Args:
        deployed: the network on the CPU, which says how its inputs and outputs are changed.

    Returns:
        The network for raw inputs, in evaluation mode. Where a task has its own `prepare` or `finish` it is a graph
        whose inputs have the names of the raw ones, and which has the network as its `network`.
    """
    if deployed.prepare is None and deployed.finish is None:
        return standardized(deployed)
    prepare = deployed.prepare or (_standardize(deployed) if deployed.standardizes else None)
    graph, network, raw = fx.Graph(), deployed.network, raw_examples(deployed)
    values: Any = {name: graph.placeholder(name) for name in _raw_names(deployed)}
    given = with_names(raw, values)
    if prepare is not None:
        # Functions of this module, since the target of a node needs a plain name.
        change = prepare

        def prepared(*batch: Batch) -> Any:
            return positional(network, change(batch[0] if isinstance(raw, Tensor | dict) else batch))

        arguments = graph.call_function(prepared, tuple(given) if isinstance(raw, tuple) else (given,))
        with torch.no_grad():
            count = len(positional(network, change(raw)))
        own = [graph.call_function(operator.getitem, (arguments, place)) for place in range(count)]
        outputs = graph.call_module("network", tuple(own))
    else:
        outputs = graph.call_module("network", _in_order(network, given))
    if deployed.finish is not None:
        finish = deployed.finish

        def finished(batch: Batch) -> Any:
            return finish(batch)

        outputs = graph.call_function(finished, (outputs,))
    graph.output(outputs)
    return fx.GraphModule({"network": network}, graph).eval()


def _in_order(network: nn.Module, given: Any) -> tuple[Any, ...]:
    return positional(network, given) if isinstance(given, dict) else given if isinstance(given, tuple) else (given,)


def _standardize(deployed: Deployed) -> Any:
    mean, std = _statistics(deployed)
    return lambda raw: (raw - mean) / std


def raw_named(deployed: Deployed) -> dict[str, Tensor]:
    """Name the examples of raw inputs.

    Args:
        deployed: the network.

    Returns:
        The examples by the names that the inputs of files for raw inputs have.
    """
    raw = raw_examples(deployed)
    tensors = [raw] if isinstance(raw, Tensor) else list(raw.values() if isinstance(raw, dict) else raw)
    return dict(zip(_raw_names(deployed), tensors, strict=True))


def _raw_names(deployed: Deployed) -> list[str]:
    """The names of the raw inputs: their own in a dict, those of the network's arguments where these fit."""
    raw = raw_examples(deployed)
    if isinstance(raw, tuple) and deployed.prepare is not None:
        return [f"input_{place}" for place in range(len(raw))]
    return list(named_inputs(deployed.network, raw))


def raw_examples(deployed: Deployed) -> Batch:
    """Return examples of raw inputs.

    Args:
        deployed: the network.

    Returns:
        (n, ...), as users of an exported file have them.
    """
    if deployed.prepare is not None:
        return deployed.raw
    return raw_of(deployed, deployed.inputs) if deployed.standardizes else deployed.inputs


def raw_of(deployed: Deployed, inputs: Tensor) -> Tensor:
    """Invert the standardization of inputs.

    Args:
        deployed: the network, with mean and deviation of its raw inputs.
        inputs: (n, ...), standardized.

    Returns:
        (n, ...), raw, but for rounding.
    """
    mean, std = _statistics(deployed)
    return inputs * std + mean


def _statistics(deployed: Deployed) -> tuple[Tensor, Tensor]:
    shape = (1, -1, *[1] * (deployed.inputs.dim() - 2))
    mean, std = (torch.tensor(one, dtype=deployed.inputs.dtype).view(shape) for one in (deployed.mean, deployed.std))
    return mean, std


def described_inputs(deployed: Deployed, *, raw: bool) -> str:
    """Describe the inputs of a file for a person.

    Args:
        deployed: the network.
        raw: whether the file takes raw inputs.

    Returns:
        Dtype, shape and scale, in words; of several inputs after the name of each.
    """
    if deployed.prepare is None and isinstance(deployed.inputs, Tensor):
        return f"{_kind(deployed.inputs)}{_scale_of_one(deployed, raw=raw)}"
    if not raw:
        named, rest = deployed.named, "as the network expects them"
        if deployed.prepare is not None:
            rest += ", prepared from raw inputs"
        return f"{'; '.join(_titled(name, one, '') for name, one in named.items())}; {rest}"
    parts = [_titled(name, one, deployed.meanings.get(name, "")) for name, one in raw_named(deployed).items()]
    rest = "raw, as they are in the data" if deployed.prepare is not None else "as the network expects them"
    return f"{'; '.join(parts)}; {rest}"


def _titled(name: str, tensor: Tensor, meaning: str) -> str:
    return f"{name}: {_kind(tensor)}" + (f" ({meaning})" if meaning else "")


def _kind(tensor: Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{dtype} of shape ({', '.join(['n', *map(str, tensor.shape[1:])])})"


def _scale_of_one(deployed: Deployed, *, raw: bool) -> str:
    if not deployed.standardizes:
        return ", as the network expects them"
    if not raw:
        return ", standardized: (raw - mean) / std"
    known = []
    if deployed.raw_dtype:
        known.append(f"{deployed.raw_dtype} in the data")
    if deployed.raw_range:
        low, high = (f"{one:g}" for one in deployed.raw_range)
        known.append(f"{low} to {high} in its training images")
    said = f" ({', '.join(known)})" if known else ""
    return f", raw: with the values that the data set has{said}, unscaled"


def described_outputs(deployed: Deployed, *, raw: bool = True) -> str:
    """Describe the outputs of a file for a person.

    Args:
        deployed: the network.
        raw: whether the file takes raw inputs; it then finishes the outputs, too.

    Returns:
        What each number means, in words; empty where it is not known.
    """
    if "output" in deployed.meanings:
        return deployed.meanings["output"]
    if deployed.classes:
        return "one number for each class, before softmax"
    if deployed.finish is not None and not raw:
        return "what the network gives; files that take raw inputs also apply the last step of the task"
    if not deployed.output_mean:
        return ""
    if deployed.is_scaled:
        return "the targets in their own units"
    return "standardized targets: output * output_std + output_mean is in the units of the targets"


def metadata(deployed: Deployed, identifier: str, *, raw: bool) -> dict[str, str]:
    """Collect the metadata of a file.

    Args:
        deployed: the network.
        identifier: the canonical id of the architecture.
        raw: whether the file takes raw inputs.

    Returns:
        The texts by name; lists are JSON, and empty entries are left out.
    """
    said: dict[str, Any] = {
        "input": described_inputs(deployed, raw=raw),
        "normalization": _normalization(deployed, raw=raw),
        "mean": list(deployed.mean),
        "std": list(deployed.std),
        "raw_dtype": deployed.raw_dtype,
        "raw_range": list(deployed.raw_range),
        "outputs": _outputs(deployed),
        "output": described_outputs(deployed, raw=raw),
        "output_mean": [] if deployed.is_scaled else list(deployed.output_mean),
        "output_std": [] if deployed.is_scaled else list(deployed.output_std),
        "classes": list(deployed.classes),
        "task": deployed.task,
        "reading": dict(deployed.reading),
        "data": deployed.data,
        "space": deployed.space,
        "architecture_id": identifier,
    }
    found: dict[str, str] = {}
    for name, value in said.items():
        if value:
            found[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found


def _outputs(deployed: Deployed) -> list[str]:
    """The names of several outputs; empty for one."""
    with torch.no_grad():
        names = list(named_outputs(called(deployed.network, deployed.inputs)))
    return [] if names == [OUTPUT] else names


def _normalization(deployed: Deployed, *, raw: bool) -> str:
    if deployed.prepare is not None:
        return "inside: give raw inputs" if raw else "outside: give prepared inputs"
    if not deployed.standardizes:
        return "none"
    return "inside: give raw inputs" if raw else "outside: give (raw - mean) / std"
