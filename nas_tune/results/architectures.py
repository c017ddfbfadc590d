"""Architectures as text: the official string of the space where it has one, else compact JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nas_tune.results.run import Run
from search_spaces import Space, SpaceError

__all__ = ["space_of", "writer"]


def writer(space: Space | None) -> Callable[[Any], str]:
    """Make a function that writes trees (or architectures) of a space as text.

    Args:
        space: of the trees; None writes JSON.

    Returns:
        The function. It takes any tree, also a damaged one, and returns "" for None.
    """
    own = getattr(space, "to_string", None) or getattr(space, "to_genotype", None)

    def written(tree: Any) -> str:
        if tree is None:
            return ""
        try:
            if own is not None:
                return str(own(tree))
        except (SpaceError, LookupError, TypeError, ValueError, AttributeError):
            pass  # The space's form cannot write this tree: it is damaged, or of another space than the ledger claims.
        return json.dumps(getattr(tree, "tree", tree), separators=(",", ":"))

    return written


def space_of(run: Run) -> Space | None:
    """Read the space of a run.

    Args:
        run: an open run.

    Returns:
        The space as `Run.space`; None where its description cannot be read.
    """
    try:
        return run.space
    except SpaceError:
        return None
