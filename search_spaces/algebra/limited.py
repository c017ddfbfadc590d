"""A space with a limit: the members of another space that a costly function admits, and how to find them when rare.

The function says how far an architecture lies beyond a limit, such as the ratio of its parameters to their bound. It
may take milliseconds, so nothing here calls it for all members of a space. Where random draws seldom meet the limit, a
descent finds a member: it changes one decision at a time and keeps a change that does not move away from the limit.
The members that a descent finds are less even than random draws.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from search_spaces.algebra.rejection import RareMembers
from search_spaces.architecture import Architecture
from search_spaces.errors import NoMemberError

if TYPE_CHECKING:
    from search_spaces.space import Space

__all__ = ["DRAWS", "Excess", "LimitedMembers", "LimitedRule", "descended"]

Excess = Callable[[Architecture], float]
"""The ratio of a cost to its limit, the greatest of several; at most 1 for an architecture that meets them."""

DRAWS = 20
"""The random draws that a limit may refuse before a descent begins."""
_DESCENTS = 5
_CHANGES = 300
_STEPS = 4


class LimitedRule:
    """The rule of a limited space.

    Args:
        rule: the rule of the space without the limit; None for a space without one.
        excess: how far an architecture lies beyond the limit.
    """

    serial = itertools.count()

    def __init__(self, rule: Callable[[Architecture], bool] | None, excess: Excess) -> None:
        self.rule, self.excess = rule, excess
        self.name = f"limited-{next(self.serial)}"
        """Differs from that of every other rule of this process."""

    def __call__(self, architecture: Architecture) -> bool:
        """Tell whether an architecture keeps the rule and meets the limit."""
        return (self.rule is None or self.rule(architecture)) and self.excess(architecture) <= 1


class LimitedMembers(RareMembers):
    """A sampler for a limited space.

    Args:
        space: the limited space.
        whole: the space without the limit.
        excess: how far an architecture lies beyond the limit.
    """

    def __init__(self, space: Space, whole: Space, excess: Excess) -> None:
        super().__init__(space)
        self._whole, self._excess = whole, excess

    def sample(self, rng: random.Random) -> Architecture:
        """Find a member by a descent from a random architecture, then by a few random steps within the limit.

        Args:
            rng: the source of the draws.

        Returns:
            A member.

        Raises:
            NoMemberError: five descents did not meet the limit; the message has the least ratio that was found.
        """
        least = float("inf")
        for _ in range(_DESCENTS):
            made, ratio = self._descended(rng)
            if ratio <= 1:
                return self._walked(made, rng, _STEPS)
            least = min(least, ratio)
        raise NoMemberError(
            f"space {self._space.name or 'without name'}: no architecture was found that meets the limits; the nearest "
            f"one exceeds them {least:.3g} times; raise a limit"
        )

    @cached_property
    def listed(self) -> list[Architecture] | None:
        """None: a limit is too costly to list all members."""
        return None

    def _descended(self, rng: random.Random) -> tuple[Architecture, float]:
        best, ratio = descended(self._whole, self._whole.sample(rng), self._excess, rng, _CHANGES)
        return self._space._bind(best._tree), ratio


def descended(
    space: Space, start: Architecture, excess: Excess, rng: random.Random, changes: int
) -> tuple[Architecture, float]:
    """Search by mutations for a member that meets a limit.

    Args:
        space: the space, without the limit.
        start: the member to begin with.
        excess: how far an architecture lies beyond the limit.
        rng: the source of the mutations.
        changes: the most mutations that are tried.

    Returns:
        The first member found that meets the limit, else the one that exceeds it least; and its ratio.

    Raises:
        NoMemberError: the space has no other member than `start`.
    """
    best, ratio = start, excess(start)
    for _ in range(changes):
        if ratio <= 1:
            break
        changed = space.mutate(best, rng)
        other = excess(changed)
        if other <= ratio:
            best, ratio = changed, other
    return best, ratio
