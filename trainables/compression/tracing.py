"""A forward in which everything that a network computes with weights can be followed back from what it gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

__all__ = ["DependentZeros", "computed", "heads", "split_layers", "takes_parts", "used_parameters"]


class DependentZeros(TorchFunctionMode):
    """Lets `torch.zeros_like(x)` be computed of x, so that what follows it is known to have the channels of x."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.zeros_like:
            return args[0] * 0
        return func(*args, **(kwargs or {}))


def computed(network: nn.Module, inputs: Tensor) -> tuple[list[Tensor], list[tuple[nn.Module, Tensor]]]:
    """The outputs of `network`, those of heads that only training uses included, and what each layer gave.

    Layers are those that have state and no parts. They are in evaluation mode, so that no statistics change; modules of
    parts are in training mode, in which auxiliary heads run. All are in evaluation mode afterwards.
    """
    made: list[tuple[nn.Module, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda one, given, value: made.append((one, value)))
        for module in network.modules()
        if _is_layer(module)
    ]
    for module in network.modules():
        module.training = next(module.children(), None) is not None
    try:
        outputs = network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
        network.eval()
    found = outputs if isinstance(outputs, tuple | list) else [outputs]
    return [one for one in found if isinstance(one, Tensor)], [pair for pair in made if isinstance(pair[1], Tensor)]


def heads(outputs: Iterable[Tensor], made: list[tuple[nn.Module, Tensor]]) -> list[nn.Module]:
    """The layers that give the outputs, or, where something follows them, the last whose values are shaped alike."""
    found = []
    for output in outputs:
        exact = [module for module, value in made if value is output]
        alike = [module for module, value in made if value.shape == output.shape]
        found += exact or alike[-1:]
    return found


def split_layers(network: nn.Module, inputs: Tensor) -> list[nn.Module]:
    """The layers, in evaluation mode, whose channels are the last dimension and are split into more dimensions.

    Attention splits those of queries, keys and values into heads.
    """
    given: list[tuple[nn.Module, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda one, taken, value: given.append((one, value)))
        for module in network.modules()
        if _is_layer(module)
    ]
    try:
        with torch.enable_grad(), _Splits() as seen:
            network(inputs)
    finally:
        for hook in hooks:
            hook.remove()
    split = {id(one) for one in seen.found}
    return [module for module, value in given if isinstance(value, Tensor) and id(_whole(value)) in split]


def used_parameters(network: nn.Module, inputs: Tensor) -> list[nn.Parameter]:
    """The parameters that the outputs of `network`, in evaluation mode, depend on."""
    parameters = [one for one in network.parameters() if one.requires_grad]
    total = network(inputs).sum()
    gradients = torch.autograd.grad(total, parameters, allow_unused=True)
    return [one for one, gradient in zip(parameters, gradients, strict=True) if gradient is not None]


def takes_parts(network: nn.Module, inputs: Tensor) -> bool:
    """Whether the network, in evaluation mode, goes on with some of the channels of a value, and drops the others."""
    with torch.no_grad(), _Parts() as seen:
        network(inputs)
    return bool(seen.found)


class _Parts(TorchFunctionMode):
    """Watches for slices of dimension 1 of maps (n, channels, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: bool = False

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        value = func(*args, **(kwargs or {}))
        if func is Tensor.__getitem__ and value.dim() == args[0].dim() > 3 and value.shape[1] < args[0].shape[1]:
            self.found = True
        return value


class _Splits(TorchFunctionMode):
    """Remembers the tensors whose last dimension is split."""

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
    """The tensor that `value` is a part or a view of."""
    return value if value._base is None else value._base


def _is_layer(module: nn.Module) -> bool:
    has_state = bool(module._parameters) or bool(module._buffers)
    return has_state and next(module.children(), None) is None
