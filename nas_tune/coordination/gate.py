"""The gate of a search with limits: it refuses architectures before they become trials, from cheap tests to dear ones.

The ladder has four rungs. Costs that the trainable counts, and costs that are predicted from what was measured before,
are a rule of the space that strategies search, so that they seldom propose what is refused. A proposal then has to have
an output that depends on its input, and is measured where a limit or an objective is a measured cost. What is refused
goes into the ledger with its cost, and costs no trial.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Protocol

from nas_tune.coordination.expectations import SEEDS, Expectations, Predictor
from nas_tune.coordination.refusals import RefusedCandidates, broken_most, refusal
from nas_tune.errors import NasTuneError
from nas_tune.ledger import Costed, Event, Measured, Noted, Refused
from nas_tune.objectives.limits import Limit, excess
from search_spaces import Architecture, Space
from trainables.costs.quantities import write_value
from trainables.protocol import Costing

__all__ = ["CONNECTED", "Gate", "Meter"]

CONNECTED = "connected"
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
        predictors: of limited costs that are measured, by name; without one a cost is only measured.
        audit: the share of architectures that a prediction refuses and that are measured nevertheless.
    """

    def __init__(
        self,
        limits: Sequence[Limit],
        trainable: Costing,
        wanted: Sequence[str] = (),
        meter: Meter | None = None,
        predictors: Mapping[str, Predictor] | None = None,
        audit: float = 0.0,
    ) -> None:
        self.limits, self.trainable, self.meter = tuple(limits), trainable, meter
        dear = set(meter.names) if meter else set()
        self.counted = tuple(one for one in limits if one.name not in dear)
        """The limits on costs that are counted."""
        self.measured_limits = tuple(one for one in limits if one.name in dear)
        """The limits on costs that are measured."""
        self._foreseen = tuple(one for one in self.measured_limits if one.name in (predictors or {}))
        self.names = list(dict.fromkeys([*(one.name for one in self.counted), *(n for n in wanted if n not in dear)]))
        """The names of the costs that are counted for every trial."""
        self._audit, self._has_begun = audit, False
        self._expectations = Expectations(predictors or {})
        self._candidates = RefusedCandidates()
        self._costs: dict[str, dict[str, float]] = {}
        self._measured: dict[str, dict[str, float]] = {}

    def space(self, of: Space) -> Space:
        """Narrow a space to the members that keep the limits on counted and predicted costs.

        Args:
            of: the space of the architectures.

        Returns:
            The space for strategies; `of` itself without such limits. What predictions refuse changes with each fit.
        """
        if not self.counted and not self._foreseen:
            return of
        listable = bool(getattr(self.trainable, "looks_costs_up", False)) and not self._foreseen
        return of.within(self.excess, listable=listable)

    def excess(self, architecture: Architecture) -> float:
        """Compute how far an architecture lies beyond the limits, and remember that it was refused.

        Args:
            architecture: of the space.

        Returns:
            The greatest ratio of a cost to its limit; at most 1 if all are kept. An architecture whose costs cannot be
            counted counts as 1: its trial tells the reason.
        """
        costs = self.costs(architecture)
        ratio = excess(costs, self.counted) if costs else 1.0
        if ratio > 1:
            self._candidates.add(architecture, "counted", costs, self.counted)
            return ratio
        expected, known = self._expected(architecture)
        ratio = max(ratio, excess(expected, known))
        if ratio > 1:
            self._candidates.add(architecture, "predicted", expected, known)
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
            self._measured[Architecture(event.tree).to_json()] = dict(event.costs)
            self._expectations.learn(self._measured)
        elif isinstance(event, Refused) and event.ask is None:
            self._candidates.know(event.tree)

    def begun(self) -> list[Event]:
        """Measure the architectures from which predictors learn first, unless enough are measured.

        Returns:
            What was measured, with a note; empty without predictors.
        """
        if self.meter is None or not self._foreseen or self._has_begun or len(self._measured) >= SEEDS:
            return []
        self._has_begun = True
        events: list[Event] = []
        for architecture in self._expectations.seeds():
            events += self._only_measured(self.meter, architecture)
        names = ", ".join(self._expectations.names)
        note = Noted(-1, f"{len(events)} architectures were measured first, to predict {names} of others")
        return [*events, note] if events else []

    def judged(self, architecture: Architecture, ask: int) -> list[Event]:
        """Let a proposal climb the ladder.

        Args:
            architecture: the proposal.
            ask: its number.

        Returns:
            What was measured, and last a `Refused` if it may not become a trial.
        """
        costs = self.costs(architecture)
        if costs and (broken := broken_most(costs, self.counted)) is not None:
            return [refusal(architecture, "counted", broken, costs, ask)]
        expected, known = self._expected(architecture)
        if (broken := broken_most(expected, known)) is not None:
            return [refusal(architecture, "predicted", broken, expected, ask)]
        if not self._connected(architecture):
            return [Refused(architecture.id, architecture.tree, CONNECTED, "", None, None, ask)]
        return self._measure(self.meter, architecture, ask) if self.meter is not None else []

    def costs_of_trial(self, trial: int, architecture: Architecture) -> list[Event]:
        """List the costs of a trial's architecture.

        Args:
            trial: the number of the trial.
            architecture: of the trial.

        Returns:
            An event each for the counted, the predicted and the measured costs.
        """
        events: list[Event] = []
        if costs := self.costs(architecture):
            events.append(Costed(trial, dict(costs), "counted"))
        if self.meter is None:
            return events
        if likely := self._expectations.likely(architecture):
            events.append(Costed(trial, likely, "predicted", self.meter.device))
        if measured := self._measured.get(architecture.to_json()):
            events.append(Costed(trial, dict(measured), "measured", self.meter.device))
        return events

    def missing(self, costs: Mapping[str, float], architecture: Architecture) -> list[Event]:
        """Measure what an earlier session did not need, as a limit may be new.

        Args:
            costs: of a trial, that the ledger has.
            architecture: of the trial.

        Returns:
            What was measured.
        """
        if self.meter is None or all(name in costs for name in self.meter.names):
            return []
        return self._only_measured(self.meter, architecture)

    def nearest(self) -> str:
        """Say how near to its limit each measured cost came.

        Returns:
            Such as "the least latency that was measured is 0.3 ms"; empty without measured limits.
        """
        said = []
        for one in self.measured_limits:
            values = [costs[one.name] for costs in self._measured.values() if one.name in costs]
            if values:
                extreme = "least" if one.sense == "<=" else "greatest"
                best = write_value(one.name, min(values, key=one.ratio))
                said.append(f"the {extreme} {one.name} that was measured is {best}, and the limit is {one.text}")
        return "; ".join(said)

    def drained(self) -> list[Event]:
        """Take the candidates that were refused since the last call, and measure some that predictions refused.

        Returns:
            Their events, then the measurements of the audit.
        """
        refused = self._candidates.drained()
        events: list[Event] = [*refused]
        for one in refused:
            if self.meter is not None and one.rung == "predicted" and _share(one.id) < self._audit:
                events += self._only_measured(self.meter, Architecture(one.tree).with_id(one.id))
        return events

    def _counted(self, architecture: Architecture) -> dict[str, float]:
        try:
            return dict(self.trainable.costs(architecture, self.names))
        except NasTuneError:
            return {}

    def _expected(self, architecture: Architecture) -> tuple[dict[str, float], list[Limit]]:
        """The costs that an architecture has at best, and the limits on them; none of what is measured already."""
        if not self._foreseen or architecture.to_json() in self._measured:
            return {}, []
        found = self._expectations.at_best(architecture, self._foreseen)
        return found, [one for one in self._foreseen if one.name in found]

    def _connected(self, architecture: Architecture) -> bool:
        connected: Callable[[Architecture], bool] | None = getattr(self.trainable, CONNECTED, None)
        if not self.limits or connected is None:
            return True
        try:
            return connected(architecture)
        except NasTuneError:
            return True  # as for `excess`

    def _only_measured(self, meter: Meter, architecture: Architecture) -> list[Event]:
        return [event for event in self._measure(meter, architecture, 0) if isinstance(event, Measured)]

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
            self._expectations.learn(self._measured)
            events.append(Measured(architecture.id, tree, dict(costs), meter.device))
        broken = broken_most(self._measured[key], self.measured_limits)
        if broken is not None:
            events.append(refusal(architecture, "measured", broken, self._measured[key], ask))
        return events


def _share(identity: str) -> float:
    """A number from 0 to 1 that depends on an id alone, so that a resumed search audits the same architectures."""
    return int(sha256(identity.encode()).hexdigest()[:8], 16) / 2**32
