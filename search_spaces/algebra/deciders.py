"""Deciders for the nodes of a tree: a random generator, a dict of parameters, and the enumeration of all trees."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from search_spaces.algebra.flat import Parameter
from search_spaces.algebra.interpreter import Decider, FixedNode, GroupNode, SpaceNode, ValueNode
from search_spaces.architecture import Json, Scalar
from search_spaces.errors import SpaceError
from search_spaces.whole_numbers import is_whole

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rng", "as_random", "builds", "decided", "drawn", "looked_up", "looked_up_or_drawn"]

Rng: TypeAlias = "random.Random | np.random.Generator | int"

_MISSING = object()


def as_random(rng: Rng) -> random.Random:
    """Make a `random.Random` of any source of random numbers.

    Args:
        rng: a `random.Random`, a NumPy generator, or a seed.

    Returns:
        `rng` itself if it is a `random.Random`; else a new one, seeded by the int or by one draw from the NumPy
        generator.

    Raises:
        SpaceError: `rng` is none of these.
    """
    if isinstance(rng, random.Random):
        return rng
    if is_whole(rng):
        return random.Random(rng)
    if hasattr(rng, "integers"):
        return random.Random(int(rng.integers(2**63)))
    kind = type(rng).__name__
    raise SpaceError(f"rng={rng!r} is a {kind}; give a random.Random, a numpy Generator or an int seed")


def drawn(rng: random.Random) -> Decider:
    """Decide at random.

    Args:
        rng: the source of every draw.

    Returns:
        A decider that draws each parameter evenly on its scale.
    """

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        return parameter.draw(rng, odds)

    return decide


def looked_up(values: Mapping[str, object]) -> Decider:
    """Decide by the values of a dict, and check them.

    Args:
        values: a value by parameter name. A parameter that is missing takes its first value.

    Returns:
        A decider that raises `ArchitectureError` for a value that its parameter does not allow.
    """

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.first if value is _MISSING else parameter.read(value)

    return decide


def decided(values: Mapping[str, Scalar]) -> Decider:
    """Decide by values that `SpaceNode.trace` has recorded; they are not checked again.

    Args:
        values: a value by parameter name. A parameter that is missing takes its first value.

    Returns:
        The decider.
    """

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.first if value is _MISSING else value  # type: ignore[return-value]

    return decide


def looked_up_or_drawn(values: Mapping[str, Scalar], rng: random.Random) -> Decider:
    """Decide by values that `SpaceNode.trace` has recorded, and draw the missing ones.

    Args:
        values: a value by parameter name; they are not checked again.
        rng: the source of every draw.

    Returns:
        The decider.
    """

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.draw(rng, odds) if value is _MISSING else value  # type: ignore[return-value]

    return decide


def builds(node: SpaceNode, fixed: Mapping[str, Scalar] | None = None) -> Iterator[Json]:
    """Enumerate the decided trees of a node, each once; the last decision changes fastest.

    Args:
        node: its parameters have a finite `count`, except those in `fixed`.
        fixed: decisions that all the trees share, by parameter name.

    Yields:
        The decided trees, as fresh values.
    """
    if (
        not fixed
        and isinstance(node, GroupNode)
        and all(isinstance(n, ValueNode | FixedNode) for n in node.items.values())
    ):
        yield from _table(node)
        return
    known = fixed or {}
    script: list[int] = []
    counts: list[int] = []
    asked = 0

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        nonlocal asked
        if parameter.name in known:
            return known[parameter.name]
        if asked == len(script):
            script.append(0)
            counts.append(parameter.count or 0)
        index, asked = script[asked], asked + 1
        return parameter.value(index)

    while True:
        asked = 0
        yield node.build(decide)
        while script and script[-1] + 1 == counts[-1]:
            script.pop()
            counts.pop()
        if not script:
            return
        script[-1] += 1


def _table(node: GroupNode) -> Iterator[Json]:
    """`builds` of a dict of plain decisions, in a fifth of the time: spaces of hundreds of thousands are counted so."""
    columns: list[list[Json]] = []
    for child in node.items.values():
        if isinstance(child, FixedNode):
            columns.append([child.value])
        else:
            (parameter,) = child.parameters()
            columns.append([parameter.value(index) for index in range(parameter.count or 0)])
    for row in product(*columns):
        yield dict(zip(node.items, row, strict=True))
