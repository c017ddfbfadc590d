"""The lines of a `forward` from a traced graph.

A value that is used once is written where it is used. A value that is computed from another one, which no later line
reads, takes over its name, as in `x = F.relu(x)`.
"""

from __future__ import annotations

import inspect
import itertools
import keyword
import operator
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional

from search_spaces.whole_numbers import is_whole
from trainables.export.expressions import Bracket, Entry, Piece, SourceText, flat
from trainables.export.layers import literal
from trainables.export.tracing import Traced, UntraceableError

__all__ = ["MOST_LINES", "Statement", "statements"]

MOST_LINES = 160
"""The most lines of a readable forward; a longer one is a loop that was unrolled."""

_INFIX: dict[Any, tuple[str, int]] = {
    operator.add: (" + ", 1),
    operator.sub: (" - ", 1),
    operator.mul: (" * ", 2),
    operator.truediv: (" / ", 2),
    operator.floordiv: (" // ", 2),
    operator.mod: (" % ", 2),
    operator.matmul: (" @ ", 2),
    operator.eq: (" == ", 0),
    operator.ne: (" != ", 0),
    operator.ge: (" >= ", 0),
    operator.gt: (" > ", 0),
    operator.le: (" <= ", 0),
    operator.lt: (" < ", 0),
    torch.add: (" + ", 1),
    torch.mul: (" * ", 2),
}
_LONGEST, _DEEPEST = 88, 4
_RESERVED = {"F", "nn", "torch", "torchvision", "self", "Tensor"}


@dataclass(frozen=True, slots=True)
class Statement:
    """A line of a `forward` or of a constructor.

    Attributes:
        lead: the text before the expression, such as `x = ` or `return `.
        piece: the expression.
    """

    lead: str
    piece: Piece


@dataclass(frozen=True, slots=True)
class _Expression:
    piece: Piece
    strength: int = 9
    """Precedence of the operator: 0 for comparisons, 1 for sums, 2 for products, 3 for signs, 9 for what needs no
    brackets.
    """
    depth: int = 0


def statements(traced: Traced, is_plain: Callable[[nn.Module], bool]) -> list[Statement]:
    """Write the lines of a `forward`.

    Args:
        traced: the graph of the module.
        is_plain: whether a module is written as a plain container, without a class of its own.

    Returns:
        The lines in order.

    Raises:
        UntraceableError: the module calls a function outside torch, or has more than `MOST_LINES` lines.
    """
    found = _Writer(traced, is_plain).lines()
    if len(found) > MOST_LINES:
        raise UntraceableError(f"its forward unrolls into {len(found)} lines: it loops over its input")
    return found


