"""The space that a configuration names, before there is a run; how architectures are written."""

from __future__ import annotations

import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.results.architectures import space_of, writer
from nas_tune.session.spaces import make_space
from search_spaces import Space

__all__ = ["named_space", "space_of", "writer"]


def named_space(config: SearchConfig) -> Space | None:
    """The space of a configuration where a registered name says it; a reference is left to the search."""
    name = config.space.name
    return make_space(config.space) if ":" not in name and name in search_spaces.names() else None
