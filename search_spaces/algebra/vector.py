"""The vector face of a space: a float64 vector of fixed length, and a mask of what is active.

Numbers lie in 0..1 on their scale (logarithmic where the parameter is), the options of a choice are one-hot,
a flag of a subset is 0 or 1; inactive places are 0 and masked out. Any vector decodes. What the vector cannot
promise is the last bit of a real without step: it comes back within a few units of rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.algebra.flat import Parameter
from search_spaces.algebra.moves import neighbors
from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import SpaceError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from search_spaces.space import Space

__all__ = ["decode", "encode"]

_RINGS = 3
_LOOKED_AT = 500
"""After so many trees no more moves are made from a refused one: under a sparse rule that took minutes."""
_STEPS = 8


def encode(space: Space, decisions: dict[str, Scalar]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The vector and the mask of the active decisions."""
    import numpy as np

    numbers: list[float] = []
    mask: list[bool] = []
    for parameter in space.parameters:
        active, width = parameter.name in decisions, parameter.width()
        numbers += parameter.to_units(decisions[parameter.name]) if active else [0.0] * width
        mask += [active] * width
    return np.array(numbers, dtype=np.float64), np.array(mask, dtype=bool)


def decode(space: Space, numbers: ArrayLike) -> Architecture:
    """The nearest member, decision by decision; where the `valid` rule refuses that, the nearest found around
    it.
    """
    import numpy as np

    given = np.asarray(numbers, dtype=np.float64)
    length = sum(parameter.width() for parameter in space.parameters)
    if given.shape != (length,):
        raise SpaceError(
            f"a vector of shape {given.shape}: this space has vectors of shape ({length},); see space.encode"
        )
    clean = np.clip(np.nan_to_num(given, nan=0.0), -1e9, 1e9).tolist()
    made = space._bind(space._root.build(_Placed(space, clean)))
    return made if space._is_valid(made) else _nearest_valid(space, made, _Distance(space, clean))


class _Placed:
    """Decides by the numbers at each parameter's place."""

    def __init__(self, space: Space, numbers: list[float]) -> None:
        self.units: dict[str, list[float]] = {}
        start = 0
        for parameter in space.parameters:
            self.units[parameter.name] = numbers[start : start + parameter.width()]
            start += parameter.width()

    def __call__(self, parameter: Parameter, odds: float | None = None, /) -> Scalar:
        return parameter.from_units(self.units[parameter.name])


class _Distance:
    """How far members are from `numbers`: the sum of the squared differences in their active places."""

    def __init__(self, space: Space, numbers: list[float]) -> None:
        self._space, self._units = space, _Placed(space, numbers).units
        self._known: dict[tuple[str, Scalar], float] = {}

    def __call__(self, made: Architecture) -> float:
        return sum(map(self._of, self._space._trace(made).items()))

    def _of(self, decision: tuple[str, Scalar]) -> float:
        known = self._known.get(decision)
        if known is None:
            name, value = decision
            placed = self._space._by_name[name].to_units(value)
            known = sum((place - number) ** 2 for place, number in zip(placed, self._units[name], strict=True))
            self._known[decision] = known
        return known


def _nearest_valid(space: Space, refused: Architecture, distance: _Distance) -> Architecture:
    """The nearest valid member among the trees within a few moves of `refused`, else on a walk from a known one."""
    beside = _beside(space, refused, distance)
    return beside or _approached(space, min(space._rare.known, key=distance), distance)


def _beside(space: Space, refused: Architecture, distance: _Distance) -> Architecture | None:
    """Of the valid members that are the fewest moves away the nearest; None where the trees looked at have none.

    The rule is asked from the nearest on, since it may cost more than all else.
    """
    ring, seen = [refused], {refused}
    for _ in range(_RINGS):
        starts, ring = ring, []
        for start in starts:
            if len(seen) > _LOOKED_AT:
                break
            around = neighbors(space, space._trace(start), with_invalid=True)
            ring += [made for made in around if made not in seen]
            seen.update(around)
        found = next(filter(space._is_valid, sorted(ring, key=distance)), None)
        if found is not None:
            return found
    return None


def _approached(space: Space, made: Architecture, distance: _Distance) -> Architecture:
    """The end of a short walk of valid members from `made`, each the nearest beside the one before."""
    here = distance(made)
    for _ in range(_STEPS):
        around = neighbors(space, space._trace(made), with_invalid=True)
        apart = [distance(one) for one in around]
        nearer = sorted((place for place, far in enumerate(apart) if far < here), key=apart.__getitem__)
        found = next((place for place in nearer if space._is_valid(around[place])), None)
        if found is None:
            break
        made, here = around[found], apart[found]
    return made
