"""The range of costs in a space before it is searched: the costs of many random members, counted without running them.

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
from search_spaces.algebra.limited import descended
from search_spaces.architecture import Architecture
from search_spaces.space import Space
from trainables.costs.cost import Cost, CostMeter
from trainables.networks import build, check_network, example
from trainables.settings import check_number

__all__ = ["QUANTILES", "Member", "Profile", "measured_on", "nearest", "profile", "within_reach"]

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""The shares of members at which a profile gives quantiles."""
_BUILT_ON_CPU = 9
"""Members that are built with their weights, to time it."""
_BUILD_SECONDS = 10.0
"""Seconds after which no further member is built."""


@dataclass(frozen=True, slots=True)
class Member:
    """An architecture and the costs of its network.

    Attributes:
        architecture: a member of the space.
        cost: the costs of its network for one example.
    """

    architecture: Architecture
    cost: Cost


@dataclass(frozen=True, slots=True)
class Profile:
    """The costs of random members of a space.

    Attributes:
        members: in the order in which they were drawn.
        duplicates: the number of members with the id of an earlier one.
        seconds: the time that drawing and counting took, in seconds.
        build_seconds: the time in seconds to build each of a few members with its weights on the CPU, from small to
            large.
    """

    members: tuple[Member, ...]
    duplicates: int
    seconds: float
    build_seconds: tuple[float, ...]

    def values(self, cost: str) -> list[int]:
        """Return one cost of every member.

        Args:
            cost: a field of `Cost`, such as "macs".

        Returns:
            The values in ascending order.
        """
        return sorted(getattr(member.cost, cost) for member in self.members)

    def quantiles(self, cost: str) -> list[float]:
        """Return the quantiles of one cost, linear between members.

        Args:
            cost: a field of `Cost`, such as "macs".

        Returns:
            The values at `QUANTILES`.
        """
        return _quantiles(self.values(cost))

    def build_quantiles(self) -> list[float]:
        """Return the quantiles of `build_seconds`, linear between members.

        Returns:
            The seconds at `QUANTILES`.
        """
        return _quantiles(sorted(self.build_seconds))

    def smallest(self, cost: str) -> Member:
        """Return the member with the smallest value of a cost.

        Args:
            cost: a field of `Cost`, such as "macs".

        Returns:
            The first such member.
        """
        return min(self.members, key=lambda member: int(getattr(member.cost, cost)))

    def largest(self, cost: str) -> Member:
        """Return the member with the largest value of a cost.

        Args:
            cost: a field of `Cost`, such as "macs".

        Returns:
            The first such member.
        """
        return max(self.members, key=lambda member: int(getattr(member.cost, cost)))

    def share_within(self, limits: Mapping[str, float]) -> float:
        """Return the share of members that meet all limits.

        Args:
            limits: the greatest value that is allowed, by field of `Cost`.

        Returns:
            A number from 0 to 1.
        """
        return sum(_excess(member.cost, limits) <= 1 for member in self.members) / len(self.members)


def profile(space: object, *, samples: int = 1000, seed: int = 0, **settings: Any) -> Profile:
    """Draw random members of a space and count their costs.

    Args:
        space: the name of a space, or a `Space` that has a network.
        samples: how many members to draw.
        seed: decides which members are drawn.
        **settings: settings of `trainables.build`, such as `layers`.

    Returns:
        The profile of the drawn members.

    Raises:
        TrainableError: `samples` is below 1, or the network of the space cannot be built with these settings.
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
    """Return the member that meets all limits, or exceeds them least.

    Args:
        members: members of a space, at least one.
        limits: the greatest value that is allowed, by field of `Cost`.

    Returns:
        The member whose greatest ratio of a cost to its limit is the smallest.
    """
    return min(members, key=lambda member: _excess(member.cost, limits))


def within_reach(
    space: object, start: Member, limits: Mapping[str, float], *, steps: int = 300, seed: int = 0, **settings: Any
) -> Member:
    """Search by mutations for a member that meets all limits.

    This is a descent: if it ends at a member outside the limits, that is not proof that no member meets them.

    Args:
        space: the name of a space, or a `Space` that has a network.
        start: the member to begin with.
        limits: the greatest value that is allowed, by field of `Cost`.
        steps: the most mutations that are tried.
        seed: decides the mutations.
        **settings: settings of `trainables.build`.

    Returns:
        The first member found that meets all limits, otherwise the one that exceeds them least.

    Raises:
        TrainableError: the network of the space cannot be built with these settings.
    """
    of, cost_of = _space(space), _counter(space, settings)
    rng = random.Random(seed)
    costs = {start.architecture: start.cost}

    def excess(architecture: Architecture) -> float:
        if architecture not in costs:
            costs[architecture] = cost_of(architecture)
        return _excess(costs[architecture], limits)

    best, _ = descended(of, start.architecture, excess, rng, steps)
    return Member(best, costs[best])


def measured_on(space: object, **settings: Any) -> torch.Tensor:
    """Return the batch of one example on which the costs of members are counted.

    Args:
        space: the name of a space, or a `Space` that has a network.
        **settings: settings of `trainables.build`.

    Returns:
        A batch of one example, as networks of the space expect it.

    Raises:
        TrainableError: the network of the space cannot be built with these settings.
    """
    check_network(space, {key: value for key, value in settings.items() if key not in _TASK})
    one: torch.Tensor = example(space, batch=1, **settings)
    return one


def _counter(space: object, settings: Mapping[str, Any]) -> Callable[[Architecture], Cost]:
    """Return a function that counts the costs of a member of `space`, built with `settings`."""
    meter, one = CostMeter(), measured_on(space, **settings)
    return lambda architecture: meter.cost_of(lambda: build(space, architecture, **settings), one)


_TASK = ("num_classes", "in_channels", "image_size")


def _space(space: object) -> Space:
    return space if isinstance(space, Space) else search_spaces.get(str(space))


def _excess(cost: Cost, limits: Mapping[str, float]) -> float:
    """Return the greatest ratio of a cost to its limit, 0 without limits; it is at most 1 if all limits hold."""
    return max((getattr(cost, name) / limit for name, limit in limits.items()), default=0.0)


def _build_seconds(space: object, members: Sequence[Member], settings: Mapping[str, Any]) -> tuple[float, ...]:
    """Return the seconds that it takes to build each of a few members, from small to large, evenly spaced by size."""
    by_size = sorted(members, key=lambda member: member.cost.parameters)
    count = min(_BUILT_ON_CPU, len(by_size))
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
    """Return the values at `QUANTILES`, linear between these sorted values."""
    if len(values) == 1:
        return [float(values[0])] * len(QUANTILES)
    cuts = [float(values[0]), *statistics.quantiles(values, n=100, method="inclusive"), float(values[-1])]
    return [cuts[round(100 * share)] for share in QUANTILES]
