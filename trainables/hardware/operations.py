"""The operations of a network, from one forward on the meta device, and which of them a graph engine would run.

An engine that optimizes the graph of a network (onnxruntime, TensorRT, a compiler) drops what does not reach the
output, computes in advance what no input decides, and folds a batch normalisation into the convolution before it. An
engine that runs the Python code (PyTorch without a compiler) does all of it. `Operation.is_live` tells the two apart.

Views of the same memory are no operations. A sum with a part that is always zero is its other part. Operations that
are fused with others (an activation after a convolution) count like others: telling them apart did not lower the error
of predictions.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from trainables.costs.cost import Uninitialised
from trainables.networks.layers import measuring
from trainables.training.batches import Batch, called, mapped, tensors_of

__all__ = ["Operation", "OperationTracer"]

_MEMORY = frozenset({"empty", "empty_like", "new_empty", "lift_fresh"})
"""These only reserve memory."""
_ZEROS = frozenset({"zeros", "zeros_like", "new_zeros"})
_CONSTANTS = _ZEROS | {"ones_like", "new_ones", "full_like", "new_full"}
"""Their results have the shape of an argument, and do not depend on its values."""
_ZERO_OF_ZERO = frozenset(
    {
        *("relu", "hardswish", "hardtanh", "gelu", "silu", "tanh", "elu", "leaky_relu", "neg", "mean", "sum"),
        *("avg_pool2d", "max_pool2d_with_indices", "_adaptive_avg_pool2d", "constant_pad_nd", "cat", "stack", "clone"),
        *("upsample_bilinear2d", "upsample_nearest2d", "mm", "bmm", "mul"),
    }
)
"""Their result is zero where all tensors that the input decides are zero."""
_MATMULS = frozenset({"mm", "addmm", "bmm", "baddbmm"})
_NORMS = frozenset({"native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm"})
_INPUT = 0
_KEPT = 2_000
"""Layers and calls after which a tracer empties its caches."""

_Known: TypeAlias = "tuple[str, tuple[int, int], int, Any]"
"""Of a call: the kind, the bucket of its result's shape, the MACs, and the layout of the result."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a network.

    Attributes:
        kind: its name with what decides its algorithm: the kernel, the stride, whether it is depthwise.
        channels: of its result, rounded to a power of two; 0 without channels.
        side: of its result in pixels or steps, rounded to a power of two; 0 without sides.
        macs: multiply-accumulates.
        bytes: of the tensors that it reads and writes, weights included.
        is_live: whether an engine that optimizes graphs runs it.
    """

    kind: str
    channels: int
    side: int
    macs: int
    bytes: int
    is_live: bool


@dataclass(slots=True)
class _Node:
    """A call. `sources` are the nodes whose results it reads; `is_constant` means that no input decides its result."""

    name: str
    sources: list[int]
    known: _Known
    bytes: int
    is_constant: bool = False
    is_zero: bool = False


class OperationTracer:
    """Traces the networks of a family; equal calls are computed once."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Known] = {}
        self._layers: dict[Hashable, nn.Module] = {}

    def stand_in(self, key: Hashable, make: Callable[[], nn.Module]) -> nn.Module:
        """Return a layer, the same one for equal keys; `trainables.networks.layers` calls this.

        Args:
            key: identifies the layer: layers of one key are equal.
            make: makes the layer if this tracer has none of the key.

        Returns:
            The layer on the meta device.
        """
        if key not in self._layers:
            self._layers[key] = make()
        return self._layers[key]

    def operations(self, build: Callable[[], tuple[nn.Module, Batch]]) -> list[Operation]:
        """List the operations of a network in evaluation mode.

        A network whose forward does not work on the meta device is built with its weights and run once.

        Args:
            build: makes the network and the inputs of one batch: a tensor, a tuple for several arguments, or a dict for
                keyword arguments.

        Returns:
            The operations in the order of the forward.
        """
        if len(self._calls) > _KEPT or len(self._layers) > _KEPT:
            self._calls.clear()
            self._layers.clear()
        try:
            with torch.device("meta"), Uninitialised(), measuring(self):
                network, example = build()
            return self._traced(network, mapped(lambda tensor: tensor.to("meta"), example))
        except (RuntimeError, NotImplementedError):
            # Its forward makes tensors on a device of its choice, or asks for values.
            with torch.random.fork_rng(devices=[]):
                network, example = build()
            return self._traced(network, mapped(lambda tensor: tensor.cpu(), example))

    def _traced(self, network: nn.Module, example: Batch) -> list[Operation]:
        recorder = _Recorder(self._calls, tensors_of(example))
        with torch.no_grad(), recorder:
            outputs = called(network.eval(), example)
        written = (recorder.writers.get(_memory(tensor)) for tensor in _tensors(outputs))
        live = _live(recorder.nodes, [node for node in written if node is not None])
        return [_operation(node, place in live) for place, node in enumerate(recorder.nodes) if place != _INPUT]


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Records the calls of a forward as nodes; a value is known by its memory, so that views need no nodes."""

    def __init__(self, calls: dict[Hashable, _Known], inputs: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._calls = calls
        self.nodes = [_Node("input", [], ("input", (0, 0), 0, None), 0)]
        self.writers = {_memory(one): _INPUT for one in inputs}
        self._alive: list[Any] = [inputs]  # memory that is freed could be given to another value

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.partition("::")[2].rstrip("_")
        given = list(_tensors((args, kwargs)))
        sources = [self.writers.get(_memory(one)) for one in given]
        aliases, writes = _schema_facts(func)
        if aliases:
            result = func(*args, **kwargs)
            known = _known(name, func, args, kwargs, result)
        else:
            result, known = self._called(name, func, args, kwargs, given)
        self._alive.append(result)
        if name not in _MEMORY and (writes or not aliases):
            self._record(name, known, args, given, sources, result)
        return result

    def _called(self, name: str, func: Any, args: Any, kwargs: Any, given: list[Tensor]) -> tuple[Any, _Known]:
        key = (func, _signature(args), _signature(tuple(kwargs.items())))
        known = self._calls.get(key)
        if known is not None and given and all(one.is_meta for one in given):
            return _made(known[3]), known
        result = func(*args, **kwargs)
        if known is None:
            known = self._calls[key] = _known(name, func, args, kwargs, result)
        return result, known

    def _record(
        self, name: str, known: _Known, args: Any, given: list[Tensor], sources: list[int | None], result: Any
    ) -> None:
        moved = sum(map(_bytes, given)) + sum(map(_bytes, _tensors(result)))
        node = _Node(name, [source for source in sources if source is not None], known, moved)
        same = self._simplified(node, args, given, sources)
        if same is None:
            self.nodes.append(node)
            same = len(self.nodes) - 1
        for tensor in _tensors(result):
            self.writers[_memory(tensor)] = same

    def _simplified(self, node: _Node, args: Any, given: list[Tensor], sources: list[int | None]) -> int | None:
        """Find out whether a node is constant or zero. Return the node that has the same value, if there is one."""
        before = [self.nodes[source] for source in node.sources]
        zeros = [one.is_zero for one in before]
        node.is_zero = node.name in _ZEROS
        if node.name == "mul":
            node.is_zero = any(zeros) or any(isinstance(one, int | float) and one == 0 for one in args)
        elif node.name in _ZERO_OF_ZERO or (node.name == "convolution" and args[2] is None):
            node.is_zero = bool(zeros) and all(zeros)
        elif node.name in ("add", "sub") and len(before) == len(given) == 2 and given[0].shape == given[1].shape:
            node.is_zero = all(zeros)
            if zeros[1] and not zeros[0]:
                return sources[0]
            if node.name == "add" and zeros[0] and not zeros[1]:
                return sources[1]
        node.is_constant = node.is_zero or node.name in _CONSTANTS or all(one.is_constant for one in before)
        return None


def _live(nodes: Sequence[_Node], outputs: Sequence[int]) -> set[int]:
    """The nodes that an optimizing engine runs."""
    reached: set[int] = set()
    waiting = list(outputs)
    while waiting:
        place = waiting.pop()
        if place not in reached and not nodes[place].is_constant:
            reached.add(place)
            waiting += nodes[place].sources
    users = Counter(source for place in reached for source in set(nodes[place].sources))
    return {place for place in reached if not _is_folded(nodes, place, users)}


def _is_folded(nodes: Sequence[_Node], place: int, users: Counter[int]) -> bool:
    """Whether a node is a normalisation whose numbers go into the weights of the layer before it."""
    node = nodes[place]
    if node.name not in _NORMS or not node.sources:
        return False
    before = node.sources[0]
    return nodes[before].name in ("convolution", *_MATMULS) and users[before] == 1


def _operation(node: _Node, is_live: bool) -> Operation:
    kind, (channels, side), macs, _ = node.known
    return Operation(kind, channels, side, macs, node.bytes, is_live)


def _known(name: str, func: Any, args: Any, kwargs: Any, result: Any) -> _Known:
    first = next(_tensors(result), None)
    shape = () if first is None else tuple(first.shape)
    count = flop_registry.get(func._overloadpacket)
    macs = 0 if count is None else int(count(*args, **kwargs, out_val=result)) // 2
    return _kind(name, args), _bucket(name, shape), macs, _layout(result)


def _kind(name: str, args: Any) -> str:
    if name == "convolution":
        weight, stride, groups = args[1], args[3], args[8]
        depthwise = "" if groups == 1 else " depthwise" if weight.shape[1] == 1 else " grouped"
        by = "" if max(stride) == 1 else f" / {max(stride)}"
        return f"convolution {'x'.join(map(str, weight.shape[2:]))}{by}{depthwise}"
    if "pool" in name and len(args) > 1 and isinstance(args[1], list | tuple):
        return f"{name} {'x'.join(map(str, args[1]))}"
    return "matmul" if name in _MATMULS else name


def _bucket(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Channels and side of a result (n, channels, sides..) or (n, steps, channels), as powers of two."""
    if len(shape) > 3 or (len(shape) == 3 and name == "convolution"):
        return _power(shape[1]), _power(shape[-1])
    if len(shape) == 3:
        return _power(shape[2]), _power(shape[1])
    return _power(shape[-1]) if shape else 0, 0


