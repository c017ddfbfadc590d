"""Members of a space as vectors: a float64 vector of fixed length, and a mask of its active places.

Numbers lie in 0..1 on their scale (logarithmic where the parameter's is), the options of a choice are one-hot, a flag
of a subset is 0 or 1; inactive places are 0 and masked out. Any vector decodes. A real without step is decoded to
within a few units of rounding, all other values exactly.
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
"""The trees to look at around a refused one, about; under a sparse rule more of them take minutes."""
_STEPS = 8


def encode(space: Space, decisions: dict[str, Scalar]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Encode a member.

    Args:
        space: the space.
        decisions: the active decisions of the member, by parameter name.

    Returns:
        The vector, float64, and the mask of its active places, bool; both of shape (n,), the same for all members.
    """
    import numpy as np

    numbers: list[float] = []
    mask: list[bool] = []
    for parameter in space.parameters:
        active, width = parameter.name in decisions, parameter.width()
        numbers += parameter.to_units(decisions[parameter.name]) if active else [0.0] * width
        mask += [active] * width
    return np.array(numbers, dtype=np.float64), np.array(mask, dtype=bool)


def decode(space: Space, numbers: ArrayLike) -> Architecture:
    """Decode a vector: each parameter takes the value nearest to its numbers.

    Where the `valid` rule refuses that tree, a search looks for a valid member around it, and then from the nearest of
    a few known members on.

    Args:
        space: the space.
        numbers: any numbers of shape (n,); NaN is read as 0.

    Returns:
        A valid member.

    Raises:
        SpaceError: the shape is another one.
        NoMemberError: the space has no valid member, or none is found.
    """
    import numpy as np

    given = np.asarray(numbers, dtype=np.float64)
    length = sum(parameter.width() for parameter in space.parameters)
    if given.shape != (length,):
        raise SpaceError(
            f"a vector of shape {given.shape}: this space has vectors of shape ({length},); see space.encode"
        )
    clean = np.clip(np.nan_to_num(given, nan=0.0), -1e9, 1e9).tolist()
    made = space._bind(space._root.build(_VectorDecider(space, clean)))
    if space._is_valid(made):
        return made
    apart = _Distance(space, clean)
    beside = _beside(space, made, apart)
    return beside or _approached(space, min(space._rare.known, key=apart), apart)


class _VectorDecider:
    """Decides each parameter by the numbers at its places of a vector."""

    def __init__(self, space: Space, numbers: list[float]) -> None:
        self.units: dict[str, list[float]] = {}
        start = 0
        for parameter in space.parameters:
            self.units[parameter.name] = numbers[start : start + parameter.width()]
            start += parameter.width()

    def __call__(self, parameter: Parameter, odds: float | None = None, /) -> Scalar:
        return parameter.from_units(self.units[parameter.name])


class _Distance:
    """The squared Euclidean distance of members from a vector, in their active places."""

    def __init__(self, space: Space, numbers: list[float]) -> None:
        self._space, self._units = space, _VectorDecider(space, numbers).units
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


def _beside(space: Space, refused: Architecture, distance: _Distance) -> Architecture | None:
    """The nearest of the valid members that are the fewest moves away; None if none is found within `_RINGS` moves.

    The rule judges the nearest trees first, since it may cost more than everything else.
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
    """The end of a walk of at most `_STEPS` moves that starts at `made`, each to the nearest valid neighbour."""
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
