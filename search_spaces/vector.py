"""The vector face of a space: a float64 vector of fixed length, and a mask of what is active.

Numbers lie in 0..1 on their scale (logarithmic where the parameter is), the options of a choice are one-hot,
a flag of a subset is 0 or 1; inactive places are 0 and masked out. Any vector decodes. What the vector cannot
promise is the last bit of a real without step: it comes back within a few units of rounding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.architecture import Architecture, Scalar
from search_spaces.errors import SpaceError
from search_spaces.flat import Parameter
from search_spaces.moves import neighbors

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
    clean = np.clip(np.nan_to_num(given, nan=0.0), -1e9, 1e9)
    made = space._bind(space._root.build(_Placed(space, clean.tolist())))
    return made if space._is_valid(made) else _nearest_valid(space, made, clean)


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


def _nearest_valid(space: Space, refused: Architecture, numbers: NDArray[np.float64]) -> Architecture:
    """The nearest valid member among the trees within a few moves of `refused`, else on a walk from a known one."""
    beside = _beside(space, refused)
    if beside:
        return min(beside, key=lambda made: _distance(space, made, numbers))
    return _approached(space, min(space._rare.known, key=lambda made: _distance(space, made, numbers)), numbers)


def _beside(space: Space, refused: Architecture) -> list[Architecture]:
    """The valid members that are the fewest moves away, as far as the trees that are looked at show."""
    ring, seen = [refused], {refused}
    for _ in range(_RINGS):
        starts, ring = ring, []
        for start in starts:
            if len(seen) > _LOOKED_AT:
                break
            around = neighbors(space, space._trace(start), with_invalid=True)
            ring += [made for made in around if made not in seen]
            seen.update(around)
        valid = [made for made in ring if space._is_valid(made)]
        if valid:
            return valid
    return []


def _approached(space: Space, made: Architecture, numbers: NDArray[np.float64]) -> Architecture:
    """The end of a short walk of valid members from `made`, each the nearest to `numbers` beside the one before."""
    here = _distance(space, made, numbers)
    for _ in range(_STEPS):
        around = neighbors(space, space._trace(made), with_invalid=True)
        apart = [_distance(space, one, numbers) for one in around]
        nearer = sorted((place for place, far in enumerate(apart) if far < here), key=apart.__getitem__)
        found = next((place for place in nearer if space._is_valid(around[place])), None)
        if found is None:
            break
        made, here = around[found], apart[found]
    return made


def _distance(space: Space, made: Architecture, numbers: NDArray[np.float64]) -> float:
    vector, mask = encode(space, space._trace(made))
    return float((((vector - numbers) * mask) ** 2).sum())
