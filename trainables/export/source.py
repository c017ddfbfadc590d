"""A network as Python source that a person could have written: one class for each kind of block, importing only torch.

Classes and attributes have the same names as in the network, so that its state dict fits. The code computes what the
network computes in evaluation mode, for inputs of the given shape: decisions that depend on a size are taken, and heads
that only training uses are left out (`SourceCode.unused`).
"""

from __future__ import annotations

import copy
import inspect
import itertools
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from trainables.export.blocks import Definition, ModuleSource, defined
from trainables.export.copied import copied
from trainables.export.expressions import INDENT, WIDTH, Bracket, Entry, Number, Piece, SourceText, flat, written
from trainables.export.layers import constructed, literal
from trainables.export.statements import Statement, statements
from trainables.export.tracing import Pair, Traced, UntraceableError, is_leaf, seen_inputs, trace
from trainables.training.batches import length

__all__ = ["SourceCode", "source_code_of"]

_LONGEST_CONSTANT = 4096
"""Numbers in the largest tensor that is written as source."""
_TAKEN = {
    "F",
    "Standardized",
    "Tensor",
    "nn",
    "torch",
    "torchvision",
    "OrderedDict",
    "Path",
    "load",
    "normalize",
    "read_weights",
}
_COMPOSED = "Composed"
"""The name of a network with what changes its inputs and outputs, for which a graph stands."""
_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)


@dataclass(frozen=True)
class SourceCode:
    """The source of a network.

    Attributes:
        classes: the definitions of its classes.
        call: the expression that constructs the network.
        unused: prefixes of the weights that the source leaves out, because only training uses them.
    """

    classes: str
    call: str
    unused: tuple[str, ...]


def source_code_of(network: nn.Module, batches: Pair) -> SourceCode:
    """Write a network as source.

    Args:
        network: the network; a copy is put in evaluation mode.
        batches: two batches of inputs of different sizes, (n, ...), each a tensor, a tuple, or a dict.

    Returns:
        The source.

    Raises:
        UntraceableError: a module cannot be written; the message names it.
    """
    if length(batches[0]) == length(batches[1]):
        raise UntraceableError(
            f"both batches hold {length(batches[0])}; give batches of two sizes, so that what depends on the size is "
            "found"
        )
    own = copy.deepcopy(network).eval()
    return _Author(own, seen_inputs(own, batches)).source()


