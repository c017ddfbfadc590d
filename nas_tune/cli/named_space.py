"""The space that a configuration names, before the run exists."""

from __future__ import annotations

import search_spaces
from nas_tune.config import SearchConfig
from nas_tune.session.spaces import make_space
from search_spaces import Space

__all__ = ["named_space"]


def named_space(config: SearchConfig) -> Space | None:
    """Make the space of a configuration, if it is given by a registered name.

    Args:
        config: the configuration.

    Returns:
        The space; None for a reference, which only the search itself imports.
    """
    name = config.space.name
    return make_space(config.space) if ":" not in name and name in search_spaces.names() else None
