"""Members of a space that nobody has tried, looked for where a strategy finds none: in every bounded way there is.

First by a walk of mutations. A space that can be counted is then gone through, which proves that nothing is left. In
others members are drawn and known ones are mutated, so many times; then the trees are gone through where they are not
too many. What is found depends on the arguments alone, so that a resumed run finds the same.
"""

from __future__ import annotations

import random
from collections.abc import Container, Iterable, Iterator

from search_spaces import Architecture, NoMemberError, Space
from search_spaces.algebra.rejection import LISTED_UP_TO, PROVEN_UP_TO

__all__ = ["Unseen"]

_WALK = 100
_DRAWS = 1_000
_MUTATIONS = 5_000


class Unseen:
    """Looks for members of `space` whose ids are not among those that were seen.

    Attributes:
        reason: why the last search found none, for people; empty where it found one.
    """

    def __init__(self, space: Space) -> None:
        self.reason = ""
        self._space = space
        self._members: Iterator[Architecture] | None = None
        self._whole = False

    def find(
        self, start: Architecture, seen: Container[str], rng: random.Random, known: Iterable[Architecture] = ()
    ) -> Architecture | None:
        """A member beside `start` or beside the `known` ones, else any; None where none is found."""
        size, trees = self._space.size, self._space.trees
        found = None if self._whole else self._walked(start, seen, rng)
        if found is None and size is not None and size <= LISTED_UP_TO:
            found = self._listed(seen)
        if found is None and not self._whole:
            found = self._drawn(seen, rng) or self._mutated([start, *known], seen, rng)
        if found is None and not self._whole and trees is not None and trees <= PROVEN_UP_TO:
            found = self._listed(seen)
        self.reason = "" if found is not None else self._why()
        return found

    def _walked(self, made: Architecture, seen: Container[str], rng: random.Random) -> Architecture | None:
        for _ in range(_WALK):
            if made.id not in seen:
                return made
            try:
                made = self._space.mutate(made, rng)
            except NoMemberError:
                return None
        return None

    def _listed(self, seen: Container[str]) -> Architecture | None:
        """The next of all members; what was seen stays seen, so one way through the space serves all searches."""
        self._members = self._members or self._space.enumerate()
        found = next((made for made in self._members if made.id not in seen), None)
        self._whole = found is None
        return found

    def _drawn(self, seen: Container[str], rng: random.Random) -> Architecture | None:
        draws = (self._space.sample(rng) for _ in range(_DRAWS))
        return next((made for made in draws if made.id not in seen), None)

    def _mutated(self, known: list[Architecture], seen: Container[str], rng: random.Random) -> Architecture | None:
        """A mutation of a known member, or of one that such a mutation led to."""
        for _ in range(_MUTATIONS):
            try:
                made = self._space.mutate(known[int(rng.random() * len(known))], rng)
            except NoMemberError:
                return None
            if made.id not in seen:
                return made
            known.append(made)
        return None

    def _why(self) -> str:
        if self._whole:
            return "every architecture of the space was tried"
        return (
            f"no new architecture was found in {_DRAWS:,} draws and {_MUTATIONS:,} mutations of known ones; the space "
            "may have some, but its rule or its canonical form leaves few"
        )