class _Author:
    def __init__(self, root: nn.Module, seen: dict[nn.Module, list[Pair]]) -> None:
        self._root, self._seen = root, seen
        self._paths = {module: path for path, module in root.named_modules()}
        self._traced: dict[nn.Module, Traced] = {}
        for module in self._paths:
            has_forward = type(module).forward is not nn.Sequential.forward
            if module in self._seen and not is_leaf(module) and has_forward:
                self._traced[module] = self._named(module, lambda one: trace(one, self._seen[one]))
        self._read = set(self._attributes_read())
        self._made: dict[nn.Module, Piece] = {}
        self._definitions: list[Definition] = []
        self._names: set[str] = set(_TAKEN)
        self._unused: list[str] = []
        self._functions: dict[str, str] = {}

    def source(self) -> SourceCode:
        for _, modules in itertools.groupby(sorted(self._customs(), key=self._height), key=self._height):
            kinds: dict[Any, list[tuple[nn.Module, ModuleSource]]] = {}
            for module in modules:
                block = self._named(module, self._block)
                kinds.setdefault(block.kind(), []).append((module, block))
            for members in kinds.values():
                self._define(members)
        text = "\n\n\n".join([*self._functions.values(), *(_class_text(one) for one in self._definitions)])
        return SourceCode(text, flat(self._piece(self._root)), tuple(self._unused))

    def _define(self, members: list[tuple[nn.Module, ModuleSource]]) -> None:
        name = members[0][1].name
        numbered = (f"{name}{number}" for number in itertools.count(2))
        chosen = next(one for one in itertools.chain([name], numbered) if one not in self._names)
        self._names.add(chosen)
        definition, calls = defined(chosen, [block for _, block in members])
        self._definitions.append(definition)
        self._made.update(zip((module for module, _ in members), calls, strict=True))

    def _named(self, module: nn.Module, function: Any) -> Any:
        """Apply `function` to a module; an error names the path and the class of the module."""
        try:
            return function(module)
        except UntraceableError as error:
            if error.names_module:
                raise
            place, kind = self._paths[module], _class_name(module)
            where = f"`{place}`, a {kind}," if place else kind
            raise UntraceableError(f"{where} cannot be written as source: {error}", names_module=True) from error

    def _is_plain(self, module: nn.Module) -> bool:
        return isinstance(module, _CONTAINERS) and module not in self._traced

    def _attributes_read(self) -> Iterator[tuple[nn.Module, str]]:
        """Yield the tensors that some forward reads, by owner and name."""
        for module, traced in self._traced.items():
            for node in traced.graph.nodes:
                if node.op == "get_attr":
                    owner, _, name = str(node.target).rpartition(".")
                    yield module.get_submodule(owner), name

    def _customs(self) -> list[nn.Module]:
        """List the modules that become classes."""
        found = []
        for module in self._paths:
            is_written = not is_leaf(module) and not self._is_plain(module)
            if is_written and self._is_used(module) and not self._passes(module):
                found.append(module)
        return found

    def _is_used(self, module: nn.Module) -> bool:
        owners = {owner for owner, _ in self._read}
        return any(one in self._seen or one in owners for one in module.modules())

    def _passes(self, module: nn.Module) -> bool:
        """Check whether the module returns its input, as drop path does in evaluation mode."""
        traced = self._traced.get(module)
        if traced is None or module is self._root or next(iter(module.state_dict()), None) is not None:
            return False
        nodes = list(traced.graph.nodes)
        return len(nodes) == 2 and nodes[1].args[0] is nodes[0]

    def _height(self, module: nn.Module) -> int:
        return 1 + max(map(self._height, module.children()), default=0)

    def _block(self, module: nn.Module) -> ModuleSource:
        traced = self._traced.get(module)
        signature = _signature(traced) if traced is not None else ""
        constructor = (*self._tensors(module), *self._children(module))
        try:
            forward = tuple(statements(traced, self._is_plain)) if traced is not None else ()
        except UntraceableError:
            copy_of = copied(module)
            if copy_of is None:
                raise
            constructor += copy_of.attributes
            signature, forward = copy_of.signature, copy_of.forward
            self._functions |= copy_of.functions
        base = next((f"nn.{kind.__name__}" for kind in _CONTAINERS if isinstance(module, kind)), "nn.Module")
        taken = frozenset((*module._modules, *module._parameters, *module._buffers))
        return ModuleSource(_class_name(module), _document(module), constructor, forward, signature, base, taken)

    def _children(self, module: nn.Module) -> Iterator[Statement]:
        if isinstance(module, _CONTAINERS):
            yield Statement("", Bracket("super().__init__(", self._contents(module), ")"))
            return
        for name, child in module._modules.items():
            if child is None:
                continue
            if not self._is_used(child):
                if next(iter(child.state_dict()), None) is not None:
                    path = self._paths[module]
                    self._unused.append(f"{path}.{name}." if path else f"{name}.")
                continue
            yield Statement(f"self.{name} = ", self._piece(child))

    def _piece(self, module: nn.Module) -> Piece:
        if module in self._made:
            return self._made[module]
        if is_leaf(module):
            return self._named(module, constructed)  # type: ignore[no-any-return]
        if not self._is_plain(module):
            return SourceText("nn.Identity()")
        kind = next(kind for kind in _CONTAINERS if isinstance(module, kind))
        return Bracket(f"nn.{kind.__name__}(", self._contents(module), ")")

    def _contents(self, module: nn.Module) -> tuple[Entry, ...]:
        """Write the arguments of the constructor of a container."""
        items = [(name, self._piece(child)) for name, child in module._modules.items() if child is not None]
        if isinstance(module, nn.ModuleDict):
            return (Entry("", Bracket("{", tuple(Entry(f'"{name}": ', piece) for name, piece in items), "}")),)
        layers = tuple(_repeated([piece for _, piece in items]))
        if isinstance(module, nn.ModuleList):
            return (Entry("", Bracket("[", layers, "]")),)
        if [name for name, _ in items] == [str(place) for place in range(len(items))]:
            return layers
        named = [Bracket("(", (Entry("", SourceText(f'"{name}"')), Entry("", piece)), ")") for name, piece in items]
        pairs = Bracket("[", tuple(Entry("", pair) for pair in named), "]")
        return (Entry("", Bracket("OrderedDict(", (Entry("", pairs),), ")")),)

    def _tensors(self, module: nn.Module) -> Iterator[Statement]:
        for name, parameter in module._parameters.items():
            if parameter is not None:
                yield Statement(f"self.{name} = ", Bracket("nn.Parameter(", (Entry("", _zeros(parameter)),), ")"))
        for name, buffer in module._buffers.items():
            if buffer is None:
                continue
            if name not in module._non_persistent_buffers_set:
                yield Statement("", _registered(name, _zeros(buffer)))
            elif (module, name) in self._read:
                yield Statement("", _registered(name, _constant(buffer), persistent=False))
        for owner, name in sorted(self._read, key=lambda pair: pair[1]):
            if owner is module and name not in module._parameters and name not in module._buffers:
                yield Statement("", _registered(name, _constant(getattr(module, name)), persistent=False))


def _repeated(pieces: list[Piece]) -> Iterator[Entry]:
    """Write three or more equal layers in a row as one line."""
    for text, run in itertools.groupby(pieces, key=flat):
        alike = list(run)
        if len(alike) > 2:
            yield Entry("", SourceText(f"*({text} for _ in range({len(alike)}))"))
        else:
            yield from (Entry("", piece) for piece in alike)


