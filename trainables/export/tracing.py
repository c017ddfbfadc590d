"""Symbolic tracing of a module by torch.fx into a graph of calls of its children and of torch, one module at a time.

Every value is known for two batches of different sizes. A size that is the same in both is a plain number, so that
loops over layers and patches, and decisions by the shape of an image, can be followed. A size that differs is a value
of the graph. A decision by the contents of a tensor cannot be followed (`UntraceableError`). Networks are traced in
evaluation mode: dropout and auxiliary heads are not in the graph.
"""

from __future__ import annotations

import dis
import operator
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import CodeType, FrameType, FunctionType
from typing import Any, cast
from unittest.mock import patch

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.utils import _pytree as pytree

from trainables.export.naming import positional

__all__ = ["Pair", "Traced", "TracedValue", "UntraceableError", "is_leaf", "seen_inputs", "trace"]

Pair = tuple[Any, Any]
"""A value for the first and for the second batch."""

_FACTORIES = ("arange", "empty", "eye", "full", "linspace", "ones", "tensor", "zeros")


class UntraceableError(Exception):
    """A module whose computation cannot be written as a graph; the message gives the reason.

    Args:
        message: the reason.
        names_module: whether the message names the module.
    """

    def __init__(self, message: str, *, names_module: bool = False) -> None:
        super().__init__(message)
        self.names_module = names_module


def is_leaf(module: nn.Module) -> bool:
    """Check whether a module is a layer of torch.

    Args:
        module: any module.

    Returns:
        True for a layer of `torch.nn`; False for its containers and for other modules.
    """
    containers = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
    return type(module).__module__.startswith("torch.nn.") and not isinstance(module, containers)


