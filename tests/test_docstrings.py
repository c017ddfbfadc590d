"""Every public function and class says what it takes, gives and raises: the API pages are made from it."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PACKAGES = ("search_spaces", "trainables", "nas_tune")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEADINGS = ("Args", "Attributes", "Returns", "Yields", "Raises", "Example", "Note")
DESCRIBED_ELSEWHERE = {"property", "cached_property", "setter", "overload", "override"}
"""Decorators of what needs no sections: a property is described by its one sentence."""

OUTSIDE = {"forward", "backward", "extra_repr", "reseed_rng"}
OUTSIDE |= {"infer_relative_search_space", "sample_relative", "sample_independent"}
"""Methods that torch or Optuna call, and describe."""

OUTSIDE_BASES = {"BaseStorage"}
"""Base classes of Optuna that describe all their methods."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Public(NamedTuple):
    """A public function or class, and where it stands."""

    where: str
    node: Function | ast.ClassDef
    owner: ast.ClassDef | None


def public(path: Path) -> Iterator[Public]:
    """What is public in a file: names without an underscore, at the top and in public classes."""
    for node in tree_of(path).body:
        yield from _public(node, None, path)


@functools.cache
def tree_of(path: Path) -> ast.Module:
    """The syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"))


def _public(node: ast.stmt, owner: ast.ClassDef | None, path: Path) -> Iterator[Public]:
    if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_"):
        return
    name = f"{owner.name}.{node.name}" if owner else node.name
    yield Public(f"{path.relative_to(ROOT)}:{node.lineno} {name}", node, owner)
    if isinstance(node, ast.ClassDef):
        for member in node.body:
            yield from _public(member, node, path)


def parameters(function: Function) -> tuple[str, ...]:
    """The names that a caller may give, without self and cls and without the underscored ones."""
    taken = function.args
    names = [argument.arg for argument in (*taken.posonlyargs, *taken.args, *taken.kwonlyargs)]
    names += [argument.arg for argument in (taken.vararg, taken.kwarg) if argument is not None]
    return tuple(name for name in names if name not in ("self", "cls") and not name.startswith("_"))


def sections(node: Function | ast.ClassDef) -> dict[str, str]:
    """The sections of a docstring by their headings."""
    found: dict[str, str] = {}
    heading = ""
    for line in (ast.get_docstring(node) or "").splitlines():
        match = re.fullmatch(rf"({'|'.join(HEADINGS)}):", line)
        if match:
            heading = match[1]
            found[heading] = ""
        elif line and not line.startswith(" "):
            heading = ""
        elif heading:
            found[heading] += line + "\n"
    return found


def described(text: str) -> set[str]:
    """The names that a section describes: `name: ..` or `one, two: ..`, four spaces in."""
    names: set[str] = set()
    for match in re.finditer(r"^ {4}(\**\w[\w.*, ]*):", text, re.MULTILINE):
        names.update(name.strip().lstrip("*") for name in match[1].split(","))
    return names


def ports() -> set[tuple[str, tuple[str, ...]]]:
    """Methods that a port or base class describes in full: those that implement them need not repeat it."""
    classes = [node for path in FILES for node in _classes(tree_of(path))]
    bases = {_last(base) for node in classes for base in node.bases}
    found: set[tuple[str, tuple[str, ...]]] = set()
    for node in classes:
        if node.name in bases or any(_last(base) == "Protocol" for base in node.bases):
            methods = [member for member in node.body if isinstance(member, Function)]
            found.update((method.name, parameters(method)) for method in methods if not lacking(method))
    return found


def _classes(tree: ast.Module) -> Iterator[ast.ClassDef]:
    """Every class of a file, also those inside functions and classes. Expressions, which hold none, are left out."""
    todo: list[ast.AST] = [tree]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.ClassDef):
            yield node
        todo.extend(one for one in ast.iter_child_nodes(node) if isinstance(one, ast.stmt | ast.excepthandler))


def _last(base: ast.expr) -> str:
    """The name of a base class, without its module and its type arguments."""
    if isinstance(base, ast.Subscript):
        return _last(base.value)
    return base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""


def raised(function: Function) -> set[str]:
    """The exceptions that the body raises itself, by name: not those of functions inside it or from a variable."""
    names: set[str] = set()
    todo: list[ast.AST] = list(function.body)
    while todo:
        node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            continue
        made = node.exc.func if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) else None
        if isinstance(made, ast.Name) and made.id[0].isupper():
            names.add(made.id)
        todo.extend(ast.iter_child_nodes(node))
    return names


def lacking(function: Function) -> list[str]:
    """What the docstring of a function does not say."""
    text = sections(function)
    missing = []
    unsaid = [name for name in parameters(function) if name not in described(text.get("Args", ""))]
    if unsaid:
        missing.append(f"Args: {', '.join(unsaid)}")
    unknown = described(text.get("Args", "")) - set(parameters(function))
    if unknown:
        missing.append(f"no such parameter: {', '.join(sorted(unknown))}")
    gives = ast.unparse(function.returns) if function.returns is not None else "None"
    if gives not in ("None", "NoReturn", "Never", "Self") and not {"Returns", "Yields"} & text.keys():
        missing.append("Returns")
    hidden = sorted(name for name in raised(function) if name not in text.get("Raises", ""))
    if hidden:
        missing.append(f"Raises: {', '.join(hidden)}")
    return missing


def lacking_of_class(node: ast.ClassDef) -> list[str]:
    """What the docstring of a class does not say of its constructor or of its fields."""
    text = sections(node)
    said = described(text.get("Args", "") + text.get("Attributes", ""))
    constructors = [member for member in node.body if isinstance(member, Function) and member.name == "__init__"]
    names = parameters(constructors[0]) if constructors else _fields(node)
    unsaid = [name for name in names if name not in said]
    return [f"Args or Attributes: {', '.join(unsaid)}"] if unsaid else []


def _fields(node: ast.ClassDef) -> list[str]:
    """The public fields of a dataclass or named tuple that no docstring stands below."""
    decorators = [ast.unparse(decorator) for decorator in node.decorator_list]
    if not any("dataclass" in text for text in decorators) and not any(
        _last(base) == "NamedTuple" for base in node.bases
    ):
        return []
    names = []
    for member, below in zip(node.body, [*node.body[1:], None], strict=True):
        if not isinstance(member, ast.AnnAssign) or not isinstance(member.target, ast.Name):
            continue
        explained = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
        if not explained and "ClassVar" not in ast.unparse(member.annotation) and not member.target.id.startswith("_"):
            names.append(member.target.id)
    return names


def problems(path: Path, known: set[tuple[str, tuple[str, ...]]]) -> list[str]:
    """What the docstrings of a file lack, one line a function or class."""
    found = []
    for where, node, owner in public(path):
        if isinstance(node, ast.ClassDef):
            missing = lacking_of_class(node)
        else:
            missing = [] if _is_described_elsewhere(node, owner, known) else lacking(node)
        if missing:
            found.append(f"{where}: {'; '.join(missing)}")
    return found


def _is_described_elsewhere(
    node: Function, owner: ast.ClassDef | None, known: set[tuple[str, tuple[str, ...]]]
) -> bool:
    """Whether a decorator, a port or a library describes the function."""
    words = {word for decorator in node.decorator_list for word in re.findall(r"\w+", ast.unparse(decorator))}
    if words & DESCRIBED_ELSEWHERE:
        return True
    if owner is None:
        return False
    implements = (node.name, parameters(node)) in known or node.name in OUTSIDE
    return implements or bool(OUTSIDE_BASES & {_last(base) for base in owner.bases})


def test_public_things_say_what_they_take_give_and_raise():
    known = ports()
    found = [problem for path in FILES for problem in problems(path, known)]
    assert not found, "\n".join(found)
