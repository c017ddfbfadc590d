"""Traces of a forward: the values of all layers, and the layers and parameters on which the outputs depend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

from trainables.export.naming import named_outputs
from trainables.training.batches import Batch, called

__all__ = ["DependentZeros", "computed", "output_layers", "split_layers", "takes_parts", "used_parameters"]


class DependentZeros(TorchFunctionMode):
    """Computes `torch.zeros_like(x)` from x, so that a trace gives the zeros the channels of x."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.zeros_like:
            return args[0] * 0
        return func(*args, **(kwargs or {}))


def computed(network: nn.Module, inputs: Batch) -> tuple[list[Tensor], list[tuple[nn.Module, Tensor]]]:
    """Run a network and collect its outputs and the output of every layer.

    A layer is a module with parameters or buffers and without submodules. Layers run in evaluation mode, so that no
    statistics change; other modules run in training mode, in which auxiliary heads run. Afterwards all modules are in
    evaluation mode.

    Args:
        network: the network.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.

    Returns:
        The output tensors, those of auxiliary heads included, and each layer with its output tensor.
    """
    values: list[tuple[nn.Module, Any]] = []
    hooks = _record(network, values)
    for module in network.modules():
        module.training = next(module.children(), None) is not None
    try:
        outputs = called(network, inputs)
    finally:
        for hook in hooks:
            hook.remove()
        network.eval()
    found = named_outputs(outputs).values()
    return [one for one in found if isinstance(one, Tensor)], [pair for pair in values if isinstance(pair[1], Tensor)]


def output_layers(outputs: Iterable[Tensor], made: list[tuple[nn.Module, Tensor]]) -> list[nn.Module]:
    """Find the layers that compute the outputs.

    Args:
        outputs: the outputs of a network.
        made: its layers with their outputs; both by `computed`.

    Returns:
        For each output the layers whose output it is; if there is none, the last layer whose output has the same shape.
    """
    found = []
    for output in outputs:
        exact = [module for module, value in made if value is output]
        alike = [module for module, value in made if value.shape == output.shape]
        found += exact or alike[-1:]
    return found


def split_layers(network: nn.Module, inputs: Batch) -> list[nn.Module]:
    """Find the layers whose outputs have channels in the last dimension, which is then split into more dimensions.

    Attention splits the channels of queries, keys and values into heads.

    Args:
        network: a network in evaluation mode.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.

    Returns:
        These layers, once for each of their calls.
    """
    values: list[tuple[nn.Module, Any]] = []
    hooks = _record(network, values)
    try:
        with torch.enable_grad(), _Splits() as seen:
            called(network, inputs)
    finally:
        for hook in hooks:
            hook.remove()
    split = {id(one) for one in seen.found}
    found: list[nn.Module] = []
    for module, value in values:
        if isinstance(value, Tensor) and id(_whole(value)) in split:
            found.append(module)
    return found


def used_parameters(network: nn.Module, inputs: Batch) -> list[nn.Parameter]:
    """Find the parameters on which the outputs depend.

    Args:
        network: a network in evaluation mode.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.

    Returns:
        The parameters that require a gradient and have one.
    """
    parameters = [one for one in network.parameters() if one.requires_grad]
    outputs = named_outputs(called(network, inputs)).values()
    total = torch.stack([one.sum() for one in outputs if isinstance(one, Tensor) and one.requires_grad]).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    return [one for one, gradient in zip(parameters, gradients, strict=True) if gradient is not None]


def takes_parts(network: nn.Module, inputs: Batch) -> bool:
    """Return whether a network uses some of the channels of a value without the others.

    Args:
        network: a network in evaluation mode.
        inputs: a batch of its inputs (n, ...), a tensor, a tuple or a dict.

    Returns:
        True if a feature map (n, channels, height, width) is sliced by channels.
    """
    with torch.no_grad(), _Parts() as seen:
        called(network, inputs)
    return bool(seen.found)


class _Parts(TorchFunctionMode):
    """Finds slices of dimension 1 of feature maps (n, channels, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: bool = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        value = func(*args, **(kwargs or {}))
        if func is Tensor.__getitem__ and value.dim() == args[0].dim() > 3 and value.shape[1] < args[0].shape[1]:
            self.found = True
        return value


class _Splits(TorchFunctionMode):
    """Collects the tensors whose last dimension is split."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Tensor] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        value = func(*args, **(kwargs or {}))
        if func in _RESHAPES:
            before = args[0].shape
            if value.dim() > len(before) > 1 and value.shape[: len(before) - 1] == before[:-1]:
                self.found.append(_whole(args[0]))
        return value


_RESHAPES = (Tensor.view, Tensor.reshape, Tensor.unflatten, torch.reshape, torch.unflatten)


def _whole(value: Tensor) -> Tensor:
    """Return the tensor of which `value` is a view, or itself."""
    return value if value._base is None else value._base


def _record(network: nn.Module, values: list[tuple[nn.Module, Any]]) -> list[RemovableHandle]:
    """Let every layer append itself and its output to `values`; the handles end that."""

    def record(layer: nn.Module, inputs: Any, output: Any) -> None:
        values.append((layer, output))

    return [module.register_forward_hook(record) for module in network.modules() if _is_layer(module)]


def _is_layer(module: nn.Module) -> bool:
    """Return whether a module has parameters or buffers and no submodules."""
    has_state = bool(module._parameters) or bool(module._buffers)
    return has_state and next(module.children(), None) is None
