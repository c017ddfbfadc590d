"""Grid search: every member of the space once, in order or shuffled."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler, Exhausted
from nas_tune.strategies.history import History
from search_spaces import Architecture, ArchitectureError, Space
from search_spaces.algebra.flat import Parameter
from search_spaces.architecture import Scalar
from search_spaces.names import did_you_mean

__all__ = ["Grid"]

_ORDERS = ("shuffled", "lexicographic")
_SHUFFLED_UP_TO = 20_000
_TRIES = 20
_LOOKED_AT = 200_000


@several_objectives
class Grid(ArchitectureSampler):
    """Every member once (by canonical id), shuffled by the run's seed or with the last decision running fastest.

    A run ends when no member is left, or when the space's rule refuses 200,000 trees in a row. A grid of over 20,000
    members is not listed and shuffled; its members are drawn at random, without repeats. Reals without step need
    `points`.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal.
        order: shuffled or lexicographic (default: "shuffled").
        points: the number of values of each real without step in the grid, even on its scale, both ends included.
            None (the default) suits spaces without such reals.
    """

    def __init__(self, space: Space, seed: int, order: str = "shuffled", points: int | None = None) -> None:
        super().__init__(space, seed)
        if order not in _ORDERS:
            hint = did_you_mean(order, _ORDERS) or f"; known: {', '.join(_ORDERS)}"
            raise ConfigError(f"strategy.order is {order!r}, which is not an order of a grid{hint}")
        if points is not None and points < 2:
            raise ConfigError(f"strategy.points is {points}; a grid needs at least 2 values of a real")
        endless = next((p for p in space.parameters if p.count is None), None)
        if endless is not None and points is None:
            raise ConfigError(
                f"strategy.points is not set; the space's real {endless.name!r} has no step, so a grid needs to know "
                "how many of its values to take: set points (say, 5), or give the real a step"
            )
        self.order, self.points = order, points

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose a member of the grid that no trial has.

        Raises:
            Exhausted: no such member is left; members of the space outside the grid are not proposed.
        """
        seen = History.of(study, self.space, number).ids
        walk = _Walk.of(study, self)
        found = None if self.order == "lexicographic" else self._drawn(walk, seen)
        found = found or walk.next(seen)
        if found is None:
            raise Exhausted(walk.why)
        return found

    def members(self) -> Iterator[Architecture]:
        """Enumerate the grid, the last decision fastest.

        Returns:
            An iterator over the members.
        """
        return (made for made in self.trees() if made is not None)

    def trees(self) -> Iterator[Architecture | None]:
        """Enumerate the grid, the last decision fastest, including trees that the space's rule refuses.

        Returns:
            An iterator over the members, with None in the place of each refused tree.
        """
        return _counted(self.space) if self.points is None else _odometer(self.space, self.points)

    def _drawn(self, walk: _Walk, seen: Container[str]) -> Architecture | None:
        members = walk.listed()
        for _ in range(_TRIES):
            made = self.rng.choice(members) if members else self._snapped(self.space.sample(self.rng))
            if made is not None and made.id not in seen:
                return made
        left = [made for made in members or () if made.id not in seen]
        return self.rng.choice(left) if left else None

    def _snapped(self, made: Architecture) -> Architecture | None:
        """Find the nearest member of the grid; None if the space's rule refuses it."""
        points = self.points
        if points is None:
            return made
        values = self.space.params(made)
        for parameter in self.space.parameters:
            if parameter.name in values and parameter.count is None:
                place = _place(parameter, values[parameter.name], points)
                values[parameter.name] = _value(parameter, place, points)
        try:
            return self.space.from_params(values)
        except ArchitectureError:
            return None


class _Walk:
    """The position in the enumeration of one study's grid; it only moves forward, because seen ids stay seen."""

    _kept: ClassVar[WeakKeyDictionary[Study, _Walk]] = WeakKeyDictionary()

    def __init__(self, grid: Grid) -> None:
        self._settings = (grid.space, grid.order, grid.points)
        self._trees = grid.trees()
        self.why = "every member of the grid was proposed"
        self._here: Architecture | None = None
        self._listed: list[Architecture] | None = None

    @classmethod
    def of(cls, study: Study, grid: Grid) -> _Walk:
        """Return the kept walk of this study."""
        walk = cls._kept.get(study)
        if walk is None or walk._settings != (grid.space, grid.order, grid.points):
            walk = cls._kept[study] = cls(grid)
        return walk

    def next(self, seen: Container[str]) -> Architecture | None:
        """Return the next unseen member; the same one until it is seen."""
        if self._here is None or self._here.id in seen:
            self._here = self._following(seen)
        return self._here

    def _following(self, seen: Container[str]) -> Architecture | None:
        """Move to the next tree that is an unseen member; None at the end, or after too many refused trees in a row."""
        refused = 0
        for made in self._trees:
            if made is not None and made.id not in seen:
                return made
            refused += made is None
            if refused == _LOOKED_AT:
                self.why = f"the space's rule refused {_LOOKED_AT:,} trees of the grid in a row"
                return None
        return None

    def listed(self) -> list[Architecture]:
        """List all members; an empty list if there may be too many."""
        if self._listed is None:
            few = self._at_most() <= _SHUFFLED_UP_TO
            self._listed = [made for made in self._trees if made is not None] if few else []
        return self._listed

    def _at_most(self) -> float:
        """Bound the number of members: by the size of the space, or with reals by the product of all value counts."""
        space, _, points = self._settings
        if points is None:
            return math.inf if space.size is None else space.size
        return float(math.prod(_count(parameter, points) for parameter in space.parameters))


def _counted(space: Space) -> Iterator[Architecture | None]:
    """Enumerate the trees in the order of `Space.enumerate`; None for those that the rule refuses."""
    free = Space(space.declared) if space.valid is not None else space
    for made in free.enumerate():
        if free is space:
            yield made
        else:
            yield space.validate(made.tree) if space.contains(made.tree) else None


def _odometer(space: Space, points: int) -> Iterator[Architecture | None]:
    """Enumerate the trees with `points` values of each real without step; None for those that the rule refuses."""
    # A space without the rule, since the enumeration must continue after a tree that the rule refuses.
    free = Space(space.declared)
    values: dict[str, Any] = {}
    while True:
        made = free.from_params(values)
        yield space.validate(made.tree) if space.contains(made.tree) else None
        active = free.params(made)
        places = [(p, _place(p, active[p.name], points)) for p in space.parameters if p.name in active]
        while places and places[-1][1] + 1 == _count(places[-1][0], points):
            places.pop()
        if not places:
            return
        turned, place = places[-1]
        values = {p.name: active[p.name] for p, _ in places} | {turned.name: _value(turned, place + 1, points)}


def _count(parameter: Parameter, points: int) -> int:
    return points if parameter.count is None else parameter.count


def _place(parameter: Parameter, value: Scalar, points: int) -> int:
    """Find the index of a value in the grid, or of the nearest one for a real."""
    if parameter.count is None:
        return round(parameter.to_units(value)[0] * (points - 1))
    values = (parameter.value(place) for place in range(parameter.count))
    return next(place for place, other in enumerate(values) if other == value)


def _value(parameter: Parameter, place: int, points: int) -> Scalar:
    if parameter.count is not None:
        return parameter.value(place)
    if place in (0, points - 1):
        return parameter.high if place else parameter.low
    return parameter.from_units([place / (points - 1)])
