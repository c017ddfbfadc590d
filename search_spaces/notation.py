"""Architectures as text: the official notation of a family where its space has one, else compact JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from search_spaces.errors import SpaceError

__all__ = ["writer"]

_NOTATIONS = ("to_string", "to_genotype")
"""The methods of spaces that write a member in the notation of the space's family."""


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
