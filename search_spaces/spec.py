"""A space as JSON, and back. The spec is what a run keeps of its space, and what `fingerprint` is made of.

Functions are written as references, `"module:qualname"`; a lambda or a local function has one too, which
tells it from others, but `from_spec` refuses it, since nobody could import it. Reading a spec imports what it
names. A rule that is an object with state is written as its class and its `to_spec()`, and read by the
class's `from_spec`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from search_spaces.compiler import Nested
from search_spaces.errors import SpaceError
from search_spaces.parameters import (
    Choice,
    Const,
    Integer,
    Options,
    Real,
    Repeat,
    Subset,
    const,
    integer,
    real,
    repeat,
)

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["from_spec", "to_spec"]

FORMAT = 1


def to_spec(space: Space) -> dict[str, Any]:
    """The JSON-able description of a space."""
    return {
        "format": FORMAT,
        "type": _reference(type(space)),
        "name": space.name,
        "tree": _written(space.declared),
        "valid": _written_rule(space.valid),
        "canonical": _written_rule(space.canonical),
    }


def from_spec(description: Mapping[str, Any]) -> Space:
    """The space of a description; `SpaceError` for another format, or something not importable."""
    from search_spaces.space import Space

    found = description.get("format")
    if found != FORMAT:
        raise SpaceError(f"spec of format {found!r}: this version reads format {FORMAT}; use what to_spec() wrote")
    kind = _imported(description.get("type"), "type") or Space
    if not (isinstance(kind, type) and issubclass(kind, Space)):
        raise SpaceError(f"spec: type {description.get('type')!r} is no Space; use what to_spec() wrote")
    rules = {rule: _read_rule(description.get(rule), rule) for rule in ("valid", "canonical")}
    return kind._rebuilt(_read(description.get("tree"), ""), name=description.get("name"), **rules)


def _written(tree: object) -> dict[str, Any]:
    match tree:
        case Nested():
            return _written(tree.declared)
        case Const(value):
            return {"kind": "const", "value": value}
        case Integer(low, high, step, log):
            return {"kind": "integer", "low": low, "high": high, "step": step, "log": log}
        case Real(low, high, step, log):
            return {"kind": "real", "low": low, "high": high, "step": step, "log": log}
        case Choice(options):
            return {"kind": "choice", **_written_options(options)}
        case Subset(options, low, high):
            return {"kind": "subset", "low": low, "high": high, **_written_options(options)}
        case Repeat(subtree, low, high):
            return {"kind": "repeat", "low": low, "high": high, "tree": _written(subtree)}
        case dict():
            return {"kind": "dict", "items": {key: _written(item) for key, item in tree.items()}}
        case list() | tuple():
            return {"kind": "list", "items": [_written(item) for item in tree]}
    return {"kind": "const", "value": tree}


def _written_options(options: Options) -> dict[str, Any]:
    return {"named": options.named, "options": [[name, _written(tree)] for name, tree in options.entries]}


def _read(written: Any, path: str) -> object:
    try:
        return _read_kind(written, path)
    except SpaceError as error:
        place = f"spec at {path or 'its root'}: "
        raise error if str(error).startswith("spec at ") else SpaceError(place + str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpaceError(f"spec at {path or 'its root'}: malformed ({error!r}); use what to_spec() wrote") from error


def _read_kind(written: Any, path: str) -> object:
    match written["kind"]:
        case "const":
            return const(written["value"])
        case "integer":
            return integer(written["low"], written["high"], written["step"], written["log"])
        case "real":
            return real(written["low"], written["high"], written["step"], written["log"])
        case "choice":
            return Choice(_read_options(written, path))
        case "subset":
            return Subset(_read_options(written, path), written["low"], written["high"])
        case "repeat":
            return repeat(_read(written["tree"], _below(path, "0")), written["low"], written["high"])
        case "dict":
            return {key: _read(item, _below(path, key)) for key, item in written["items"].items()}
        case "list":
            return [_read(item, _below(path, str(i))) for i, item in enumerate(written["items"])]
        case kind:
            raise SpaceError(f"unknown kind {kind!r}; use what to_spec() wrote")


def _read_options(written: Any, path: str) -> Options:
    entries = tuple((name, _read(tree, _below(path, str(name)))) for name, tree in written["options"])
    return Options(entries, named=written["named"])


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _written_rule(rule: Any) -> str | dict[str, Any] | None:
    if isinstance(rule, type) or not hasattr(rule, "to_spec"):
        return _reference(rule)
    return {"type": _reference(type(rule)), "state": rule.to_spec()}


def _read_rule(written: Any, what: str) -> Callable[..., Any] | None:
    if not isinstance(written, Mapping):
        return _imported(written, what)
    kind: Any = _imported(written.get("type"), what)
    try:
        return kind.from_spec(written["state"])  # type: ignore[no-any-return]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpaceError(f"spec: {what}: malformed ({error!r}); use what to_spec() wrote") from error


def _reference(target: Any) -> str | None:
    if target is None:
        return None
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}:{named.__qualname__}"


def _imported(reference: str | None, what: str) -> Callable[..., Any] | None:
    if reference is None:
        return None
    module, _, qualname = reference.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        remedy = "define it at the top level of a module that can be imported here"
        raise SpaceError(f"spec: {what} {reference!r} cannot be imported ({error}); {remedy}") from error
    return found  # type: ignore[no-any-return]
