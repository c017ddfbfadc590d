"""The code of a space by its name: its class and its rules, found and checked before anything is called.

A spec is data, and anybody may have written it. So nothing that it names is called before a check of its kind: it is
a class derived from `Space`, a function of one architecture, or a class of rules. The standard library has none of
these, and in this package only the catalogue has rules. The caller decides whether a module may be imported at all;
`catalogued` imports nothing but the catalogue.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from typing import TYPE_CHECKING, Any

from search_spaces.errors import SpaceError

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = [
    "OUR_PACKAGES",
    "catalogued",
    "checked_class",
    "checked_rule",
    "checked_rule_class",
    "imported",
    "is_catalogued",
    "no_code",
]

_CATALOGUED = re.compile(
    r"search_spaces\.space:Space|search_spaces\.catalogue\.[a-z0-9_]+:([A-Za-z0-9]+Space|([a-z0-9_]+_)?canonical|connected)"
)
_LIVENESS = "search_spaces.nn.liveness:Liveness"
OUR_PACKAGES = ("search_spaces", "trainables", "nas_tune")
"""The packages of this project."""


def is_catalogued(reference: str) -> bool:
    """Tell by its name whether a reference is a class or a rule of the spaces that come with this package.

    In the modules of `search_spaces.catalogue` the classes of spaces end in Space, and rules are called connected,
    canonical or *_canonical. Nothing is imported.

    Args:
        reference: "module:qualname".

    Returns:
        True for `search_spaces.space:Space` and for classes and rules of the catalogue.
    """
    return _CATALOGUED.fullmatch(reference) is not None


def catalogued(reference: str) -> object:
    """Import a class or a rule of the catalogue, and nothing else.

    Args:
        reference: "module:qualname".

    Returns:
        The class or function; None for every reference outside the catalogue.
    """
    return imported(reference) if is_catalogued(reference) else None


def imported(reference: str) -> Any:
    """Import what a reference names, with its module.

    Args:
        reference: "module:qualname".

    Returns:
        The object of that name; its kind is not checked.

    Raises:
        SpaceError: it cannot be imported, or cannot be a part of a space (see `no_code`).
    """
    if why := no_code(reference):
        raise SpaceError(f"spec: {reference!r} {why}")
    module, _, qualname = reference.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for part in qualname.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError, ValueError) as error:
        remedy = "define it at the top level of a module that can be imported here"
        raise SpaceError(f"spec: {reference!r} cannot be imported ({error}); {remedy}") from error
    return found


def no_code(reference: str) -> str:
    """Say why a reference cannot name a class or a rule of a space, without an import.

    Args:
        reference: the text that should be "module:qualname".

    Returns:
        The end of a sentence that begins with the reference; empty if the reference may be imported.
    """
    module, colon, qualname = reference.partition(":")
    if not (module and colon and qualname):
        return "is not a reference; it is written module:name"
    if module.partition(".")[0] in sys.stdlib_module_names:
        return "is neither a Space nor a rule: it is of Python's standard library"
    return ""


def checked_class(found: object, reference: object, root: type[Space]) -> type[Space] | None:
    """Check that an imported object is a class of spaces.

    Args:
        found: the object, or None.
        reference: the name it was imported by, for the message.
        root: the class that every space derives from.

    Returns:
        `found`.

    Raises:
        SpaceError: it is neither `root` nor derived from it.
    """
    if found is None:
        return None
    if not (isinstance(found, type) and issubclass(found, root)):
        raise SpaceError(f"spec: type {reference!r} is not a Space; use what to_spec() wrote")
    return found


def checked_rule(found: object, what: str, reference: object) -> Any:
    """Check that an imported object is a rule: a function of one architecture, defined under its reference.

    Args:
        found: the object, or None.
        what: the field of the spec, "valid" or "canonical", for the message.
        reference: the name it was imported by.

    Returns:
        `found`.

    Raises:
        SpaceError: it is no such function, or one of this project that the catalogue does not use as a rule.
    """
    if found is None:
        return None
    if isinstance(found, type) or not callable(found) or not _is_named(found, reference):
        raise SpaceError(
            f"spec: {what} {reference!r} is not a function of that name; a rule is a function of one architecture"
        )
    if _is_ours(reference) and not is_catalogued(str(reference)):
        raise SpaceError(f"spec: {what} {reference!r} is not a rule of a space of this package")
    if not _takes_one(found):
        raise SpaceError(f"spec: {what} {reference!r} does not take one architecture, and so is not a rule")
    return found


def checked_rule_class(found: object, what: str, reference: object) -> Any:
    """Check that the objects of an imported class are rules with a state.

    Args:
        found: the class, or None.
        what: the field of the spec, "valid" or "canonical", for the message.
        reference: the name it was imported by.

    Returns:
        `found`.

    Raises:
        SpaceError: it is not a class with `__call__`, `from_spec` and `to_spec`.
    """
    if found is None:
        return None
    if not (isinstance(found, type) and _is_named(found, reference)) or (
        _is_ours(reference) and reference != _LIVENESS
    ):
        raise SpaceError(f"spec: {what} {reference!r} is not a class of rules; use what to_spec() wrote")
    # hasattr(found, "__call__") is true of every class, so the definitions are searched instead.
    defined = {name for base in found.__mro__ for name in vars(base)}
    lacking = [name for name in ("__call__", "from_spec", "to_spec") if name not in defined]
    if lacking:
        raise SpaceError(f"spec: {what} {reference!r} is not a class of rules: it has no {lacking[0]}()")
    return found


def _is_ours(reference: object) -> bool:
    return str(reference).partition(":")[0].partition(".")[0] in OUR_PACKAGES


def _is_named(found: object, reference: object) -> bool:
    """Whether an object is defined under its reference, and not only found there."""
    return f"{getattr(found, '__module__', '')}:{getattr(found, '__qualname__', '')}" == reference


def _takes_one(found: Any) -> bool:
    try:
        inspect.signature(found).bind(None)
    except (TypeError, ValueError):
        return False
    return True