class _Writer:
    def __init__(self, traced: Traced, is_plain: Callable[[nn.Module], bool]) -> None:
        self._traced, self._is_plain = traced, is_plain
        self._nodes, self._pairs, self._root = list(traced.graph.nodes), traced.pairs, traced.root
        self._places = {node: place for place, node in enumerate(self._nodes)}
        self._known: dict[fx.Node, _Expression] = {}
        self._names: dict[fx.Node, str] = {}
        self._lasts: dict[str, fx.Node] = {}

    def lines(self) -> list[Statement]:
        for node in self._nodes:
            if node.op == "placeholder":
                self._name(node, str(node.target))
        kept = self._kept()
        found = []
        for node in self._nodes:
            if node.op == "placeholder":
                continue
            if node.op == "output":
                found.append(Statement("return ", self._argument(node.args[0]).piece))
                break
            expression = self._known.get(node) or self._expression(node)
            together = self._unpacked(node)
            if together:
                names = [self._name_for(one) for one in together]
                found.append(Statement(f"{', '.join(names)} = ", expression.piece))
                for one, name in zip(together, names, strict=True):
                    self._name(one, name)
            elif node in self._names:
                continue
            elif node in kept or not (self._short(expression) or self._is_returned(node) or self._is_inside(node)):
                # The line is written first, because the name of a value that it reads may become its own.
                name = self._name_for(node)
                found.append(Statement(f"{name} = ", expression.piece))
                self._name(node, name)
            else:
                self._known[node] = expression
        return found

    def _kept(self) -> set[fx.Node]:
        """Collect the nodes that need a name: those that are used several times, or that the author has named."""
        own = {node for node in self._traced.own if not self._is_returned(node)}
        found: set[fx.Node] = set()
        for n in self._nodes:
            if (self._uses(n) > 1 or n in own) and not self._is_access(n):
                found.add(n)
        return found

    def _unpacked(self, node: fx.Node) -> list[fx.Node]:
        """List the elements of a sequence if the author names all, as in `query, key, value = ..`; else nothing."""
        users = sorted(node.users, key=self._places.__getitem__)
        items = [one for one in users if one.target is operator.getitem and one.args[0] is node]
        indices = [one.args[1] for one in items]
        whole = self._pairs[node][0]
        if len(items) < 2 or len(users) > len(items) or indices != list(range(len(items))) or len(whole) != len(items):
            return []
        return items if all(one in self._traced.names for one in items) else []

    def _is_inside(self, node: fx.Node) -> bool:
        """Check whether a node is a layer of a plain sequence that only the next layer reads."""
        path = str(node.target).rpartition(".")[0]
        if node.op != "call_module" or not path or self._uses(node) != 1:
            return False
        (user,) = node.users
        container = self._root.get_submodule(path)
        inside = isinstance(container, nn.Sequential) and self._is_plain(container)
        return inside and user.op == "call_module" and str(user.target).rpartition(".")[0] == path

    def _is_returned(self, node: fx.Node) -> bool:
        """Check whether a node is returned and not used otherwise."""
        return [one.op for one in node.users] == ["output"] and self._uses(node) == 1

    def _is_access(self, node: fx.Node) -> bool:
        """Check whether a node needs no name: an attribute, a size, or an element of a list with a name."""
        if node.op == "get_attr" or node.target is getattr:
            return True
        source = node.args[0] if node.args else None
        parts = isinstance(source, fx.Node) and isinstance(self._pairs[source][0], list | tuple)
        return node.target is operator.getitem and parts

    def _uses(self, node: fx.Node) -> int:
        """Count the arguments, in all nodes, that are this node."""
        count = 0

        def look(used: fx.Node) -> fx.Node:
            nonlocal count
            count += used is node
            return used

        for user in node.users:
            fx.node.map_arg((user.args, user.kwargs), look)
        return count

    def _short(self, expression: _Expression) -> bool:
        return expression.depth <= _DEEPEST and len(flat(expression.piece)) <= _LONGEST

    def _name(self, node: fx.Node, name: str) -> None:
        self._names[node] = name
        self._lasts[name] = node
        self._known[node] = _Expression(SourceText(name))

    def _name_for(self, node: fx.Node) -> str:
        """Choose the author's name, or that of the value it is computed from if no later line reads that value."""
        wanted = self._traced.names.get(node)
        if wanted is None:
            source = next((arg for arg in node.args if isinstance(arg, fx.Node)), None)
            while source is not None and source not in self._names:
                source = next((arg for arg in source.args if isinstance(arg, fx.Node)), None)
            inputs = source is not None and source.op == "placeholder" and isinstance(self._pairs[source][0], Tensor)
            taken = source is None or not inputs or not self._over(source, node)
            wanted = node.name if taken or source is None else self._names[source]
        free = wanted not in self._lasts or self._over(self._lasts[wanted], node)
        if free and wanted not in _RESERVED and not keyword.iskeyword(wanted):
            return wanted
        number = next(n for n in itertools.count(2) if f"{wanted}_{n}" not in self._lasts)
        return f"{wanted}_{number}"

    def _over(self, source: fx.Node, node: fx.Node) -> bool:
        """Check that nothing after `node` reads `source`, directly or in an expression that is not written yet."""
        later = self._places[node]
        return all(
            self._places[user] <= later and (user is node or self._written_in(user, node)) for user in source.users
        )

    def _written_in(self, user: fx.Node, node: fx.Node) -> bool:
        """Check that `user` has a name already, or that nothing after `node` reads it."""
        if user in self._names or user is node:
            return True
        return all(self._places[one] <= self._places[node] and self._written_in(one, node) for one in user.users)

    def _expression(self, node: fx.Node) -> _Expression:
        if node.op == "get_attr":
            return _Expression(SourceText(_path(str(node.target), self._root)))
        if node.op == "call_module":
            whole = self._whole(node)
            if whole is not None:
                return self._call(*whole, {})
            return self._call(_path(str(node.target), self._root), node.args, node.kwargs)
        if node.op == "call_method":
            owner = self._argument(node.args[0])
            return self._method(owner, str(node.target), node)
        return self._function(node)

    def _whole(self, node: fx.Node) -> tuple[str, tuple[Any, ...]] | None:
        """Find the plain sequence whose layers are called one after another, to call it as a whole."""
        path, _, last = str(node.target).rpartition(".")
        container = self._root.get_submodule(path)
        if not path or not isinstance(container, nn.Sequential) or not self._is_plain(container):
            return None
        keys = list(container._modules)
        if last != keys[-1]:
            return None
        for key in reversed(keys):
            if node.op != "call_module" or node.target != f"{path}.{key}" or len(node.args) != 1 or node.kwargs:
                return None
            (source,) = node.args
            if key != keys[0] and (not isinstance(source, fx.Node) or source in self._names):
                return None
            if key == keys[0]:
                return _path(path, self._root), node.args
            node = source  # type: ignore[assignment]
        return None

    def _method(self, owner: _Expression, name: str, node: fx.Node) -> _Expression:
        items = self._items(node.args[1:], node.kwargs)
        call = Bracket(f".{name}(", tuple(Entry("", i.piece) if not i.prefix else i for i in items), ")")
        if not items:
            call = Bracket(f".{name}(", (), ")")
        piece = Bracket("", (Entry("", self._bracketed(owner, 9)), Entry("", call)), "", "")
        return _Expression(piece, depth=self._deepest(node))

    def _function(self, node: fx.Node) -> _Expression:
        target: Any = node.target
        if target in _INFIX and len(node.args) == 2 and not node.kwargs:
            return self._infix(node, *_INFIX[target])
        if target is operator.neg:
            return _Expression(Bracket("-", (Entry("", self._bracketed(self._argument(node.args[0]), 3)),), "", ""), 3)
        if target is operator.getitem:
            owner, index = self._argument(node.args[0]), node.args[1]
            parts = index if isinstance(index, tuple) else (index,)
            items = tuple(Entry("", self._index(part)) for part in parts)
            piece = Bracket("", (Entry("", self._bracketed(owner, 9)), Entry("", Bracket("[", items, "]"))), "", "")
            return _Expression(piece, depth=self._deepest(node))
        if target is getattr:
            owner = self._argument(node.args[0])
            return _Expression(
                Bracket("", (Entry("", self._bracketed(owner, 9)), Entry("", SourceText(f".{node.args[1]}"))), "", "")
            )
        return self._call(_name_of(target), *_without_defaults(target, node.args, node.kwargs))

    def _infix(self, node: fx.Node, sign: str, strength: int) -> _Expression:
        left, right = (self._argument(one) for one in node.args)
        # a + b + c needs no brackets, a - (b + c) does, and so does (a > b) > c.
        pieces = (self._bracketed(left, max(strength, 1)), self._bracketed(right, strength + 1))
        first = pieces[0]
        if isinstance(first, Bracket) and first.separator == sign and not first.closing:
            items = (*first.items, Entry("", pieces[1]))
        else:
            items = tuple(Entry("", piece) for piece in pieces)
        return _Expression(Bracket("", items, "", sign), strength, self._deepest(node))

    def _call(self, name: str, args: Any, kwargs: Any) -> _Expression:
        items = self._items(args, kwargs)
        depth = 1 + max((self._argument(arg).depth for arg in args if isinstance(arg, fx.Node)), default=0)
        piece: Piece = Bracket(f"{name}(", items, ")")
        return _Expression(piece, depth=depth)

    def _deepest(self, node: fx.Node) -> int:
        return max((self._known[one].depth for one in node.all_input_nodes if one in self._known), default=0)

    def _items(self, args: Any, kwargs: Mapping[str, Any]) -> tuple[Entry, ...]:
        return (
            *(Entry("", self._argument(arg).piece) for arg in args),
            *(Entry(f"{name}=", self._argument(arg).piece) for name, arg in kwargs.items()),
        )

    def _bracketed(self, expression: _Expression, strength: int) -> Piece:
        if expression.strength >= strength:
            return expression.piece
        return Bracket("(", (Entry("", expression.piece),), ")", separator=" ")

    def _argument(self, arg: Any) -> _Expression:
        if isinstance(arg, fx.Node):
            return self._known[arg]
        if isinstance(arg, list | tuple) and not isinstance(arg, torch.Size):
            opening, closing = ("[", "]") if isinstance(arg, list) else ("(", ")")
            whole, rest = self._whole_list(arg)
            items = [Entry("*", self._argument(whole).piece)] if whole is not None else []
            items += [Entry("", self._argument(one).piece) for one in rest]
            return _Expression(Bracket(opening, tuple(items), closing))
        if isinstance(arg, dict):
            entries = tuple(Entry(f"{flat(literal(key))}: ", self._argument(one).piece) for key, one in arg.items())
            return _Expression(Bracket("{", entries, "}"))
        if isinstance(arg, torch.device):
            return _Expression(SourceText(f'"{arg}"'))
        return _Expression(literal(arg))

    def _whole_list(self, arg: Any) -> tuple[fx.Node | None, Any]:
        """Find a list whose elements this one begins with, and the elements after them."""
        first = next((place for place, one in enumerate(arg) if one is not None), None)
        node = arg[first] if first is not None else None
        if not isinstance(node, fx.Node) or node.target is not operator.getitem or node in self._names:
            return None, arg
        source = node.args[0]
        if not isinstance(source, fx.Node):
            return None, arg
        values = self._pairs[source][0]
        if not isinstance(values, list | tuple) or len(values) > len(arg) or len(values) < 2:
            return None, arg
        for place, value in enumerate(values):
            one = arg[place]
            same = isinstance(one, fx.Node) and one.target is operator.getitem and one.args == (source, place)
            if not (same or (one is None and value is None)):
                return None, arg
        return source, arg[len(values) :]

    def _index(self, part: Any) -> Piece:
        if part is Ellipsis:
            return SourceText("...")
        if is_whole(part):
            return literal(part, "index")
        if not isinstance(part, slice):
            return self._argument(part).piece
        ends = [None if end is None else self._argument(end).piece for end in (part.start, part.stop, part.step)]
        colons: list[Entry] = [Entry("", ends[0])] if ends[0] is not None else []
        colons.append(Entry("", SourceText(":")))
        if ends[1] is not None:
            colons.append(Entry("", ends[1]))
        if ends[2] is not None:
            colons += [Entry("", SourceText(":")), Entry("", ends[2])]
        return Bracket("", tuple(colons), "", "")