def _power(number: int) -> int:
    return 2 ** round(math.log2(number)) if number > 0 else 0


_facts: dict[Any, tuple[bool, bool]] = {}


def _schema_facts(func: Any) -> tuple[bool, bool]:
    """Whether a function of torch returns memory of its arguments, and whether it writes into it."""
    if func not in _facts:
        infos = [one.alias_info for one in (*func._schema.arguments, *func._schema.returns)]
        _facts[func] = (
            any(info is not None for info in infos),
            any(info is not None and info.is_write for info in infos),
        )
    return _facts[func]


def _signature(value: Any) -> Hashable:
    """What the result of a call on the meta device depends on: shapes, strides, types, and plain values."""
    if isinstance(value, Tensor):
        return (tuple(value.shape), value.stride(), value.dtype)
    return tuple(map(_signature, value)) if isinstance(value, tuple | list) else value


def _layout(result: Any) -> Any:
    """The result of a call with a layout in the place of each tensor."""
    if isinstance(result, Tensor):
        return _Layout(tuple(result.shape), result.stride(), result.dtype)
    return type(result)(map(_layout, result)) if type(result) in (tuple, list) else result


@dataclass(frozen=True, slots=True)
class _Layout:
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: torch.dtype


def _made(layout: Any) -> Any:
    """A result of this layout on the meta device."""
    if isinstance(layout, _Layout):
        return torch.empty_strided(layout.shape, layout.stride, dtype=layout.dtype, device="meta")
    return type(layout)(map(_made, layout)) if type(layout) in (tuple, list) else layout


def _tensors(values: Any) -> Iterator[Tensor]:
    """Yield the tensors in a nesting of tuples, lists and dicts."""
    if isinstance(values, Tensor):
        yield values
    elif isinstance(values, dict | tuple | list):
        for value in values.values() if isinstance(values, dict) else values:
            yield from _tensors(value)


def _memory(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
