"""The code of a space by its name: its class and its rules, found and checked before anything is called.

A spec is data, and may come from anybody. So nothing that it names is called unless it is what it should be: a class
derived from `Space`, a function of one architecture, or a class of rules. The standard library has none of these, and
of this package only what the catalogue uses is a rule. Whether a module may be imported at all is for the caller to
decide; `catalogued` imports nothing but the catalogue.
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
    "OURS",
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
OURS = ("search_spaces", "trainables", "nas_tune")
"""The packages of this project."""


def is_catalogued(reference: str) -> bool:
    """Whether a reference is by its name a class or a rule of the spaces that come with this package.

    In the modules of `search_spaces.catalogue` classes of spaces end in Space, and rules are called connected, or
    canonical with or without something before.
    """
    return _CATALOGUED.fullmatch(reference) is not None


def catalogued(reference: str) -> object:
    """A class or rule of the catalogue; None for every other reference, of which nothing is imported."""
    return imported(reference) if is_catalogued(reference) else None


def imported(reference: str) -> Any:
    """What `"module:qualname"` names; imports its module.

    Raises:
        SpaceError: it cannot be imported, or can be no part of a space (see `no_code`).
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
    """Why a reference is never that of a space's class or rule, whoever wrote it; told without an import."""
    module, colon, qualname = reference.partition(":")
    if not (module and colon and qualname):
        return "is no reference; it is written module:name"
    if module.partition(".")[0] in sys.stdlib_module_names:
        return "is no Space and no rule: it is of Python's standard library"
    return ""


def checked_class(found: object, reference: object, root: type[Space]) -> type[Space] | None:
    """`found`, if it is `root` or derives from it, or None; else `SpaceError`."""
    if found is None:
        return None
    if not (isinstance(found, type) and issubclass(found, root)):
        raise SpaceError(f"spec: type {reference!r} is no Space; use what to_spec() wrote")
    return found


def checked_rule(found: object, what: str, reference: object) -> Any:
    """`found`, if it is a function of one architecture, or None; else `SpaceError`."""
    if found is None:
        return None
    if isinstance(found, type) or not callable(found) or not _is_named(found, reference):
        raise SpaceError(f"spec: {what} {reference!r} is no function of that name; a rule is one, of one architecture")
    if _is_ours(reference) and not is_catalogued(str(reference)):
        raise SpaceError(f"spec: {what} {reference!r} is no rule of a space of this package")
    if not _takes_one(found):
        raise SpaceError(f"spec: {what} {reference!r} does not take one architecture, and so is no rule")
    return found


def checked_rule_class(found: object, what: str, reference: object) -> Any:
    """`found`, if its objects are rules with a state, or None; else `SpaceError`."""
    if found is None:
        return None
    if not (isinstance(found, type) and _is_named(found, reference)) or (
        _is_ours(reference) and reference != _LIVENESS
    ):
        raise SpaceError(f"spec: {what} {reference!r} is no class of rules; use what to_spec() wrote")
    # A class itself is callable, whatever its objects are.
    defined = {name for base in found.__mro__ for name in vars(base)}
    lacking = [name for name in ("__call__", "from_spec", "to_spec") if name not in defined]
    if lacking:
        raise SpaceError(f"spec: {what} {reference!r} is no class of rules: it has no {lacking[0]}()")
    return found


def _is_ours(reference: object) -> bool:
    return str(reference).partition(":")[0].partition(".")[0] in OURS


def _is_named(found: object, reference: object) -> bool:
    """Whether an object is defined under its reference, and not only found there."""
    return f"{getattr(found, '__module__', '')}:{getattr(found, '__qualname__', '')}" == reference


def _takes_one(found: Any) -> bool:
    try:
        inspect.signature(found).bind(None)
    except (TypeError, ValueError):
        return False
    return True
