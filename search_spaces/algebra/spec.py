"""A space as JSON, and back. A run keeps the spec of its space, and `Space.fingerprint` is a hash of it.

Functions are written as references, `"module:qualname"`. A lambda or a local function has one too, which distinguishes
it from others, but `from_spec` refuses it because it cannot be imported. A rule that is an object with state is written
as its class and its `to_spec()`, and read by the class's `from_spec`.

`from_spec` imports the code that the spec names. `bare` keeps the class and the rules of the catalogue and leaves out
all others, so that it reads a spec from anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from search_spaces.algebra.beside import Beside
from search_spaces.algebra.code import catalogued, checked_class, checked_rule, checked_rule_class, imported
from search_spaces.algebra.compiler import Nested
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
    repeat,
    stored_integer,
    stored_real,
)

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["Find", "bare", "from_spec", "references", "to_spec"]

FORMAT = 1
Find = Callable[[str], object]
"""Returns the class or function that a reference names; None leaves it out."""


def to_spec(space: Space) -> dict[str, Any]:
    """Describe a space as JSON.

    Args:
        space: the space.

    Returns:
        A dict of JSON values with the keys format, type, name, tree, valid and canonical.
    """
    return {
        "format": FORMAT,
        "type": _reference(type(space)),
        "name": space.name,
        "tree": _written(space.declared),
        "valid": _written_rule(space.valid),
        "canonical": _written_rule(space.canonical),
    }


def from_spec(description: Mapping[str, Any], root: type[Space], find: Find = imported) -> Space:
    """Rebuild the space of a description.

    Args:
        description: the result of `to_spec`.
        root: the class that every space derives from; a space whose class is left out gets it.
        find: returns the class or function behind a reference; None leaves it out.

    Returns:
        The space.

    Raises:
        SpaceError: the format is another one, something is malformed, or the code is no `Space` and no rule.
    """
    try:
        return _from_spec(description, root, find)
    except RecursionError:
        raise SpaceError("spec: nested too deeply; use what to_spec() wrote") from None


def bare(description: Mapping[str, Any], root: type[Space]) -> Space:
    """Rebuild the space of a description with no code but the catalogue's.

    Args:
        description: the result of `to_spec`.
        root: the class that every space derives from; a space whose class is left out gets it.

    Returns:
        The space, without a class and rules that are not of the catalogue.

    Raises:
        SpaceError: as for `from_spec`.
    """
    return from_spec(description, root, catalogued)


def references(description: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """List the code that `from_spec` would import.

    Args:
        description: the result of `to_spec`.

    Yields:
        Pairs of "type", "valid" or "canonical", and the reference.
    """
    for what in ("type", "valid", "canonical"):
        written = description.get(what)
        found = written.get("type") if isinstance(written, Mapping) else written
        if found is not None:
            yield what, str(found)
        state = written.get("state") if isinstance(written, Mapping) else None
        inner = state.get("space") if isinstance(state, Mapping) else None
        if isinstance(inner, Mapping):
            yield from references(inner)


def _from_spec(description: Mapping[str, Any], root: type[Space], find: Find) -> Space:
    found = description.get("format") if isinstance(description, Mapping) else None
    if found != FORMAT:
        raise SpaceError(f"spec of format {found!r}: this version reads format {FORMAT}; use what to_spec() wrote")
    kind = checked_class(_found(find, description.get("type"), "type"), description.get("type"), root) or root
    rules = {rule: _read_rule(description.get(rule), rule, find, root) for rule in ("valid", "canonical")}
    name, tree = description.get("name"), _read(description.get("tree"), "")
    if name is not None and not isinstance(name, str):
        raise SpaceError(f"spec: name {name!r} is not text; use what to_spec() wrote")
    return kind._rebuilt(tree, name=name, **rules)


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
            return stored_integer(written["low"], written["high"], written["step"], written["log"])
        case "real":
            return stored_real(written["low"], written["high"], written["step"], written["log"])
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


def _read_rule(written: Any, what: str, find: Find, root: type[Space]) -> Callable[..., Any] | None:
    if not isinstance(written, Mapping):
        rule: Callable[..., Any] | None = checked_rule(_found(find, written, what), what, written)
        return rule
    if written.get("type") is None:
        raise SpaceError(f"spec: {what}: malformed (no type); use what to_spec() wrote")
    if written.get("type") == _reference(Beside):
        return _read_beside(written.get("state"), what, find, root)
    kind = checked_rule_class(_found(find, written.get("type"), what), what, written.get("type"))
    if kind is None:
        return None
    try:
        return kind.from_spec(written["state"])  # type: ignore[no-any-return]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SpaceError(f"spec: {what}: malformed ({error!r}); use what to_spec() wrote") from error


def _read_beside(state: Any, what: str, find: Find, root: type[Space]) -> Beside | None:
    """A rule of a space inside; None where that rule is left out."""
    try:
        inner = from_spec(state["space"], root, find)
        left_out = state["space"].get(what) is not None and getattr(inner, what) is None
        return None if left_out else Beside.from_spec(state, inner)
    except (KeyError, TypeError, AttributeError) as error:
        raise SpaceError(f"spec: {what}: malformed ({error!r}); use what to_spec() wrote") from error


def _found(find: Find, reference: object, what: str) -> object:
    """The object behind a reference; None for no reference, and for one that `find` leaves out."""
    if reference is None:
        return None
    if not isinstance(reference, str):
        raise SpaceError(f"spec: {what} {reference!r} is not a reference; use what to_spec() wrote")
    return find(reference)


def _reference(target: Any) -> str | None:
    if target is None:
        return None
    named = target if hasattr(target, "__qualname__") else type(target)
    return f"{named.__module__}:{named.__qualname__}"
