"""What a space can reach, before it is searched: the costs of many random members, counted and not run.

found = profile("darts", samples=1000, channels=16, layers=8)
found.quantiles("parameters")
found.share_within({"macs": 100e6})
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

import search_spaces
from search_spaces.architecture import Architecture
from search_spaces.space import Space
from trainables.costs.cost import Cost, Meter
from trainables.networks import build, check_network, example
from trainables.settings import check_number

__all__ = ["QUANTILES", "Member", "Profile", "measured_on", "nearest", "profile", "within_reach"]

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_BUILT_FOR_REAL = 9
_BUILD_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Member:
    """An architecture and what its network costs."""

    architecture: Architecture
    cost: Cost


@dataclass(frozen=True, slots=True)
class Profile:
    """Costs of random members of a space.

    Attributes:
        members: in the order in which they were drawn.
        duplicates: how many of them had the id of an earlier one.
        seconds: what drawing and counting took.
        build_seconds: seconds to build some members on the CPU, weights and all; from small to large.
    """

    members: tuple[Member, ...]
    duplicates: int
    seconds: float
    build_seconds: tuple[float, ...]

    def values(self, cost: str) -> list[int]:
        """One cost (a field of `Cost`) of every member, sorted."""
        return sorted(getattr(member.cost, cost) for member in self.members)

    def quantiles(self, cost: str) -> list[float]:
        """The values at `QUANTILES`, linear between members."""
        return _quantiles(self.values(cost))

    def build_quantiles(self) -> list[float]:
        """The `build_seconds` at `QUANTILES`."""
        return _quantiles(sorted(self.build_seconds))

    def smallest(self, cost: str) -> Member:
        """The member with the least of a cost."""
        return min(self.members, key=lambda member: int(getattr(member.cost, cost)))

    def largest(self, cost: str) -> Member:
        """The member with the most of a cost."""
        return max(self.members, key=lambda member: int(getattr(member.cost, cost)))

    def share_within(self, limits: Mapping[str, float]) -> float:
        """The share of members that keep every limit, each the most of a cost that is allowed."""
        return sum(_excess(member.cost, limits) <= 1 for member in self.members) / len(self.members)


def profile(space: object, *, samples: int = 1000, seed: int = 0, **settings: Any) -> Profile:
    """Draw `samples` members of `space` (a name, or a `Space` that has a network) and count their costs.

    `settings` are those of `trainables.build`. Errors: those of `build` and of the space.
    """
    check_number("samples", samples, 1, whole=True)
    of, cost_of = _space(space), _counter(space, settings)
    rng = random.Random(seed)
    begun = time.perf_counter()
    members, ids = [], set()
    for _ in range(samples):
        drawn = of.sample(rng)
        members.append(Member(drawn, cost_of(drawn)))
        ids.add(drawn.id)
    seconds = time.perf_counter() - begun
    return Profile(tuple(members), samples - len(ids), seconds, _build_seconds(space, members, settings))


def nearest(members: Sequence[Member], limits: Mapping[str, float]) -> Member:
    """The member that keeps `limits` (the most of each cost that is allowed), or exceeds them least."""
    return min(members, key=lambda member: _excess(member.cost, limits))


def within_reach(
    space: object, start: Member, limits: Mapping[str, float], *, steps: int = 300, seed: int = 0, **settings: Any
) -> Member:
    """The member nearest to `limits` that mutations find from `start`: within them, if they can be met at all.

    A descent, so that one outside the limits is no proof that there is none inside.
    """
    of, cost_of = _space(space), _counter(space, settings)
    rng = random.Random(seed)
    best = start
    for _ in range(steps):
        if _excess(best.cost, limits) <= 1:
            break
        mutant = of.mutate(best.architecture, rng)
        cost = cost_of(mutant)
        if _excess(cost, limits) <= _excess(best.cost, limits):
            best = Member(mutant, cost)
    return best


def measured_on(space: object, **settings: Any) -> torch.Tensor:
    """The batch of one example that members of `space` are counted on; errors are those of `build`."""
    check_network(space, {key: value for key, value in settings.items() if key not in _TASK})
    one: torch.Tensor = example(space, batch=1, **settings)
    return one


def _counter(space: object, settings: Mapping[str, Any]) -> Callable[[Architecture], Cost]:
    """What counts members of `space`, each built with `settings`."""
    meter, one = Meter(), measured_on(space, **settings)
    return lambda architecture: meter.cost_of(lambda: build(space, architecture, **settings), one)


_TASK = ("num_classes", "in_channels", "image_size")


def _space(space: object) -> Space:
    return space if isinstance(space, Space) else search_spaces.get(str(space))


def _excess(cost: Cost, limits: Mapping[str, float]) -> float:
    """The worst ratio of a cost to its limit."""
    return max((getattr(cost, name) / limit for name, limit in limits.items()), default=0.0)


def _build_seconds(space: object, members: Sequence[Member], settings: Mapping[str, Any]) -> tuple[float, ...]:
    """What a few members, even over their sizes, take to build; fewer where that takes long."""
    by_size = sorted(members, key=lambda member: member.cost.parameters)
    count = min(_BUILT_FOR_REAL, len(by_size))
    places = [round(i * (len(by_size) - 1) / max(count - 1, 1)) for i in range(count)]
    seconds: list[float] = []
    for place in places:
        begun = time.perf_counter()
        with torch.random.fork_rng(devices=[]):
            build(space, by_size[place].architecture, **settings)
        seconds.append(time.perf_counter() - begun)
        if sum(seconds) > _BUILD_SECONDS:
            break
    return tuple(seconds)


def _quantiles(values: Sequence[float]) -> list[float]:
    if len(values) == 1:
        return [float(values[0])] * len(QUANTILES)
    cuts = [float(values[0]), *statistics.quantiles(values, n=100, method="inclusive"), float(values[-1])]
    return [cuts[round(100 * share)] for share in QUANTILES]
