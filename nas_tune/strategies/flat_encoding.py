"""Encodes architectures for models that do not support conditions: with the same decisions for every architecture.

There are two flat encodings: values by name, with a value also for every inactive decision, and the numbers of
`Space.encode`, where a model may have numbers in inactive places too. Both decode to the nearest member.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from search_spaces import Architecture, ArchitectureError, Space

__all__ = ["FlatEncoding"]


class FlatEncoding:
    """The flat encodings of `space`.

    Args:
        space: the space.

    Attributes:
        slices: the places of the numbers of each parameter in a vector.
        width: the length of a vector.
    """

    def __init__(self, space: Space) -> None:
        self.space = space
        self.slices: dict[str, slice] = {}
        start = 0
        for parameter in space.parameters:
            self.slices[parameter.name] = slice(start, start + parameter.width())
            start += parameter.width()
        self.width = start

    def filled(self, architecture: Architecture, rng: random.Random | None = None) -> dict[str, object]:
        """Encode an architecture as a value for every parameter.

        Args:
            architecture: a member of the space.
            rng: draws the values of inactive parameters; without it they have their first or lowest value.

        Returns:
            The values by name.
        """
        active = self.space.params(architecture)
        if len(active) == len(self.space.parameters):
            return dict(active)
        values: dict[str, object] = {}
        for parameter in self.space.parameters:
            if parameter.name in active:
                values[parameter.name] = active[parameter.name]
            else:
                values[parameter.name] = parameter.first if rng is None else parameter.draw(rng, None)
        return values

    def member(self, values: Mapping[str, object]) -> Architecture:
        """Decode values to a member; to the nearest one if the space's rule refuses them.

        Args:
            values: a value for every parameter by name.

        Returns:
            A member of the space.
        """
        return self.allowed(values) or self.nearest(values)

    def allowed(self, values: Mapping[str, object]) -> Architecture | None:
        """Decode values to a member.

        Args:
            values: a value for every active parameter by name.

        Returns:
            The member; None if the space's rule refuses it.
        """
        try:
            return self.space.from_params(values)
        except ArchitectureError:
            return None

    def nearest(self, values: Mapping[str, object]) -> Architecture:
        """Search for the member that is nearest to these values; under a strict rule that takes hundreds of checks.

        Args:
            values: values by name; a missing one counts as zeros.

        Returns:
            A member of the space.
        """
        numbers: list[float] = []
        for p in self.space.parameters:
            numbers += p.to_units(p.read(values[p.name])) if p.name in values else [0.0] * p.width()
        return self.space.decode(numbers)

    def agrees(self, numbers: Sequence[float], active: Mapping[str, object]) -> bool:
        """Tell whether a vector decodes to the given active values.

        Args:
            numbers: a vector of length `width`.
            active: the values of the active parameters by name.

        Returns:
            Whether each of them is the decoded value.
        """
        for parameter in self.space.parameters:
            name = parameter.name
            if name in active and parameter.from_units(list(numbers[self.slices[name]])) != active[name]:
                return False
        return True

    def corrected(self, numbers: Sequence[float], active: Mapping[str, object]) -> list[float]:
        """Change a vector as little as needed to decode to the given active values.

        Args:
            numbers: a vector of length `width`.
            active: the values of the active parameters by name.

        Returns:
            The changed vector.
        """
        mended = list(numbers)
        for p in self.space.parameters:
            if p.name not in active:
                continue
            place = self.slices[p.name]
            here, value = mended[place], p.read(active[p.name])
            if p.from_units(here) != value:
                mended[place] = _swapped(here, p.to_units(value))
        return mended


def _swapped(here: list[float], wanted: list[float]) -> list[float]:
    """Swap the greatest number of a one-hot encoding into the wanted place; replace a single number."""
    if len(here) == 1:
        return wanted
    greatest, place = max(range(len(here)), key=here.__getitem__), wanted.index(1.0)
    here[greatest], here[place] = here[place], here[greatest]
    return here
