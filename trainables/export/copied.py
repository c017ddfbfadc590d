"""A forward that loops over its input, as its author wrote it: unrolled it would be too long to read.

Only methods are copied that need nothing but torch, plain attributes, and functions of their own module. The exported
file is compared with the network anyway.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import sys
import textwrap
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables.export.expressions import INDENT, SourceText
from trainables.export.layers import literal
from trainables.export.statements import Statement
from trainables.export.tracing import UntraceableError

__all__ = ["Copied", "copied"]

_IMPORTED: tuple[tuple[Any, str], ...] = ((torch, "torch"), (nn, "nn"), (functional, "F"), (Tensor, "Tensor"))
"""What the file imports, and its name there."""


@dataclass(frozen=True)
class Copied:
    """The methods of a module as source.

    Attributes:
        attributes: lines of the constructor for plain attributes that the methods read.
        signature: the other methods, and the line `def forward(..)`.
        forward: the lines of `forward`.
        functions: the source of the functions that the methods call, by name.
    """

    attributes: tuple[Statement, ...]
    signature: str
    forward: tuple[Statement, ...]
    functions: dict[str, str]


def copied(module: nn.Module) -> Copied | None:
    """Copy the methods of a module.

    Args:
        module: the module, whose constructor is written otherwise.

    Returns:
        The methods; None where they need more than a file with torch alone has.
    """
    kind = type(module)
    tree = _tree_of(kind)
    if kind.__bases__ != (nn.Module,) or not isinstance(tree, ast.ClassDef):
        return None
    methods: dict[str, ast.FunctionDef] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name != "__init__":
            methods[node.name] = node
    try:
        copy = _Copy(sys.modules[kind.__module__])
        texts = {name: copy.text(node) for name, node in methods.items()}
        names = {one.attr for node in methods.values() for one in _own_attributes(node)}
        attributes = tuple(_attributes(module, sorted(names - set(methods))))
    except (_NotAloneError, UntraceableError):
        return None
    first, *body = texts.pop("forward").split("\n")
    others = [textwrap.indent(text, INDENT).lstrip() for text in texts.values()]
    signature = f"\n\n{INDENT}".join([*others, first])
    lines = textwrap.dedent("\n".join(body)).split("\n")
    return Copied(attributes, signature, tuple(Statement("", SourceText(line)) for line in lines), copy.functions)


class _NotAloneError(Exception):
    """The source needs a name that the file does not have."""


def _tree_of(thing: Any) -> ast.stmt | None:
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None


class _Copy(ast.NodeTransformer):
    """Copies functions; names of the module become those of the file."""

    def __init__(self, module: Any) -> None:
        self._globals = vars(module)
        self.functions: dict[str, str] = {}
        self._local: set[str] = set()

    def text(self, node: ast.FunctionDef) -> str:
        if node.decorator_list:
            raise _NotAloneError(node.name)
        outer = self._local
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, node.args.vararg, node.args.kwarg]
        stored = [one.id for one in ast.walk(node) if isinstance(one, ast.Name) and not isinstance(one.ctx, ast.Load)]
        self._local = {*(one.arg for one in arguments if one is not None), *stored}
        body = node.body
        if ast.get_docstring(node) is not None:
            body = body[1:]
        new = ast.FunctionDef(
            name=node.name,
            args=node.args,
            body=[self.visit(one) for one in body],
            decorator_list=[],
            returns=node.returns,
            lineno=0,
            col_offset=0,
        )
        self._local = outer
        return ast.unparse(ast.fix_missing_locations(new))

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if node.id in self._local or hasattr(builtins, node.id):
            return node
        value = self._globals.get(node.id)
        for known, name in _IMPORTED:
            if value is known:
                return ast.Name(name, node.ctx)
        if not inspect.isfunction(value) or value.__module__ != self._globals["__name__"]:
            raise _NotAloneError(node.id)
        if node.id not in self.functions:
            tree = _tree_of(value)
            if not isinstance(tree, ast.FunctionDef):
                raise _NotAloneError(node.id)
            self.functions[node.id] = ""  # it may call itself
            self.functions[node.id] = self.text(tree)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        is_cast = isinstance(node.func, ast.Name) and self._globals.get(node.func.id) is typing.cast
        if is_cast:
            return self.visit(node.args[1])  # type: ignore[no-any-return]
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            raise _NotAloneError("an annotation alone")
        return ast.Assign(targets=[self.visit(node.target)], value=self.visit(node.value), lineno=0, col_offset=0)


def _own_attributes(node: ast.FunctionDef) -> Iterator[ast.Attribute]:
    for one in ast.walk(node):
        if isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
            if not isinstance(one.ctx, ast.Load):
                raise _NotAloneError(one.attr)
            yield one


def _attributes(module: nn.Module, names: list[str]) -> Iterator[Statement]:
    """Write the plain attributes among these names."""
    for name in names:
        if name in module._parameters or name in module._buffers or name in module._modules:
            continue
        if name not in vars(module) or name == "training":
            continue  # a method of torch's class
        yield Statement(f"self.{name} = ", literal(vars(module)[name], name))
