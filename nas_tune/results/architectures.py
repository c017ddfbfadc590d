"""Architectures as text: the official string of the space where it has one, else compact JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nas_tune.results.run import Run
from search_spaces import Space, SpaceError

__all__ = ["space_of", "writer"]


def writer(space: Space | None) -> Callable[[Any], str]:
    """What turns a tree (or an Architecture) of `space` into text; total, whatever the tree, and empty for none."""
    own = getattr(space, "to_string", None) or getattr(space, "to_genotype", None)

    def written(tree: Any) -> str:
        if tree is None:
            return ""
        try:
            if own is not None:
                return str(own(tree))
        except (SpaceError, LookupError, TypeError, ValueError, AttributeError):
            pass  # a tree that the form cannot say: of another space than the ledger claims, or damaged
        return json.dumps(getattr(tree, "tree", tree), separators=(",", ":"))

    return written


def space_of(run: Run) -> Space | None:
    """The space of a run as a reader has it, or None where its description cannot be read."""
    try:
        return run.space
    except SpaceError:
        return None
