"""What a network costs: parameters, multiply-accumulates, bytes of its weights and of its values.

Counted on the meta device: no arithmetic is done, the network is not copied and stays as it is. `cost_of`
counts one network; a `Meter` counts many that are built of the same layers, hundreds a second. Operations that
torch's `FlopCounterMode` does not know (normalisation, activations, pooling, sums) count as no MACs, as in the
papers.
"""

from __future__ import annotations

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

__all__ = ["Cost", "Meter", "cost_of"]

_KEPT = 2_000
"""How many layers a meter keeps before it begins anew: cells hold some 50 modules each."""


Seen = tuple[Any, int, int]
"""A value on the meta device, and the MACs and bytes that it took."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Numbers of one network.

    Attributes:
        parameters: trainable numbers.
        macs: multiply-accumulates of convolutions and matrix products for one example.
        model_bytes: bytes of parameters and buffers.
        activation_bytes: bytes of all values that one example becomes on its way, views and in-place results
            not counted: what training keeps at most for each example of a batch.
    """

    parameters: int
    macs: int
    model_bytes: int
    activation_bytes: int


def cost_of(network: nn.Module, example: tuple[int, int, int] | Tensor) -> Cost:
    """The cost of `network` for one image of shape (channels, height, width), or for a batch of one example."""
    given = example.to("meta") if isinstance(example, Tensor) else torch.empty((1, *example), device="meta")
    tensors = dict(network.named_parameters()) | dict(network.named_buffers())
    shadows = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
    with _evaluating(network), torch.no_grad():
        _, macs, activation_bytes = _counted(lambda: functional_call(network, shadows, (given,)))
    return Cost(_trainable(network), macs, _size(network), activation_bytes)


class Meter:
    """Counts many networks of a family: equal layers are made once, equal calls computed once.

    What it knows grows with every new layer and shape; it is as exact as `cost_of`.
    """

    def __init__(self) -> None:
        self._layers: dict[Hashable, _Layer] = {}
        self._calls: dict[Hashable, Seen] = {}
        self.macs = self.activation_bytes = 0

    def cost_of(self, build: Callable[[], nn.Module], example: Tensor) -> Cost:
        """The cost of the network that `build()` makes, for a batch of one example."""
        with torch.device("meta"), _Uninitialised(), measuring(self):
            network = build()
        network.eval()
        given = example.to("meta")
        self.macs = self.activation_bytes = 0
        with torch.no_grad(), _Remembered(self):
            network(given)
        return Cost(_trainable(network), self.macs, _size(network), self.activation_bytes)

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        """A module in the place of the layer called `key`; see `trainables.networks.layers`."""
        if key not in self._layers:
            if len(self._layers) >= _KEPT:
                self._layers.clear()
            self._layers[key] = _Layer(make().eval())
        return _StandIn(self, self._layers[key])

    def counted(self, known: dict[Hashable, Seen], key: Hashable, call: Callable[[], Any]) -> Any:
        """What `call` gives: worked out, and found in `known` from then on; counted each time."""
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
        """What a function of torch gives on the meta device, computed once for a signature."""

        def call() -> Any:
            value, macs, size = _counted(lambda: func(*args, **kwargs))
            self.macs += macs
            self.activation_bytes += size
            return value

        return self.counted(self._calls, (func, _signature(args), _signature(tuple(kwargs.items()))), call)


class _Layer:
    """A layer that was made once, with what it holds (layers inside it included) and what it gave."""

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        self.parameters, self.size = _trainable(module), _size(module)
        self.seen: dict[Hashable, Seen] = {}


class _StandIn(nn.Module):
    """In the place of a layer: gives its meta values, and holds none of its tensors."""

    def __init__(self, meter: Meter, layer: _Layer) -> None:
        super().__init__()
        self._meter, self.layer = meter, layer

    def forward(self, *inputs: Any) -> Any:
        return self._meter.counted(self.layer.seen, _signature(inputs), lambda: self.layer.module(*inputs))


class _Uninitialised(TorchFunctionMode):
    """Leaves weights as they come from the allocator: on the meta device there is nothing to fill."""

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


class _Remembered(TorchFunctionMode):
    """Computes calls on tensors of the same shapes once."""

    def __init__(self, meter: Meter) -> None:
        super().__init__()
        self._meter = meter

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        with torch._C.DisableTorchFunction():
            if func.__name__ == "__get__" or (func.__name__[-1] == "_" and func.__name__[-2] != "_"):
                return func(*args, **kwargs)  # an attribute, or something that works in place
            return self._meter.computed(func, args, kwargs)


def _signature(value: Any) -> Hashable:
    """What decides the result of a call on the meta device: shapes, kinds, and plain values."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.dtype, value.is_meta)
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    return tuple(map(_signature, value)) if isinstance(value, tuple | list) else value


def _counted(call: Callable[[], Any]) -> tuple[Any, int, int]:
    """What `call` gives, its MACs, and the bytes of the values on the way."""
    counter, values = FlopCounterMode(display=False), _Values()
    with counter, values:
        result = call()
    return result, int(counter.get_total_flops()) // 2, values.bytes


class _Values(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up the tensors that operations make, but for those that lie in the memory of an input."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        given = {_memory(value) for value in _tensors(args)}
        self.bytes += sum(_bytes(value) for value in _tensors((result,)) if _memory(value) not in given)
        return result


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


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
    """The layers that others stand in for, each as often as it stands in the network."""
    return (part.layer for part in module.modules() if isinstance(part, _StandIn))


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Evaluation mode for a while, then every module as it was."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode
