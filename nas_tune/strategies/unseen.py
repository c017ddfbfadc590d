"""Searches a space for an architecture that no trial has, after a strategy found none itself.

First comes a walk of mutations. A countable space that is small enough is then enumerated, which proves that nothing is
left. In other spaces a bounded number of members is drawn, and a bounded number of known ones is mutated; then the
trees are enumerated if they are few enough. The result depends on the arguments alone, so a resumed run finds the same.
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
    """Searches for members of a space whose ids are not in a given set.

    Args:
        space: the space to search.

    Attributes:
        reason: why the last search found none, as a sentence for the user; empty if it found one.
    """

    def __init__(self, space: Space) -> None:
        self.reason = ""
        self._space = space
        self._members: Iterator[Architecture] | None = None
        self._whole = False

    def find(
        self, start: Architecture, seen: Container[str], rng: random.Random, known: Iterable[Architecture] = ()
    ) -> Architecture | None:
        """Search for an unseen member, first near `start`.

        Args:
            start: the member at which the walk of mutations begins.
            seen: the ids to avoid; later calls must have these and may have more.
            rng: the random numbers.
            known: further members to mutate (default: none).

        Returns:
            A member whose id is not in `seen`; None if none is found.
        """
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
        """Find the next unseen member of the enumeration; ids are never removed from `seen`, so it need not restart."""
        self._members = self._members or self._space.enumerate()
        found = next((made for made in self._members if made.id not in seen), None)
        self._whole = found is None
        return found

    def _drawn(self, seen: Container[str], rng: random.Random) -> Architecture | None:
        for _ in range(_DRAWS):
            try:
                made = self._space.sample(rng)
            except NoMemberError:
                return None
            if made.id not in seen:
                return made
        return None

    def _mutated(self, known: list[Architecture], seen: Container[str], rng: random.Random) -> Architecture | None:
        """Mutate known members, and the members that result, until one is unseen."""
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
