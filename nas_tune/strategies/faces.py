"""A space as models want it that know no conditions: the same decisions for every architecture.

Two flat faces: values by name, with something in the place of every inactive decision, and the numbers of
`Space.encode`, where a model may have numbers in inactive places too. Both lead back to the nearest member.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from search_spaces import Architecture, ArchitectureError, Space

__all__ = ["FlatFace"]


class FlatFace:
    """The flat faces of `space`."""

    def __init__(self, space: Space) -> None:
        self.space = space
        self.slices: dict[str, slice] = {}
        start = 0
        for parameter in space.parameters:
            self.slices[parameter.name] = slice(start, start + parameter.width())
            start += parameter.width()
        self.width = start

    def filled(self, architecture: Architecture, rng: random.Random | None = None) -> dict[str, object]:
        """Every decision: inactive ones drawn from `rng`, or at their first or lowest value without it."""
        active = self.space.params(architecture)
        if len(active) == len(self.space.parameters):
            return dict(active)
        return {
            p.name: active[p.name] if p.name in active else p.first if rng is None else p.draw(rng, None)
            for p in self.space.parameters
        }

    def member(self, values: Mapping[str, object]) -> Architecture:
        """What these decisions are; where the space's rule refuses that, the nearest member."""
        return self.allowed(values) or self.nearest(values)

    def allowed(self, values: Mapping[str, object]) -> Architecture | None:
        """What these decisions are; None where the space's rule refuses it."""
        try:
            return self.space.from_params(values)
        except ArchitectureError:
            return None

    def nearest(self, values: Mapping[str, object]) -> Architecture:
        """The member nearest to these decisions; to look for it takes hundreds of answers of a strict rule."""
        numbers: list[float] = []
        for p in self.space.parameters:
            numbers += p.to_units(p.read(values[p.name])) if p.name in values else [0.0] * p.width()
        return self.space.decode(numbers)

    def agrees(self, numbers: Sequence[float], active: Mapping[str, object]) -> bool:
        """Whether `numbers` stand for these active decisions."""
        return all(
            p.from_units(list(numbers[self.slices[p.name]])) == active[p.name]
            for p in self.space.parameters
            if p.name in active
        )

    def corrected(self, numbers: Sequence[float], active: Mapping[str, object]) -> list[float]:
        """`numbers` changed as little as makes them stand for these active decisions."""
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
    """One-hot places exchange their greatest number with the wanted place's; a number becomes the wanted one."""
    if len(here) == 1:
        return wanted
    greatest, place = max(range(len(here)), key=here.__getitem__), wanted.index(1.0)
    here[greatest], here[place] = here[place], here[greatest]
    return here
