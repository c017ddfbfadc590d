"""Candidates of a proposal with their features: the members of a small space, or architectures near the best.

Random candidates depend on the seed of the proposal and on the trials. The neighbours of an architecture depend on it
alone, so they are kept. Features are kept by space; a fresh process computes the same ones again.
"""

from __future__ import annotations

import functools
import random
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nas_tune.strategies.predictors.features import FeatureBlocks, Features, FeatureTable
from search_spaces import Architecture, Space, SpaceError

__all__ = ["Candidates", "DescribedArchitectures"]

_ENUMERABLE = 20_000
_SPACES_KEPT = 4
_FEATURES_KEPT = 30_000
_CHILDREN = 10
_STEPS = (0.2, 0.05)
_TRIES = 20


@dataclass(frozen=True)
class DescribedArchitectures:
    """Architectures with their features.

    Attributes:
        architectures: each id once.
        blocks: their features, one row for each.
    """

    architectures: list[Architecture]
    blocks: FeatureBlocks


class Candidates:
    """The candidates of one space, with a cache of features; `Candidates.of` returns the kept ones.

    Args:
        space: the space.
    """

    _kept: ClassVar[OrderedDict[str, Candidates]] = OrderedDict()

    def __init__(self, space: Space) -> None:
        self.space = space
        self._features = Features(space)
        self._table = FeatureTable()
        self._places: dict[Architecture, int] = {}
        self._children: dict[Architecture, list[Architecture]] = {}
        self._members: list[Architecture] | None = None
        self._fine = _fine_places(space)

    @classmethod
    def of(cls, space: Space) -> Candidates:
        """Return the kept candidates of a space; spaces with equal declarations share them.

        Args:
            space: the space.

        Returns:
            The candidates; new ones for this object if the space has no fingerprint.
        """
        try:
            key = space.fingerprint
        except SpaceError:
            key = f"object {id(space)}"
        kept = cls._kept.pop(key, None)
        if kept is None or (key.startswith("object") and kept.space is not space):
            kept = cls(space)
        cls._kept[key] = kept
        if len(cls._kept) > _SPACES_KEPT:
            cls._kept.popitem(last=False)
        return kept

    def described(self, architectures: Iterable[Architecture]) -> DescribedArchitectures:
        """Compute the features of architectures.

        Args:
            architectures: members of the space; of several with one id the last one counts.

        Returns:
            The architectures, each id once, with their features.
        """
        made = list({one.id: one for one in architectures}.values())
        return DescribedArchitectures(made, self._table.rows(self._placed(made)))

    @property
    def members(self) -> list[Architecture]:
        """All members of a space of at most 20,000, each id once; an empty list for a larger space."""
        if self._members is None:
            size = self.space.size
            small = size is not None and size <= _ENUMERABLE
            self._members = list({one.id: one for one in self.space.enumerate()}.values()) if small else []
        return self._members

    @functools.cached_property
    def _by_id(self) -> dict[str, Architecture]:
        return {one.id: one for one in self.members}

    def anywhere(self, rng: random.Random, count: int) -> Iterator[Architecture]:
        """Draw members of the space uniformly; without repeats if all members are known.

        Args:
            rng: the random numbers.
            count: how many; all members if there are fewer.

        Yields:
            Members.
        """
        if self.members:
            yield from rng.sample(self.members, min(count, len(self.members)))
        else:
            yield from (self.space.sample(rng) for _ in range(count))

    def fresh(self, rng: random.Random, taken: Container[str]) -> Architecture:
        """Draw a member that is new.

        Args:
            rng: the random numbers.
            taken: the ids to avoid.

        Returns:
            A member whose id is not in `taken`, if one is found; else any.
        """
        made = self.space.sample(rng)
        for _ in range(_TRIES):
            if made.id not in taken:
                return made
            made = self.space.sample(rng)
        left = [one for one in self.members if one.id not in taken]
        return left[int(rng.random() * len(left))] if left else made

    def around(self, architecture: Architecture) -> list[Architecture]:
        """List members that are one decision away; the list depends on the architecture only.

        Args:
            architecture: a member.

        Returns:
            All neighbours if all members are known; else ten mutations.
        """
        if architecture not in self._children:
            self._children[architecture] = self._made_around(architecture)
        return self._children[architecture]

    def children(self, parents: Sequence[Architecture], rng: random.Random, count: int) -> Iterator[Architecture]:
        """Generate children: mutations of one or two decisions, crossovers, and small steps of numbers.

        Args:
            parents: the best first; earlier ones are drawn more often.
            rng: the random numbers.
            count: how many children.

        Yields:
            Members of the space; none if it has one member only.
        """
        for index in range(count if self.space.size != 1 else 0):
            parent = parents[int(rng.random() ** 2 * len(parents))]
            if self._fine and index % 2:
                yield self._nearby(parent, rng)
            elif index % 4 == 0 and len(parents) > 1:
                yield self.space.crossover(parent, parents[int(rng.random() * len(parents))], rng)
            else:
                child = self.space.mutate(parent, rng)
                yield self.space.mutate(child, rng) if index % 4 == 1 else child

    def _made_around(self, architecture: Architecture) -> list[Architecture]:
        if self.space.size == 1:
            return []
        if self.members:
            return self.space.neighbors(architecture)
        rng = random.Random(architecture.id)
        return [self.space.mutate(architecture, rng) for _ in range(_CHILDREN)]

    def _nearby(self, parent: Architecture, rng: random.Random) -> Architecture:
        vector, mask = self.space.encode(parent)
        step = _STEPS[int(rng.random() * len(_STEPS))]
        for place in self._fine:
            if mask[place]:
                vector[place] = min(max(vector[place] + rng.gauss(0.0, step), 0.0), 1.0)
        return self.space.decode(vector)

    def _placed(self, architectures: Sequence[Architecture]) -> list[int]:
        if len(self._places) + len(architectures) > _FEATURES_KEPT:
            self._table, self._places = FeatureTable(), {}
            self._children.clear()
        # Architectures of one id may differ in their decisions, and the past of the process decides which came first.
        # If the members are known, one of them represents its id; else each has the features of its own decisions.
        represented = [self._by_id.get(one.id, one) for one in architectures]
        for one in represented:
            if one not in self._places:
                self._places[one] = self._table.add(self._features.of(one))
        return [self._places[one] for one in represented]


def _fine_places(space: Space) -> list[int]:
    """Find the places of a vector that are numbers with more than 8 values."""
    places: list[int] = []
    start = 0
    for parameter in space.parameters:
        if parameter.kind in ("real", "integer") and (parameter.count or np.inf) > 8:
            places += range(start, start + parameter.width())
        start += parameter.width()
    return places
