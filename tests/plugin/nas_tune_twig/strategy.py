"""A strategy that draws at random, and then again."""

from __future__ import annotations

from nas_tune.strategies import RandomSearch
from search_spaces import Space

__all__ = ["Strategy"]


class Strategy(RandomSearch):
    """Random search, from another stream for each `stream`."""

    def __init__(self, space: Space, seed: int, stream: int = 1) -> None:
        super().__init__(space, seed=seed + stream)
