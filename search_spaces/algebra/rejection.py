"""Sampling from a space whose rule refuses nearly all trees, with bounded work and equal results in every process.

`Space.sample` calls this when the rule has refused its draws. A space of at most `LISTED_UP_TO` trees is listed, which
also shows whether it has a member. A larger one is surveyed once by draws from a fixed seed. If the survey finds
enough members, more trees are drawn. If it finds fewer, a space of at most `PROVEN_UP_TO` trees is listed, and in a
larger one a random walk starts from a member of the survey, one valid step after another. The result depends on the
space and the caller's random numbers only.
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
"""Spaces of up to this many trees are listed as soon as their members are rare."""
PROVEN_UP_TO = 2**20
"""Spaces of up to this many trees are listed where a survey finds fewer than `_ENOUGH` members."""
SURVEYED = 100_000
"""The most draws of the survey of a space that is too large to be listed."""
_ENOUGH = 20
"""The survey ends with this many members."""
_PATIENCE = 10
"""A draw is repeated this many times as often as the survey needed for one member."""
_STEPS = 8
_KNOWN = 16


class RareMembers:
    """A sampler for a space whose rule refuses nearly all random draws.

    Args:
        space: the space, with a `valid` rule.
    """

    def __init__(self, space: Space) -> None:
        self._space = space

    def sample(self, rng: random.Random) -> Architecture:
        """Find a member.

        Args:
            rng: the source of the draws. The survey has a seed of its own.

        Returns:
            A member; each is equally likely where all members can be listed.

        Raises:
            NoMemberError: there is none, or none is found.
        """
        if self.listed is not None:
            return _any(self.listed, rng) if self.listed else self._none()
        found, draws = self._survey
        for _ in range(draws * _PATIENCE // len(found) if len(found) == _ENOUGH else 0):
            made = self._space._drawn(rng)
            if self._space._is_valid(made):
                return made
        return self._walked(_any(found, rng), rng, _STEPS) if found else self._none()

    @cached_property
    def known(self) -> list[Architecture]:
        """A few members, the same in every process: a search for a valid member nearby starts from the nearest."""
        rng = random.Random(0)
        return [self._space.sample(rng) for _ in range(_KNOWN)]

    @cached_property
    def listed(self) -> list[Architecture] | None:
        """All members; None where the space has too many trees to list."""
        trees = self._space.trees
        if trees is None or trees > PROVEN_UP_TO:
            return None
        if trees > LISTED_UP_TO and len(self._survey[0]) == _ENOUGH:
            return None
        return list(islice(self._space.enumerate(), LISTED_UP_TO))

    @cached_property
    def _survey(self) -> tuple[list[Architecture], int]:
        """The first members among draws from a fixed seed, and the number of draws."""
        rng, draws = random.Random(0), 0
        found: list[Architecture] = []
        while draws < SURVEYED and len(found) < _ENOUGH:
            made, draws = self._space._drawn(rng), draws + 1
            if self._space._is_valid(made):
                found.append(made)
        return found, draws

    def _walked(self, made: Architecture, rng: random.Random, steps: int) -> Architecture:
        """The end of a random walk of valid members that starts at `made`."""
        from search_spaces.algebra.moves import step

        for _ in range(steps):
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
