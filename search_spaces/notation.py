"""Architectures as text: the official notation of a family where its space has one, or compact JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from search_spaces.architecture import Architecture
from search_spaces.errors import ArchitectureError, SpaceError

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["reader", "writer"]

_NOTATIONS = ("to_string", "to_genotype")
"""The methods of spaces that write a member in the notation of the space's family."""
_READERS = ("from_string", "from_genotype", "from_arc", "from_sequence")
"""The methods that read such a text."""


def writer(space: object) -> Callable[[Any], str]:
    """Make a function that writes trees (or architectures) of a space as text.

    Args:
        space: of the trees; None writes JSON.

    Returns:
        The function. It takes any tree, also a damaged one, and returns "" for None.
    """
    own = next((getattr(space, name) for name in _NOTATIONS if hasattr(space, name)), None)

    def written(tree: Any) -> str:
        if tree is None:
            return ""
        try:
            if own is not None:
                return str(own(tree))
        except (SpaceError, LookupError, TypeError, ValueError, AttributeError):
            pass  # The notation has no form for this tree: it is damaged, or of another space.
        return json.dumps(getattr(tree, "tree", tree), separators=(",", ":"))

    return written


def reader(space: Space) -> Callable[[object], Architecture]:
    """Make a function that reads members of a space, in every form that they are written in.

    Args:
        space: of the members.

    Returns:
        The function. It takes an architecture, a tree, the JSON of a tree, or a text in the notation of the space's
        family, returns the member, and raises `ArchitectureError` for anything else.
    """
    own = next((getattr(space, name) for name in _READERS if hasattr(space, name)), None)

    def read(given: object) -> Architecture:
        if isinstance(given, Architecture | Mapping | list):
            return space.validate(given)
        if not isinstance(given, str):
            raise ArchitectureError(
                "", f"{given!r:.60} is a {type(given).__name__}; give an architecture, its tree, or its text"
            )
        text = given.strip()
        if own is None or text.startswith(("{", "[")):
            return space.validate(Architecture.from_json(text))
        found: Architecture = own(text)
        return found

    return read