def _zeros(tensor: Tensor) -> Piece:
    items = [Entry("", Number(size, "size")) for size in tensor.shape] or [Entry("", SourceText("()"))]
    if tensor.dtype is not torch.float32:
        items.append(Entry("dtype=", SourceText(str(tensor.dtype))))
    return Bracket("torch.zeros(", tuple(items), ")")


def _constant(tensor: Tensor) -> Piece:
    if tensor.numel() > _LONGEST_CONSTANT:
        raise UntraceableError(f"it holds a constant of {tensor.numel()} numbers; register it as a persistent buffer")
    items = [Entry("", _frozen(tensor.tolist()))]
    if tensor.dtype not in (torch.float32, torch.int64, torch.bool):
        items.append(Entry("dtype=", SourceText(str(tensor.dtype))))
    return Bracket("torch.tensor(", tuple(items), ")")


def _frozen(value: Any) -> Piece:
    """Write the numbers of a constant."""
    if isinstance(value, list):
        return Bracket("[", tuple(Entry("", _frozen(item)) for item in value), "]")
    return literal(value, "size") if isinstance(value, int) else SourceText(flat(literal(value)))


def _registered(name: str, value: Piece, *, persistent: bool = True) -> Piece:
    more = () if persistent else (Entry("persistent=", SourceText("False")),)
    return Bracket("self.register_buffer(", (Entry("", SourceText(f'"{name}"')), Entry("", value), *more), ")")


def _signature(traced: Traced) -> str:
    inputs = [node for node in traced.graph.nodes if node.op == "placeholder"]
    output = next(node for node in traced.graph.nodes if node.op == "output")
    given = ", ".join(f"{node.target}{_annotated(traced.pairs[node][0], ': ')}" for node in inputs)
    value = torch.fx.node.map_arg(output.args[0], lambda node: traced.pairs[node][0])
    return f"def forward(self, {given}){_annotated(value, ' -> ')}:"


def _annotated(value: Any, lead: str) -> str:
    kind = _kind(value)
    return f"{lead}{kind}" if kind else ""


def _kind(value: Any) -> str:
    if isinstance(value, Tensor):
        return "Tensor"
    if isinstance(value, dict) and value and all(isinstance(part, Tensor) for part in value.values()):
        return "dict[str, Tensor]"
    if isinstance(value, list | tuple) and value:
        kinds = ["None" if item is None else _kind(item) for item in value]
        if "" in kinds:
            return ""
        if isinstance(value, tuple):
            return f"tuple[{', '.join(kinds)}]"
        return f"list[{' | '.join(sorted(set(kinds), key=lambda kind: kind == 'None'))}]"
    return ""


def _class_name(module: nn.Module) -> str:
    return _COMPOSED if isinstance(module, fx.GraphModule) else type(module).__name__


def _document(module: nn.Module) -> str:
    """Read the first paragraph of the docstring of the class."""
    if isinstance(module, fx.GraphModule):
        return "The network with what changes its inputs and outputs."
    text = inspect.cleandoc(type(module).__dict__.get("__doc__") or "").split("\n\n")[0]
    return " ".join(text.split()).replace("\\", "").replace('"""', "'''").rstrip('"')


def _class_text(one: Definition) -> str:
    lines = [f"class {one.name}({one.base}):"]
    if one.document:
        lines += _docstring(one.document)
    plain = one.base == "nn.Module"
    if one.arguments or plain:
        lines += _constructor_line(one.arguments)
        lines += [f"{INDENT * 2}super().__init__()"] if plain else []
    elif one.constructor:
        lines += _constructor_line(())
    lines += [f"{INDENT * 2}self.{name} = {name}" for name in one.stored]
    lines += itertools.chain.from_iterable(written(line.piece, 2, line.lead) for line in one.constructor)
    if one.forward:
        lines += ["", f"{INDENT}{one.signature}"]
        lines += itertools.chain.from_iterable(written(line.piece, 2, line.lead) for line in one.forward)
    return "\n".join(lines if one.constructor or one.stored or not plain else _without_constructor(lines))


def _constructor_line(arguments: Sequence[str]) -> list[str]:
    items = tuple(Entry("", SourceText(name)) for name in ("self", *(f"{name}: int" for name in arguments)))
    return written(Bracket("def __init__(", items, ") -> None:"), 1)


def _without_constructor(lines: list[str]) -> list[str]:
    """Remove a constructor that only calls that of `nn.Module`."""
    start = next(place for place, line in enumerate(lines) if line.lstrip().startswith("def __init__"))
    return [*lines[:start], *lines[start + 3 :]]


def _docstring(text: str) -> list[str]:
    if len(text) <= WIDTH - 10:
        return [f'{INDENT}"""{text}"""', ""]
    wrapped = textwrap.wrap(text, WIDTH - 8)
    return [f'{INDENT}"""{wrapped[0]}', *(f"{INDENT}{line}" for line in wrapped[1:]), f'{INDENT}"""', ""]
