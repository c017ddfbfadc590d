"""Members of a space whose rule refuses nearly all trees: found with bounded work, and the same in every process.

`Space.sample` comes here when its draws were refused. A small space is listed, which also proves that it is empty. A
larger one is surveyed once, by draws from a fixed seed: where members are only rare, drawing goes on for longer;
where there are next to none, the trees are listed as far as they can be, else the few members that the survey found
are walked away from, one allowed decision after another. What is found depends on the space and the caller's random
numbers alone.
"""

from __future__ import annotations

import random
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING

from search_spaces.architecture import Architecture
from search_spaces.errors import NoMemberError

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["LISTED_UP_TO", "PROVEN_UP_TO", "SURVEYED", "RareMembers"]

LISTED_UP_TO = 2**18
"""Spaces of up to so many trees are listed as soon as their members are rare."""
PROVEN_UP_TO = 2**20
"""Spaces of up to so many trees are listed where a survey finds next to no member."""
SURVEYED = 100_000
"""How many draws look for members of a space that is too large to be listed."""
_ENOUGH = 20
_PATIENCE = 10
_STEPS = 8
_KNOWN = 16


class RareMembers:
    """The members of `space` where random draws find hardly any."""

    def __init__(self, space: Space) -> None:
        self._space = space

    def sample(self, rng: random.Random) -> Architecture:
        """One of them; evenly where they can be listed. `NoMemberError` where none is found, or there is none."""
        if self.listed is not None:
            return _any(self.listed, rng) if self.listed else self._none()
        found, draws = self._survey
        for _ in range(draws * _PATIENCE // len(found) if len(found) == _ENOUGH else 0):
            made = self._space._drawn(rng)
            if self._space._is_valid(made):
                return made
        return self._walked(_any(found, rng), rng) if found else self._none()

    @cached_property
    def known(self) -> list[Architecture]:
        """A few members, the same in every process: where a search for one nearby begins."""
        rng = random.Random(0)
        return [self._space.sample(rng) for _ in range(_KNOWN)]

    @cached_property
    def listed(self) -> list[Architecture] | None:
        """All members; None where the trees are too many to look at each."""
        trees = self._space.trees
        if trees is None or trees > PROVEN_UP_TO:
            return None
        if trees > LISTED_UP_TO and len(self._survey[0]) == _ENOUGH:
            return None
        return list(islice(self._space.enumerate(), LISTED_UP_TO))

    @cached_property
    def _survey(self) -> tuple[list[Architecture], int]:
        """The first members that draws from a fixed seed find, and after how many draws."""
        rng, draws = random.Random(0), 0
        found: list[Architecture] = []
        while draws < SURVEYED and len(found) < _ENOUGH:
            made, draws = self._space._drawn(rng), draws + 1
            if self._space._is_valid(made):
                found.append(made)
        return found, draws

    def _walked(self, made: Architecture, rng: random.Random) -> Architecture:
        """Some allowed decisions away from `made`, if there are any."""
        from search_spaces.algebra.moves import step

        for _ in range(_STEPS):
            made = step(self._space, self._space._trace(made), rng) or made
        return made

    def _none(self) -> Architecture:
        name, trees = self._space.name or "without name", self._space.trees
        if self.listed is not None:
            raise NoMemberError(
                f"space {name} has no valid architecture: none of all {trees} trees pass its rule; loosen `valid`"
            )
        raise NoMemberError(
            f"space {name}: no valid architecture was found: none of {SURVEYED} draws pass its rule, of "
            f"{'endlessly many' if trees is None else trees} trees; declare a tree that is closer to its "
            "members, or loosen `valid`"
        )


def _any(members: list[Architecture], rng: random.Random) -> Architecture:
    return members[int(rng.random() * len(members))]
