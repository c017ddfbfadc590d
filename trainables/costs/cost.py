"""The costs of a network: parameters, multiply-accumulates (MACs), bytes of its weights and of its activations.

They are counted on the meta device: no arithmetic is done, and the network is neither copied nor changed. `cost_of`
counts one network; a `CostMeter` counts hundreds of networks a second that consist of the same layers. Operations that
torch's `FlopCounterMode` does not count (normalisation, activation functions, pooling, sums) have no MACs, as in
the papers.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from trainables.networks.layers import measuring
from trainables.training.batches import Batch, called, mapped

__all__ = ["Cost", "CostMeter", "Uninitialised", "cost_of", "evaluating", "tensors_in"]

_KEPT = 2_000
"""Layers after which a meter empties its cache: a cell holds some 50 modules."""


Counted = tuple[Any, int, int]
"""A value on the meta device, and the MACs and the bytes of computing it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The costs of one network.

    Attributes:
        parameters: the number of trainable parameters.
        macs: multiply-accumulates of convolutions and matrix products for one example.
        model_bytes: bytes of parameters and buffers.
        activation_bytes: bytes of all values that the network computes for one example, without views and in-place
            results: an upper bound of what training keeps for each example of a batch.
    """

    parameters: int
    macs: int
    model_bytes: int
    activation_bytes: int


def cost_of(network: nn.Module, example: tuple[int, int, int] | Batch) -> Cost:
    """Count the costs of a network; one whose forward does not work on the meta device is run once.

    Args:
        network: the network.
        example: the shape (channels, height, width) of one image; or the inputs of one example: a tensor, a tuple of
            tensors for several arguments, or a dict of tensors for keyword arguments.

    Returns:
        The costs for one example in evaluation mode.
    """
    given = _given(example)
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    shadows = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    with evaluating(network), torch.no_grad():
        arguments, named = ((), given) if isinstance(given, dict) else (given, {})
        try:
            _, macs, activation_bytes = _counted(lambda: functional_call(network, shadows, arguments, named))
        except (RuntimeError, NotImplementedError):
            # Its forward makes tensors on a device of its choice, or asks for values.
            _, macs, activation_bytes = _counted(lambda: called(network, _on_device_of(network, example)))
    return Cost(_trainable(network), macs, _size(network), activation_bytes)


def _given(example: tuple[int, int, int] | Batch) -> Batch:
    """The inputs on the meta device: a tuple of tensors for one or several arguments, or a dict."""
    if isinstance(example, tuple) and not isinstance(example[0], Tensor):
        return (torch.empty((1, *example), device="meta"),)
    moved = mapped(lambda tensor: tensor.to("meta"), example)
    return (moved,) if isinstance(moved, Tensor) else moved


def _on_device_of(network: nn.Module, example: tuple[int, int, int] | Batch) -> Batch:
    """The inputs on the device of the network."""
    device = next(itertools.chain(network.parameters(), network.buffers()), torch.empty(0)).device
    if isinstance(example, tuple) and not isinstance(example[0], Tensor):
        return torch.zeros((1, *example), device=device)
    return mapped(lambda tensor: tensor.to(device), example)


class CostMeter:
    """Counts many networks of a family: equal layers are made once, and equal calls are computed once.

    Its cache grows with every new layer and shape. It is as exact as `cost_of`.

    Attributes:
        macs: multiply-accumulates of the forward that was counted last.
        activation_bytes: its bytes of activations.
    """

    def __init__(self) -> None:
        self._layers: dict[Hashable, _Layer] = {}
        self._calls: dict[Hashable, Counted] = {}
        self.macs = self.activation_bytes = 0

    def cost_of(self, build: Callable[[], nn.Module], example: Batch) -> Cost:
        """Count the costs of a network.

        Args:
            build: makes the network; it is called on the meta device.
            example: the inputs of one example, on any device, as for the function `cost_of`.

        Returns:
            The costs for one example in evaluation mode.
        """
        with torch.device("meta"), Uninitialised(), measuring(self):
            network = build()
        network.eval()
        given = mapped(lambda tensor: tensor.to("meta"), example)
        self.macs = self.activation_bytes = 0
        with torch.no_grad(), _Cached(self):
            called(network, given)
        return Cost(_trainable(network), self.macs, _size(network), self.activation_bytes)

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        """Return a module in the place of a layer; `trainables.networks.layers` calls this.

        Args:
            key: identifies the layer: layers of one key are equal.
            make: makes the layer if this meter has none of the key.

        Returns:
            A module without tensors, which counts the layer's costs.
        """
        if key not in self._layers:
            if len(self._layers) >= _KEPT:
                self._layers.clear()
            self._layers[key] = _Layer(make().eval())
        return _StandIn(self, self._layers[key])

    def counted(self, known: dict[Hashable, Counted], key: Hashable, call: Callable[[], Any]) -> Any:
        """Return the result of a call from a cache, or compute it; its costs are added in both cases.

        Args:
            known: the cache: results with their costs by key.
            key: identifies the call.
            call: computes the result, and adds its costs to this meter.

        Returns:
            The result of `call`.
        """
        if key in known:
            value, macs, size = known[key]
            self.macs += macs
            self.activation_bytes += size
            return value
        macs, size = self.macs, self.activation_bytes
        value = call()
        known[key] = (value, self.macs - macs, self.activation_bytes - size)
        return value

    def computed(self, func: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call a function of torch on the meta device, once for each signature, and add its costs.

        Args:
            func: the function.
            args: its positional arguments.
            kwargs: its keyword arguments.

        Returns:
            The result, a value on the meta device.
        """

        def call() -> Any:
            value, macs, size = _counted(lambda: func(*args, **kwargs))
            self.macs += macs
            self.activation_bytes += size
            return value

        return self.counted(self._calls, (func, _signature(args), _signature(tuple(kwargs.items()))), call)


