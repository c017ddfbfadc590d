"""The gate of a search with limits: it refuses architectures before they become trials, from cheap tests to dear ones.

The ladder has four rungs. Costs that the trainable counts, and costs that a predictor expects from what was measured
before, are a rule of the space that strategies search, so that they seldom propose what is refused. A proposal then has
to have an output that depends on its input, and is measured where a limit or an objective is a measured cost. What is
refused goes into the ledger with its cost, and costs no trial.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from nas_tune.errors import NasTuneError
from nas_tune.ledger import Costed, Event, Measured, Noted, Refused
from nas_tune.objectives.limits import Limit, excess
from search_spaces import Architecture, Space
from trainables.protocol import Costing

__all__ = ["CONNECTED", "Gate", "Meter"]

CONNECTED = "connected"
_LISTED = 20
"""Refused candidates that the ledger lists for one proposal."""
_KEPT = 200_000
"""Architectures after whose costs the oldest are forgotten."""


class Meter(Protocol):
    """Measures the costs of architectures on a device."""

    @property
    def names(self) -> Sequence[str]:
        """The costs that it measures."""

    @property
    def device(self) -> str:
        """The fingerprint of the device."""

    def measured(self, architectures: Sequence[Architecture]) -> list[Mapping[str, float]]:
        """Measure architectures in one session.

        Args:
            architectures: of the space.

        Returns:
            The value of each of `names` for each architecture.

        Raises:
            TrainableError: a network cannot be built, or does not run on the device.
        """


class Gate:
    """Judges architectures by the limits on their costs.

    Args:
        limits: on costs that `trainable` counts, or `meter` measures.
        trainable: counts them.
        wanted: further costs that every trial needs, such as objectives.
        meter: measures costs; None where none is measured.
    """

    def __init__(
        self, limits: Sequence[Limit], trainable: Costing, wanted: Sequence[str] = (), meter: Meter | None = None
    ) -> None:
        self.limits, self.trainable, self.meter = tuple(limits), trainable, meter
        dear = set(meter.names) if meter else set()
        self.counted = tuple(one for one in limits if one.name not in dear)
        """The limits on costs that are counted."""
        self._dear = tuple(one for one in limits if one.name in dear)
        self.names = list(dict.fromkeys([*(one.name for one in self.counted), *(n for n in wanted if n not in dear)]))
        """The names of the costs that are counted for every trial."""
        self._costs: dict[str, dict[str, float]] = {}
        self._measured: dict[str, dict[str, float]] = {}
        self._refused: list[Refused] = []
        self._listed: set[str] = set()
        self._more = 0

    def space(self, of: Space) -> Space:
        """Narrow a space to the members that keep the limits on counted costs.

        Args:
            of: the space of the architectures.

        Returns:
            The space for strategies; `of` itself without such limits.
        """
        if not self.counted:
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
        ratio = excess(costs, self.counted)
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
            known = self._costs[key] = self._counted(architecture) if self.names else {}
        return known

    def apply(self, event: Event) -> None:
        """Learn from an event what was measured and refused before.

        Args:
            event: of the ledger.
        """
        if isinstance(event, Measured) and self.meter is not None and event.device == self.meter.device:
            self._measured[_key(event.tree)] = dict(event.costs)
        elif isinstance(event, Refused) and event.ask is None:
            self._listed.add(_key(event.tree))

    def judged(self, architecture: Architecture, ask: int) -> list[Event]:
        """Let a proposal climb the ladder.

        Args:
            architecture: the proposal.
            ask: its number.

        Returns:
            What was measured, and last a `Refused` if it may not become a trial.
        """
        costs = self.costs(architecture)
        if costs and (broken := _broken(costs, self.counted)) is not None:
            return [_refused(architecture, "counted", broken, costs, ask)]
        if not self._connected(architecture):
            return [Refused(architecture.id, architecture.tree, CONNECTED, "", None, None, ask)]
        return self._measure(self.meter, architecture, ask) if self.meter is not None else []

    def costs_of_trial(self, trial: int, architecture: Architecture) -> list[Event]:
        """List the costs of a trial's architecture.

        Args:
            trial: the number of the trial.
            architecture: of the trial.

        Returns:
            An event for the counted costs, and one for the measured ones.
        """
        events: list[Event] = []
        if costs := self.costs(architecture):
            events.append(Costed(trial, dict(costs), "counted"))
        if self.meter is not None and (measured := self._measured.get(architecture.to_json())):
            events.append(Costed(trial, dict(measured), "measured", self.meter.device))
        return events

    def missing(self, costs: Mapping[str, float], architecture: Architecture) -> list[Event]:
        """Count and measure what an earlier session did not need, as a limit may be new.

        Args:
            costs: of a trial, that the ledger has.
            architecture: of the trial.

        Returns:
            What was measured.
        """
        if self.meter is None or all(name in costs for name in self.meter.names):
            return []
        return [event for event in self._measure(self.meter, architecture, 0) if not isinstance(event, Refused)]

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

    def _connected(self, architecture: Architecture) -> bool:
        connected: Callable[[Architecture], bool] | None = getattr(self.trainable, CONNECTED, None)
        if not self.limits or connected is None:
            return True
        try:
            return connected(architecture)
        except NasTuneError:
            return True  # as for `excess`

    def _measure(self, meter: Meter, architecture: Architecture, ask: int) -> list[Event]:
        key, tree = architecture.to_json(), architecture.tree
        events: list[Event] = []
        if key not in self._measured:
            try:
                (costs,) = meter.measured([architecture])
            except NasTuneError as error:
                names = ", ".join(meter.names)
                why = Noted(-1, f"an architecture is refused because its {names} cannot be measured: {error}")
                return [why, Refused(architecture.id, tree, "measured", meter.names[0], None, None, ask)]
            self._measured[key] = dict(costs)
            events.append(Measured(architecture.id, tree, dict(costs), meter.device))
        broken = _broken(self._measured[key], self._dear)
        if broken is not None:
            events.append(_refused(architecture, "measured", broken, self._measured[key], ask))
        return events

    def _remember(self, architecture: Architecture, costs: Mapping[str, float]) -> None:
        key, broken = architecture.to_json(), _broken(costs, self.counted)
        if key in self._listed or broken is None:
            return
        self._listed.add(key)
        if len(self._refused) < _LISTED:
            self._refused.append(_refused(architecture, "counted", broken, costs, None))
        else:
            self._more += 1


def _key(tree: object) -> str:
    return Architecture(tree).to_json()


def _broken(costs: Mapping[str, float], limits: Iterable[Limit]) -> Limit | None:
    """The limit that is exceeded most; None if all are kept."""
    broken = [one for one in limits if not one.holds(costs.get(one.name, math.nan))]
    return max(broken, key=lambda one: one.ratio(costs.get(one.name, math.nan)), default=None)


def _refused(
    architecture: Architecture, rung: str, broken: Limit, costs: Mapping[str, float], ask: int | None
) -> Refused:
    value = costs.get(broken.name, math.nan)
    return Refused(architecture.id, architecture.tree, rung, broken.name, value, broken.bound, ask)
