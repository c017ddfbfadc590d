"""What a gate refuses: the limit that decides, its event, and the candidates that a strategy never proposed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from nas_tune.ledger import Refused
from nas_tune.objectives.limits import Limit
from search_spaces import Architecture
from trainables.costs.quantities import write_value

__all__ = ["RefusedCandidates", "broken_most", "not_tried", "refusal"]

_LISTED = 20
"""Refused candidates that the ledger lists for one proposal."""


def broken_most(costs: Mapping[str, float], limits: Sequence[Limit]) -> Limit | None:
    """Find the limit that costs exceed most.

    Args:
        costs: by name; a missing one breaks its limit.
        limits: the limits.

    Returns:
        The limit; None if all are kept.
    """
    broken = [one for one in limits if not one.holds(costs.get(one.name, math.nan))]
    return max(broken, key=lambda one: one.ratio(costs.get(one.name, math.nan)), default=None)


def refusal(
    architecture: Architecture, rung: str, broken: Limit, costs: Mapping[str, float], ask: int | None
) -> Refused:
    """Make the event of a refusal.

    Args:
        architecture: that is refused.
        rung: that refuses it.
        broken: the limit.
        costs: of the architecture, by name.
        ask: the number of the proposal; None for a candidate.

    Returns:
        The event.
    """
    value = costs.get(broken.name, math.nan)
    return Refused(architecture.id, architecture.tree, rung, broken.name, value, broken.bound, ask)


def not_tried(refused: Refused) -> str:
    """Say why an architecture that was to be tried first is not tried.

    Args:
        refused: the event of its refusal.

    Returns:
        The text of a note.
    """
    what = f"the enqueued architecture {refused.id} is refused"
    if not refused.quantity:
        return f"{what}: its output does not depend on its input"
    if refused.value is None or refused.bound is None:
        return f"{what}: its {refused.quantity} cannot be measured"
    value, bound = (write_value(refused.quantity, one) for one in (refused.value, refused.bound))
    return f"{what}: {refused.quantity} is {value} ({refused.rung}); the limit is {bound}"


class RefusedCandidates:
    """The candidates that were refused since the last proposal, each once in a search."""

    def __init__(self) -> None:
        self._events: list[Refused] = []
        self._seen: set[str] = set()
        self._more = 0

    def know(self, tree: object) -> None:
        """Leave out a candidate that the ledger lists.

        Args:
            tree: of the candidate.
        """
        self._seen.add(Architecture(tree).to_json())

    def add(self, architecture: Architecture, rung: str, costs: Mapping[str, float], limits: Sequence[Limit]) -> None:
        """Add a refused candidate.

        Args:
            architecture: the candidate.
            rung: that refused it.
            costs: of the candidate, by name.
            limits: on these costs.
        """
        key, broken = architecture.to_json(), broken_most(costs, limits)
        if key in self._seen or broken is None:
            return
        self._seen.add(key)
        if len(self._events) < _LISTED:
            self._events.append(refusal(architecture, rung, broken, costs, None))
        else:
            self._more += 1

    def drained(self) -> list[Refused]:
        """Take the candidates.

        Returns:
            Their events, of which the last one counts those that are not listed.
        """
        events, more = self._events, self._more
        self._events, self._more = [], 0
        if more and events:
            events[-1] = replace(events[-1], more=more)
        return events