def seen_inputs(network: nn.Module, batches: Pair) -> dict[nn.Module, list[Pair]]:
    """Run a network and record the arguments of its modules.

    Args:
        network: the network, in evaluation mode.
        batches: two batches of inputs, each a tensor, a tuple, or a dict.

    Returns:
        For every module that both runs call, its arguments in the first call of each run: one pair for each argument.

    Raises:
        UntraceableError: a module other than a layer of torch is called with keyword arguments.
    """
    seen: dict[nn.Module, list[tuple[Any, ...]]] = {}
    keyword: list[nn.Module] = []

    def remember(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if kwargs:
            keyword.append(module)
        calls.setdefault(module, _snapshot(args))

    hooks = [module.register_forward_pre_hook(remember, with_kwargs=True) for module in network.modules()]
    try:
        for batch in batches:
            calls: dict[nn.Module, tuple[Any, ...]] = {}
            with torch.no_grad():
                network(*positional(network, batch))
            for module, args in calls.items():
                seen.setdefault(module, []).append(args)
    finally:
        for hook in hooks:
            hook.remove()
    for module in keyword:
        if not is_leaf(module):
            raise UntraceableError(f"{type(module).__name__} is called with keyword arguments; call it by position")
    return {module: list(zip(*both, strict=True)) for module, both in seen.items() if len(both) == len(batches)}


def _snapshot(value: Any) -> Any:
    """Copy lists, because some modules append to a list that they pass on."""
    if isinstance(value, list | tuple) and type(value) in (list, tuple):
        return type(value)(_snapshot(item) for item in value)
    return value


class TracedValue(fx.Proxy):
    """A value of the graph, known for the two batches.

    Args:
        node: the node of the graph.
        tracer: the tracer that makes the graph.
        pair: the value for the two batches.
    """

    def __init__(self, node: fx.Node, tracer: _Tracer, pair: Pair) -> None:
        super().__init__(node, tracer)
        self.pair = pair

    def __getattr__(self, name: str) -> Any:
        if name == "shape":
            return _shape(self)
        if name in ("dtype", "ndim", "is_cuda", "is_meta"):
            return _agreed(tuple(getattr(one, name) for one in self.pair), name)
        if name == "size":
            return lambda dim=None: _shape(self) if dim is None else _shape(self)[dim]
        if name == "dim":
            return lambda: _agreed(tuple(one.dim() for one in self.pair), name)
        if name == "device":
            return self.tracer.create_proxy("call_function", getattr, (self, name), {})
        return super().__getattr__(name)

    def __iter__(self) -> Iterator[Any]:
        items = [_item(self, index) for index in range(_length(self))]
        for place, item in enumerate(items):
            if isinstance(item, TracedValue):
                cast(_Tracer, self.tracer).remember_name(item.node, place)
        return iter(items)

    def __len__(self) -> int:
        return _length(self)

    def __index__(self) -> int:
        return int(_agreed(self.pair, "a size"))

    __int__ = __index__


@dataclass(frozen=True)
class Traced:
    """The graph of a module's `forward`.

    Attributes:
        root: the module.
        graph: the graph.
        pairs: the value of each node for the two batches.
        names: the variable that holds the value of a node in the author's code.
        own: nodes that are named in `forward` itself, and not in a function that it calls.
    """

    root: nn.Module
    graph: fx.Graph
    pairs: Mapping[fx.Node, Pair]
    names: Mapping[fx.Node, str]
    own: Set[fx.Node]


def trace(module: nn.Module, inputs: Sequence[Pair]) -> Traced:
    """Trace the `forward` of a module; calls of its children are nodes of the graph.

    Args:
        module: the module, in evaluation mode.
        inputs: its arguments, from `seen_inputs`.

    Returns:
        The graph, without nodes that nothing uses.

    Raises:
        UntraceableError: the forward decides by the contents of tensors, or torch.fx cannot follow it.
    """
    tracer = _Tracer(inputs)
    try:
        with _patched(module, tracer), torch.no_grad():
            graph = tracer.trace(module)
    except UntraceableError:
        raise
    except (fx.proxy.TraceError, RuntimeError, TypeError, AttributeError, ValueError, NotImplementedError) as error:
        raise UntraceableError(str(error).strip().split("\n")[0][:200]) from error
    _restore_output(graph)
    for node in reversed(list(graph.nodes)):
        if node.op not in ("placeholder", "output") and not node.users:
            graph.erase_node(node)
    return Traced(module, graph, tracer.pairs, tracer.names, tracer.own)


def _restore_output(graph: fx.Graph) -> None:
    """Give the output the form that the module returns: torch.fx flattens it where an argument is a tuple."""
    spec = getattr(getattr(graph._codegen, "pytree_info", None), "out_spec", None)
    if spec is not None:
        output = next(node for node in graph.nodes if node.op == "output")
        output.args = (pytree.tree_unflatten(list(output.args[0]), spec),)


class _Values(list[Any]):
    """A list of values that torch.fx keeps as one argument."""


class _Tracer(fx.Tracer):
    def __init__(self, inputs: Sequence[Pair]) -> None:
        super().__init__()
        self.pairs: dict[fx.Node, Pair] = {}
        self.names: dict[fx.Node, str] = {}
        self.own: set[fx.Node] = set()
        self.proxy_buffer_attributes = True
        self._inputs = iter(inputs)
        self._computing = False

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return m is not self.root

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._computing else super().getattr(attr, attr_val, parameter_proxy_cache)

    def call_module(self, m: nn.Module, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if self._computing:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)

    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **more: Any) -> Any:
        if _changes_nothing(target, args, kwargs):
            return args[0]
        if kind == "placeholder":
            pair = next(self._inputs, None)
            if pair is None:
                raise UntraceableError(f"its forward takes {target!r}, which the examples of its inputs do not have")
        else:
            pair = self._computed(kind, target, args, kwargs)
            if all(isinstance(one, int | float | bool | torch.Size | None) for one in pair) and pair[0] == pair[1]:
                return pair[0]
        node = self.create_node(kind, target, self.create_arg(args), self.create_arg(kwargs), *rest[:2])
        self.pairs[node] = pair
        for constant in node.all_input_nodes:
            if constant not in self.pairs:
                value = _attribute(self.root, str(constant.target))
                self.pairs[constant] = (value, value)
        if kind != "placeholder":
            self.remember_name(node)
        return self._unpacked(TracedValue(node, self, pair))

    def remember_name(self, node: fx.Node, place: int | None = None) -> None:
        """Remember the variable of a value, in the innermost frame outside torch and this module."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__", "").startswith(("torch.", __name__, "operator")):
            frame = frame.f_back
        if frame is None:
            return
        name = _stored(frame.f_code, frame.f_lasti, place)
        if name is not None and name.isidentifier() and name.isascii():
            self.names[node] = name
            if frame.f_code is type(self.root).forward.__code__:
                self.own.add(node)

    def _unpacked(self, value: TracedValue) -> Any:
        """Turn a value that is a list or tuple into one of values, to be indexed and sliced as in the original."""
        first = value.pair[0]
        if not isinstance(first, list | tuple) or isinstance(first, torch.Size):
            return value
        if len(first) != len(value.pair[1]):
            raise UntraceableError("a list of values is as long as the batch")
        items = [None if one is None else _item(value, index) for index, one in enumerate(first)]
        for place, item in enumerate(items):
            if isinstance(item, TracedValue):
                self.names.pop(item.node, None)
                self.remember_name(item.node, place)
        return _Values(items) if isinstance(first, list) else tuple(items)

    def get_fresh_qualname(self, prefix: str) -> str:
        return super().get_fresh_qualname(prefix.removeprefix("_tensor_"))

    def create_arg(self, a: Any) -> Any:
        return super().create_arg(list(a) if isinstance(a, _Values) else a)

    def _computed(self, kind: str, target: Any, args: Any, kwargs: Any) -> Pair:
        self._computing = True
        try:
            first, second = (self._computed_once(kind, target, args, kwargs, place) for place in (0, 1))
        finally:
            self._computing = False
        return first, second

    def _computed_once(self, kind: str, target: Any, args: Any, kwargs: Any, place: int) -> Any:
        args, kwargs = (
            fx.node.map_aggregate(one, lambda x: x.pair[place] if isinstance(x, TracedValue) else x)
            for one in (args, kwargs)
        )
        if kind == "get_attr":
            return _attribute(self.root, target)
        if kind == "call_module":
            return self.root.get_submodule(target)(*args, **kwargs)
        if kind == "call_method":
            return getattr(args[0], target)(*args[1:], **kwargs)
        return target(*args, **kwargs)

    def to_bool(self, obj: Any) -> bool:
        if any(isinstance(one, Tensor) for one in obj.pair):
            raise UntraceableError("decides by the contents of a tensor")
        return bool(_agreed(obj.pair, "a decision"))


def _stored(code: CodeType, last: int, place: int | None) -> str | None:
    """Find the variable that stores the result of the instruction at `last`, or its element at `place`."""
    following = [one for one in dis.get_instructions(code) if one.offset >= last and one.opname != "CACHE"]
    if following and following[0].offset == last and following[0].opname != "UNPACK_SEQUENCE":
        following = following[1:]
    if not following or (following[0].opname == "UNPACK_SEQUENCE") != (place is not None):
        return None
    names: list[str] = []
    for one in following[place is not None :]:
        if not one.opname.startswith("STORE_FAST"):
            break
        names += one.argval if isinstance(one.argval, tuple) else [one.argval]
    return names[place or 0] if (place or 0) < len(names) else None


def _changes_nothing(target: Any, args: Any, kwargs: Any) -> bool:
    """Check whether a call returns its first argument: dropout in evaluation, padding by 0, a slice of everything."""
    if target is functional.dropout:
        return not kwargs.get("training", True)
    if target is functional.pad:
        return not any(kwargs.get("pad", args[1] if len(args) > 1 else (1,)))
    if target is not operator.getitem or not isinstance(args[0], TracedValue) or not isinstance(args[1], tuple):
        return False
    if not all(isinstance(part, slice) and part.start in (None, 0) and part.step in (None, 1) for part in args[1]):
        return False
    for one in args[0].pair:
        for part, size in zip(args[1], one.shape, strict=False):
            if not (part.stop is None or (isinstance(part.stop, int) and part.stop >= size)):
                return False
    return True


def _attribute(module: nn.Module, path: str) -> Any:
    owner, _, name = path.rpartition(".")
    return getattr(module.get_submodule(owner), name)


def _shape(value: TracedValue) -> tuple[Any, ...]:
    first, second = (one.shape for one in value.pair)
    if len(first) != len(second):
        raise UntraceableError("a tensor has more dimensions for a larger batch")
    if first == second:
        return tuple(first)
    whole = value.tracer.create_proxy("call_function", getattr, (value, "shape"), {})
    return tuple(a if a == b else _item(whole, place) for place, (a, b) in enumerate(zip(first, second, strict=True)))


def _item(value: Any, index: int) -> Any:
    return value[index]


def _length(value: TracedValue) -> int:
    lengths = tuple(len(one) for one in value.pair)
    return int(_agreed(lengths, "a loop"))


def _agreed(pair: tuple[Any, ...], what: str) -> Any:
    if pair[0] != pair[1]:
        raise UntraceableError(f"{what} depends on how large the batch is")
    return pair[0]


def _len(thing: Any) -> Any:
    """Replace `len`: for a value it returns the first size."""
    return _shape(thing)[0] if isinstance(thing, TracedValue) else len(thing)


@contextmanager
def _patched(module: nn.Module, tracer: _Tracer) -> Iterator[None]:
    """Let `len`, the functions that make tensors and the operations of torchvision accept values during a trace."""
    with ExitStack() as stack:
        own = set()
        for base in type(module).__mro__:
            if not base.__module__.startswith(("torch", "builtins")):
                own.add(base.__module__)
        for name in own:
            if name in sys.modules:
                stack.enter_context(patch.dict(sys.modules[name].__dict__, {"len": _len, **_operations(name, tracer)}))
        for name in _FACTORIES:
            stack.enter_context(patch.object(torch, name, _recording(getattr(torch, name), tracer)))
        yield


def _operations(name: str, tracer: _Tracer) -> dict[str, Callable[..., Any]]:
    """Find the functions of `torchvision.ops` that a module has imported, which look at their arguments themselves."""
    found = {}
    for key, value in vars(sys.modules[name]).items():
        if isinstance(value, FunctionType) and value.__module__.startswith("torchvision.ops."):
            found[key] = _recording(value, tracer)
    return found


def _recording(factory: Callable[..., Any], tracer: _Tracer) -> Callable[..., Any]:
    def made(*args: Any, **kwargs: Any) -> Any:
        found: list[TracedValue] = []
        fx.node.map_aggregate((args, kwargs), lambda x: found.append(x) if isinstance(x, TracedValue) else None)
        if not found:
            return factory(*args, **kwargs)
        return tracer.create_proxy("call_function", factory, args, kwargs)

    return made
