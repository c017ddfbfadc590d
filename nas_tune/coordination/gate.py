"""The gate of a search with limits: it refuses architectures before they become trials, from cheap tests to dear ones.

The cheap tests are a rule of the space that strategies search, so that they seldom propose what is refused: the costs
that the trainable counts. A proposal then passes the dear tests, one after another: its output must depend on its
input. What is refused goes into the ledger with its cost, and costs no trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from nas_tune.errors import NasTuneError
from nas_tune.ledger import Refused
from nas_tune.objectives.limits import Limit, excess
from search_spaces import Architecture, Space
from trainables.protocol import Costing

__all__ = ["CONNECTED", "Gate"]

CONNECTED = "connected"
_LISTED = 20
"""Refused candidates that the ledger lists for one proposal."""
_KEPT = 200_000
"""Architectures after whose costs the oldest are forgotten."""


class Gate:
    """Judges architectures by the limits on their costs.

    Args:
        limits: on costs that `trainable` counts.
        trainable: counts them.
        wanted: further costs that are counted for every trial, such as objectives.
    """

    def __init__(self, limits: Sequence[Limit], trainable: Costing, wanted: Sequence[str] = ()) -> None:
        self.limits, self.trainable = tuple(limits), trainable
        self.names = list(dict.fromkeys([*(one.name for one in limits), *wanted]))
        """The names of the costs that are counted for every trial."""
        self._costs: dict[str, dict[str, float]] = {}
        self._refused: list[Refused] = []
        self._listed: set[str] = set()
        self._more = 0

    def space(self, of: Space) -> Space:
        """Narrow a space to the members that keep the limits.

        Args:
            of: the space of the architectures.

        Returns:
            The space for strategies; `of` itself without limits.
        """
        if not self.limits:
            return of
        return of.within(self.excess, listable=bool(getattr(self.trainable, "looks_costs_up", False)))

    def excess(self, architecture: Architecture) -> float:
        """Compute how far an architecture lies beyond the limits, and remember that it was refused.

        Args:
            architecture: of the space.

        Returns:
            The greatest ratio of a cost to its limit; at most 1 if all are kept. An architecture whose costs cannot be
            counted counts as 1: its trial tells the reason.
        """
        costs = self.costs(architecture)
        if not costs:
            return 1.0
        ratio = excess(costs, self.limits)
        if ratio > 1:
            self._remember(architecture, costs)
        return ratio

    def costs(self, architecture: Architecture) -> Mapping[str, float]:
        """Count the costs of an architecture, once.

        Args:
            architecture: of the space.

        Returns:
            The value of each of `names`; empty where its network cannot be built.
        """
        key = architecture.to_json()
        known = self._costs.get(key)
        if known is None:
            if len(self._costs) >= _KEPT:
                del self._costs[next(iter(self._costs))]
            known = self._costs[key] = self._counted(architecture)
        return known

    def refusal(self, architecture: Architecture, ask: int) -> Refused | None:
        """Test a proposal, as a strategy may propose what its space refuses, and the dear tests are no part of that.

        Args:
            architecture: the proposal.
            ask: its number.

        Returns:
            The event of its refusal; None if it may become a trial.
        """
        costs = self.costs(architecture)
        if costs and (broken := self._broken(costs)) is not None:
            return _refused(architecture, broken, costs, ask)
        connected: Callable[[Architecture], bool] | None = getattr(self.trainable, CONNECTED, None)
        if not self.limits or connected is None or not costs or connected(architecture):
            return None
        return Refused(architecture.id, architecture.tree, CONNECTED, "", None, None, ask)

    def drained(self) -> list[Refused]:
        """Take the candidates that were refused since the last call.

        Returns:
            Their events, of which the last one counts those that are not listed.
        """
        events, more = self._refused, self._more
        self._refused, self._more = [], 0
        if more and events:
            events[-1] = replace(events[-1], more=more)
        return events

    def _counted(self, architecture: Architecture) -> dict[str, float]:
        try:
            return dict(self.trainable.costs(architecture, self.names))
        except NasTuneError:
            return {}

    def _broken(self, costs: Mapping[str, float]) -> Limit | None:
        """The limit that is exceeded most; None if all are kept."""
        broken = [one for one in self.limits if not one.holds(costs.get(one.name, math.nan))]
        return max(broken, key=lambda one: one.ratio(costs.get(one.name, math.nan)), default=None)

    def _remember(self, architecture: Architecture, costs: Mapping[str, float]) -> None:
        key = architecture.to_json()
        if key in self._listed:
            return
        self._listed.add(key)
        broken = self._broken(costs)
        if broken is None:
            return
        if len(self._refused) < _LISTED:
            self._refused.append(_refused(architecture, broken, costs, None))
        else:
            self._more += 1


def _refused(architecture: Architecture, broken: Limit, costs: Mapping[str, float], ask: int | None) -> Refused:
    value = costs.get(broken.name, math.nan)
    return Refused(architecture.id, architecture.tree, "counted", broken.name, value, broken.bound, ask)
