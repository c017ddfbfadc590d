"""Published notations of architectures as Python text: parsed, never evaluated.

`read_fields("X = F(a=[('b', 1)], c=range(2))", names)` returns `{"a": [["b", 1]], "c": range(2)}`: one call, or one
dict, of literals. Everything else is refused with its line and column; so is a text that is longer, or more deeply
nested, than any genotype. `read_sequence`, `read_whole` and `read_number` check single values. Errors are
`ArchitectureError` with the place.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from search_spaces.errors import ArchitectureError
from search_spaces.names import did_you_mean

__all__ = ["LONGEST_TEXT", "read_fields", "read_number", "read_sequence", "read_whole"]

LONGEST_TEXT = 20_000
"""The most characters of a text; published genotypes have about 1,000."""
_LONGEST_RANGE = 100
_CASTS = ("list", "tuple", "int", "int64", "int32", "float", "float64", "float32")


def read_fields(genotype: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Read the fields of a genotype, whatever its form.

    Args:
        genotype: its text, a namedtuple, or a mapping.
        names: the fields in their order, for arguments by position.

    Returns:
        The values by name. Unknown names are kept; the caller checks them.

    Raises:
        ArchitectureError: it has none of these forms, or its text is no call and no dict of literals.
    """
    if isinstance(genotype, str):
        return _read_call(genotype, names)
    if hasattr(genotype, "_asdict"):
        return dict(genotype._asdict())
    if isinstance(genotype, Mapping):
        return dict(genotype)
    kind = type(genotype).__name__
    raise ArchitectureError("", f"{genotype!r:.60} is a {kind}; give the text of a genotype, or a namedtuple")


def read_sequence(value: object, place: str, what: str) -> Sequence[Any]:
    """Check that a value is a sequence.

    Args:
        value: the given value.
        place: its place in the text, for the message.
        what: what is expected there, for the message.

    Returns:
        The value: a list, tuple or range.

    Raises:
        ArchitectureError: it is none of them.
    """
    if isinstance(value, list | tuple | range):
        return value
    raise ArchitectureError(place, f"{value!r:.60} is found where {what} is expected")


def read_whole(value: object, place: str) -> int:
    """Read a whole number, also one of NumPy's.

    Args:
        value: the given value.
        place: its place in the text, for the message.

    Returns:
        The number.

    Raises:
        ArchitectureError: it is a bool, a text, a float or no number.
    """
    if not isinstance(value, bool | str | float) and hasattr(value, "__index__"):
        return operator.index(value)
    raise ArchitectureError(place, f"{value!r:.60} is not a whole number")


def read_number(numbers: Sequence[str], place: int, below: int, path: str) -> int:
    """Read one number of a sequence of numbers.

    Args:
        numbers: the sequence, as texts.
        place: the index of the number.
        below: the number must be less than this.
        path: the path of the decision, for the error.

    Returns:
        The number, 0 to `below` - 1.

    Raises:
        ArchitectureError: the text at `place` is no such number; the message gives the index.
    """
    text = numbers[place]
    if not (text.isascii() and text.isdigit() and int(text) < below):
        rule = f"a whole number from 0 to {below - 1} stands there"
        raise ArchitectureError(path, f"number {place} is {text!r:.20}; {rule}")
    return int(text)


def _read_call(text: str, names: tuple[str, ...]) -> dict[str, Any]:
    """Read the arguments of the one call, or the items of the one dict, in a text."""
    node = _value(text.strip())
    if isinstance(node, ast.Call):
        return _arguments(node, names)
    if isinstance(node, ast.Dict):
        return dict(map(_item, node.keys, node.values))
    raise _broken(node, f"write Genotype({names[0]}=.., ..) or a dict")


def _value(text: str) -> ast.expr:
    """The value of the only statement."""
    statements = _parsed(text).body
    if not statements:
        raise ArchitectureError("", "the text is empty; give a genotype")
    if len(statements) > 1:
        raise _broken(statements[1], "a second statement; give one genotype at a time")
    statement = statements[0]
    if isinstance(statement, ast.Assign | ast.AnnAssign | ast.Expr) and statement.value is not None:
        return statement.value
    raise _broken(statement, "no genotype; write Genotype(..), or NAME = Genotype(..)")


def _parsed(text: str) -> ast.Module:
    if len(text) > LONGEST_TEXT:
        raise ArchitectureError("", f"{len(text)} characters; a genotype has at most {LONGEST_TEXT}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about invalid escapes in strings
            return ast.parse(text)
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        said = f"the text is not Python at line {line}, column {column}: {error.msg}"
        raise ArchitectureError("", f"{said}; write Genotype(..)") from error
    except (RecursionError, MemoryError):
        raise ArchitectureError("", "the text is nested too deeply to be a genotype") from None
    except ValueError as error:
        raise ArchitectureError("", f"the text is not Python: {error}") from error


def _arguments(call: ast.Call, names: tuple[str, ...]) -> dict[str, Any]:
    if len(call.args) > len(names):
        raise _broken(call.args[len(names)], f"a genotype has {len(names)} fields: {', '.join(names)}")
    found = {name: _plain(argument) for name, argument in zip(names, call.args, strict=False)}
    for keyword in call.keywords:
        if keyword.arg is None:
            raise _broken(keyword.value, "** is not read; write the fields out")
        if keyword.arg in found:
            raise _broken(keyword.value, f"the field {keyword.arg!r} is given twice; leave one out")
        found[keyword.arg] = _plain(keyword.value)
    return found


def _item(key: ast.expr | None, value: ast.expr) -> tuple[str, Any]:
    if not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        raise _broken(key or value, "the key of a field is its name in quotes")
    return key.value, _plain(value)


def _plain(node: ast.expr) -> Any:
    """The value of a literal."""
    match node:
        case ast.Constant(value=str() | int() | float() | None as value):
            return value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_plain(item) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.Call(func=ast.Name(id="range"), args=arguments, keywords=[]):
            return _range(node, [_plain(argument) for argument in arguments])
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[only], keywords=[]) if name in _CASTS:
            return _plain(only)
    close = did_you_mean(node.id, ("range",)) if isinstance(node, ast.Name) else ""
    raise _broken(node, f"only strings, numbers, None, lists, tuples and range(..) are read{close}")


def _range(node: ast.expr, bounds: list[Any]) -> range:
    whole = all(type(bound) is int for bound in bounds)
    if not whole or len(bounds) not in (1, 2, 3) or (len(bounds) == 3 and bounds[2] == 0):
        raise _broken(node, "range takes one to three whole numbers, the step not 0")
    made = range(*bounds)
    if (
        not -LONGEST_TEXT < made.start < LONGEST_TEXT
        or not -LONGEST_TEXT < made.stop < LONGEST_TEXT
        or len(made) > _LONGEST_RANGE
    ):
        raise _broken(node, f"a range of more than {_LONGEST_RANGE} nodes")
    return made


def _broken(node: ast.AST, rule: str) -> ArchitectureError:
    line, column = getattr(node, "lineno", 1), getattr(node, "col_offset", 0) + 1
    try:
        written = ast.unparse(node)[:60]
    except RecursionError:
        written = "nested too deeply"
    return ArchitectureError("", f"{written!r} at line {line}, column {column}: {rule}")