class _Layer:
    """A layer that was made once: its number of parameters, its bytes, and its results by the shapes of its inputs."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.parameters, self.size = _trainable(module), _size(module)
        self.results: dict[Hashable, Counted] = {}


class _StandIn(nn.Module):
    """A module in the place of a layer: it returns the layer's values on the meta device and holds no tensors."""

    def __init__(self, meter: CostMeter, layer: _Layer) -> None:
        super().__init__()
        self._meter, self.layer = meter, layer

    def forward(self, *inputs: Any) -> Any:
        return self._meter.counted(self.layer.results, _signature(inputs), lambda: self.layer.module(*inputs))


class Uninitialised(TorchFunctionMode):
    """Skips the initialisation of weights: on the meta device there is no memory to fill."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.__name__ in _FILLING and args and isinstance(args[0], Tensor):
            return args[0]
        return func(*args, **(kwargs or {}))


_FILLING = frozenset(
    f"{name}_"
    for name in (
        *("uniform", "normal", "trunc_normal", "constant", "zero", "fill"),
        *("kaiming_uniform", "kaiming_normal", "xavier_uniform", "xavier_normal", "orthogonal"),
    )
)


class _Cached(TorchFunctionMode):
    """Computes only the first of several calls of a function on tensors of the same shapes."""

    def __init__(self, meter: CostMeter) -> None:
        super().__init__()
        self._meter = meter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            if func.__name__ == "__get__" or (func.__name__[-1] == "_" and func.__name__[-2] != "_"):
                return func(*args, **kwargs)  # an attribute, or an in-place function
            return self._meter.computed(func, args, kwargs)


def _signature(value: Any) -> Hashable:
    """Return what the result of a call on the meta device depends on: shapes, dtypes, and plain values."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.dtype, value.is_meta)
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    return tuple(map(_signature, value)) if isinstance(value, tuple | list) else value


def _counted(call: Callable[[], Any]) -> tuple[Any, int, int]:
    """Return the result of `call`, its MACs, and the bytes of all values that it computes."""
    counter, values = FlopCounterMode(display=False), _Values()
    with counter, values:
        result = call()
    return result, int(counter.get_total_flops()) // 2, values.bytes


class _Values(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the bytes of the tensors that operations return, except those in the memory of an input."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {_memory(value) for value in tensors_in(args)}
        self.bytes += sum(_bytes(value) for value in tensors_in((result,)) if _memory(value) not in given)
        return result


def tensors_in(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in a nesting of tuples and lists.

    Args:
        values: a tuple or list; what is no tensor in it is passed over.

    Yields:
        The tensors, in order.
    """
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from tensors_in(value)


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()


def _trainable(module: nn.Module) -> int:
    own = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return own + sum(layer.parameters for layer in _layers(module))


def _size(module: nn.Module) -> int:
    own = sum(map(_bytes, module.parameters())) + sum(map(_bytes, module.buffers()))
    return own + sum(layer.size for layer in _layers(module))


def _layers(module: nn.Module) -> Iterator[_Layer]:
    """Return the layers of all stand-ins, each as often as it occurs in the network."""
    return (part.layer for part in module.modules() if isinstance(part, _StandIn))


@contextmanager
def evaluating(network: nn.Module) -> Iterator[None]:
    """Set evaluation mode for the duration of a block; afterwards each module has its former mode.

    Args:
        network: the network.

    Yields:
        Nothing.
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
