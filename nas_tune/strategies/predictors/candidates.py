"""Architectures to choose from, with their features: all members of a small space, or what lies around the best.

What is drawn depends on the seed of the proposal and on the trials; the children of an architecture depend on it
alone, so that they can be kept. Kept are features by space: a fresh process finds the same, only slower.
"""

from __future__ import annotations

import functools
import random
from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from nas_tune.strategies.predictors.features import Blocks, Features, Shelf
from search_spaces import Architecture, Space, SpaceError

__all__ = ["Candidates", "Described"]

_ENUMERABLE = 20_000
_SPACES_KEPT = 4
_FEATURES_KEPT = 30_000
_CHILDREN = 10
_STEPS = (0.2, 0.05)
_TRIES = 20


@dataclass(frozen=True)
class Described:
    """Architectures, each id once, and their features in rows."""

    architectures: list[Architecture]
    blocks: Blocks


class Candidates:
    """The candidates of one space; `of` gives the ones that are kept."""

    _kept: ClassVar[OrderedDict[str, Candidates]] = OrderedDict()

    def __init__(self, space: Space) -> None:
        self.space = space
        self._features = Features(space)
        self._shelf = Shelf()
        self._places: dict[Architecture, int] = {}
        self._children: dict[Architecture, list[Architecture]] = {}
        self._members: list[Architecture] | None = None
        self._endless = [place for place, fine in enumerate(_fine(space)) if fine]

    @classmethod
    def of(cls, space: Space) -> Candidates:
        """Those kept for spaces declared alike; new ones where a space cannot say how it was declared."""
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

    def described(self, architectures: Iterable[Architecture]) -> Described:
        """The architectures, each id once, with their features."""
        made = list({one.id: one for one in architectures}.values())
        return Described(made, self._shelf.take(self._placed(made)))

    @property
    def members(self) -> list[Architecture]:
        """All members, each id once, of a space of at most 20,000; else none."""
        if self._members is None:
            size = self.space.size
            small = size is not None and size <= _ENUMERABLE
            self._members = list({one.id: one for one in self.space.enumerate()}.values()) if small else []
        return self._members

    @functools.cached_property
    def _standing(self) -> dict[str, Architecture]:
        return {one.id: one for one in self.members}

    def anywhere(self, rng: random.Random, count: int) -> Iterator[Architecture]:
        """So many of all members, drawn evenly; each once where the members are known."""
        if self.members:
            yield from rng.sample(self.members, min(count, len(self.members)))
        else:
            yield from (self.space.sample(rng) for _ in range(count))

    def fresh(self, rng: random.Random, taken: Container[str]) -> Architecture:
        """One at random that is not among the ids `taken`, as long as one is found."""
        made = self.space.sample(rng)
        for _ in range(_TRIES):
            if made.id not in taken:
                return made
            made = self.space.sample(rng)
        left = [one for one in self.members if one.id not in taken]
        return left[int(rng.random() * len(left))] if left else made

    def around(self, architecture: Architecture) -> list[Architecture]:
        """Some members that are one decision away, always the same: all of them where the members are known."""
        if architecture not in self._children:
            self._children[architecture] = self._made_around(architecture)
        return self._children[architecture]

    def children(self, parents: Sequence[Architecture], rng: random.Random, count: int) -> Iterator[Architecture]:
        """So many mutations of one or two decisions, crossings, and small steps of what is finely graded."""
        for index in range(count if self.space.size != 1 else 0):
            parent = parents[int(rng.random() ** 2 * len(parents))]
            if self._endless and index % 2:
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
        for place in self._endless:
            if mask[place]:
                vector[place] = min(max(vector[place] + rng.gauss(0.0, step), 0.0), 1.0)
        return self.space.decode(vector)

    def _placed(self, architectures: Sequence[Architecture]) -> list[int]:
        if len(self._places) + len(architectures) > _FEATURES_KEPT:
            self._shelf, self._places = Shelf(), {}
            self._children.clear()
        # Others of the same id have other decisions, and who came first depends on this process's past: where the
        # members are known, one of them stands for its id; elsewhere each is described by its own decisions.
        standing = [self._standing.get(one.id, one) for one in architectures]
        for one in standing:
            if one not in self._places:
                self._places[one] = self._shelf.put(self._features.of(one))
        return [self._places[one] for one in standing]


def _fine(space: Space) -> Iterator[bool]:
    """For each place of the vector whether it is a number of many values."""
    for parameter in space.parameters:
        many = parameter.kind in ("real", "integer") and (parameter.count or np.inf) > 8
        yield from [many] * parameter.width()
