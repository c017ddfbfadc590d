"""The names of inputs and outputs, and batches as flat tables of tensors by name.

A single input is called `input`, a single output `output`. A dict has its own names. The inputs of a tuple have the
names of the arguments of `forward`, its outputs `output_0`, `output_1`, ...
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor, nn

from trainables.errors import TrainableError
from trainables.training.batches import Batch

__all__ = ["INPUT", "OUTPUT", "named_inputs", "named_outputs", "positional", "with_names"]

INPUT, OUTPUT = "input", "output"


def named_inputs(network: nn.Module, inputs: Batch) -> dict[str, Tensor]:
    """Name the inputs of a network.

    Args:
        network: the network.
        inputs: a tensor, a tuple of tensors, or a dict of tensors.

    Returns:
        The tensors by name, in the order of `inputs`.

    Raises:
        TrainableError: the network takes fewer inputs, or they are nested.
    """
    if isinstance(inputs, Tensor):
        return {INPUT: inputs}
    if isinstance(inputs, Mapping):
        found = dict(inputs)
    else:
        parameters = _arguments(network)
        if len(parameters) < len(inputs):
            raise TrainableError(
                f"{type(network).__name__}.forward takes {len(parameters)} inputs by position, and the examples have "
                f"{len(inputs)}; give the examples as it takes them"
            )
        found = dict(zip(parameters, inputs, strict=False))
    for name, tensor in found.items():
        if not isinstance(tensor, Tensor):
            raise TrainableError(f"input {name!r} is a {type(tensor).__name__}; each input must be one tensor")
    return found


def _arguments(network: nn.Module) -> list[str]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(network.forward).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind in kinds]


def with_names(like: Batch, tensors: Mapping[str, Any]) -> Any:
    """Arrange named values as a batch.

    Args:
        like: a batch of the wanted form.
        tensors: the values by the names of `named_inputs`, in its order.

    Returns:
        One value, a tuple or a dict.
    """
    if isinstance(like, Tensor):
        return next(iter(tensors.values()))
    return dict(tensors) if isinstance(like, Mapping) else tuple(tensors.values())


def named_outputs(outputs: Any, prefix: str = "") -> dict[str, Tensor]:
    """Name the outputs of a network.

    Args:
        outputs: a tensor, a list or tuple, or a dict; these may be nested.
        prefix: the name of what `outputs` is a part of.

    Returns:
        The tensors by name, in order; the names of nested ones are joined by "_".
    """
    if isinstance(outputs, Mapping):
        pairs: Iterable[tuple[str, Any]] = [(str(key), part) for key, part in outputs.items()]
    elif isinstance(outputs, list | tuple):
        pairs = [(str(place) if prefix else f"{OUTPUT}_{place}", part) for place, part in enumerate(outputs)]
    else:
        return {prefix or OUTPUT: outputs}
    found: dict[str, Tensor] = {}
    for key, part in pairs:
        found.update(named_outputs(part, f"{prefix}_{key}" if prefix else key))
    return found


def positional(network: nn.Module, inputs: Batch) -> tuple[Any, ...]:
    """Arrange inputs as positional arguments.

    Args:
        network: the network.
        inputs: a tensor, a tuple of tensors, or a dict of tensors.

    Returns:
        The arguments of `forward`.

    Raises:
        TrainableError: `forward` takes an input by its name alone, or another argument comes before it.
    """
    if isinstance(inputs, tuple):
        return inputs
    if not isinstance(inputs, Mapping):
        return (inputs,)  # a tensor, or what stands for one while a network is traced
    bound = inspect.signature(network.forward).bind(**inputs)
    if bound.kwargs:
        raise TrainableError(
            f"{type(network).__name__}.forward takes {next(iter(bound.kwargs))!r} as a keyword only; put the inputs "
            "first among its arguments, without a star before them"
        )
    return bound.args