def _path(target: str, root: nn.Module) -> str:
    """Write the path of an attribute as source, such as `self.edges["edge_0_1"][0]`."""
    text, owner = "self", root
    for name in target.split("."):
        if isinstance(owner, nn.ModuleDict):
            text += f'["{name}"]'
        elif isinstance(owner, nn.Sequential | nn.ModuleList) and name.isdecimal():
            text += f"[{name}]"
        else:
            text += f".{name}"
        owner = getattr(owner, name)
    return text


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    for prefix, home in (("F", functional), ("torch", torch)):
        if getattr(home, name, None) is function:
            return f"{prefix}.{name}"
    operations = sys.modules.get("torchvision.ops")  # a network that calls them has imported them
    if operations is not None and getattr(operations, name, None) is function:
        return f"torchvision.ops.{name}"
    raise UntraceableError(f"it calls {getattr(function, '__module__', '')}.{name or function!r}, which is not torch's")


def _without_defaults(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Remove keyword arguments that equal their defaults, which torch fills in itself."""
    try:
        parameters = inspect.signature(function).parameters
    except (ValueError, TypeError):
        return args, dict(kwargs)

    def says(name: str, value: Any) -> bool:
        default = parameters[name].default if name in parameters else inspect.Parameter.empty
        return isinstance(value, fx.Node) or type(value) is not type(default) or value != default

    return args, {name: value for name, value in kwargs.items() if says(name, value)}
