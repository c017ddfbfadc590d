"""Who answers the decisions of a tree: a random generator, a dict of parameters, a script that enumerates."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, TypeAlias

from search_spaces.algebra.flat import Parameter
from search_spaces.algebra.interpreter import Decider, FixedNode, GroupNode, Node, ValueNode
from search_spaces.architecture import Json, Scalar
from search_spaces.errors import SpaceError

if TYPE_CHECKING:
    import numpy as np

__all__ = ["Rng", "as_random", "builds", "decided", "drawn", "looked_up", "looked_up_or_drawn"]

Rng: TypeAlias = "random.Random | np.random.Generator | int"

_MISSING = object()


def as_random(rng: Rng) -> random.Random:
    """`rng` itself, or a `random.Random` seeded by an int or by one draw from a NumPy generator."""
    if isinstance(rng, random.Random):
        return rng
    if isinstance(rng, int) and not isinstance(rng, bool):
        return random.Random(rng)
    if hasattr(rng, "integers"):
        return random.Random(int(rng.integers(2**63)))
    kind = type(rng).__name__
    raise SpaceError(f"rng={rng!r} is a {kind}; give a random.Random, a numpy Generator or an int seed")


def drawn(rng: random.Random) -> Decider:
    """Decides at random."""

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        return parameter.draw(rng, odds)

    return decide


def looked_up(values: Mapping[str, object]) -> Decider:
    """Decides by name; a missing one takes its first value. `ArchitectureError` for a value not allowed."""

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.first if value is _MISSING else parameter.read(value)

    return decide


def decided(values: Mapping[str, Scalar]) -> Decider:
    """Decides by name, values taken as they are, as a trace has them; a missing one takes its first value."""

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.first if value is _MISSING else value  # type: ignore[return-value]

    return decide


def looked_up_or_drawn(values: Mapping[str, Scalar], rng: random.Random) -> Decider:
    """Decides by name, values taken as they are, and draws what is missing."""

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        value = values.get(parameter.name, _MISSING)
        return parameter.draw(rng, odds) if value is _MISSING else value  # type: ignore[return-value]

    return decide


def builds(node: Node, fixed: Mapping[str, Scalar] | None = None) -> Iterator[Json]:
    """Every decided tree of `node` with these `fixed` decisions once, the last decision running fastest.

    All others must be countable.
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
    """The same of a dict of plain decisions, in a fifth of the time: hundreds of thousands are gone through."""
    columns = [[child.value] if isinstance(child, FixedNode) else _values(child) for child in node.items.values()]
    for row in product(*columns):
        yield dict(zip(node.items, row, strict=True))


def _values(node: Node) -> list[Json]:
    (parameter,) = node.parameters()
    return [parameter.value(index) for index in range(parameter.count or 0)]
