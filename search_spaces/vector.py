"""The vector face of a space: a float64 vector of fixed length, and a mask of what is active.

Numbers lie in 0..1 on their scale (logarithmic where the parameter is), the options of a choice are one-hot,
a flag of a subset is 0 or 1; inactive places are 0 and masked out. Any vector decodes. What the vector cannot
promise is the last bit of a real without step: it comes back within a few units of rounding.
"""

from __future__ import annotations

import random
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
_BEAM = 64
_FALLBACK_SAMPLES = 16


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
    """The valid member closest to `numbers` within a few moves of `refused`, else among fixed samples."""
    ring, seen = [refused], {refused}
    for _ in range(_RINGS):
        around = [made for start in ring[:_BEAM] for made in neighbors(space, space._trace(start), with_invalid=True)]
        ring = [made for made in dict.fromkeys(around) if made not in seen]
        seen.update(ring)
        valid = [made for made in ring if space._is_valid(made)]
        if valid:
            return min(valid, key=lambda made: _distance(space, made, numbers))
    rng = random.Random(0)
    samples = [space.sample(rng) for _ in range(_FALLBACK_SAMPLES)]
    return min(samples, key=lambda made: _distance(space, made, numbers))


def _distance(space: Space, made: Architecture, numbers: NDArray[np.float64]) -> float:
    vector, mask = encode(space, space._trace(made))
    return float((((vector - numbers) * mask) ** 2).sum())
