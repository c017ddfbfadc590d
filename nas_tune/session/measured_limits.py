"""Limits on costs that only a device can tell: before the first trial it is looked whether some member keeps them.

No space is enumerated. The cheapest of a few random members by multiply-accumulates is measured. Where it breaks a
limit, descents towards few multiply-accumulates, few operations and few moved bytes end at members that are measured
too. If the best of all these is far over a limit, the search is refused with the least that was found; if it is a
little over it, a note says so. What was measured is kept, and the search does not measure it again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from nas_tune.coordination.gate import Gate, Meter
from nas_tune.errors import ConfigError, NasTuneError
from nas_tune.ledger import Event, Measured, Noted
from nas_tune.objectives.limits import Limit
from search_spaces import Architecture, NoMemberError, Space
from search_spaces.algebra.limited import descended
from trainables.costs.quantities import write_value
from trainables.protocol import Building
from trainables.registry import adapt
from trainables.trial.repeated import one_of

if TYPE_CHECKING:
    from nas_tune.session.search_setup import SearchSetup

__all__ = ["measured_first"]

_DRAWN = 20
"""Random members of which the cheapest is measured first."""
_CHANGES = 200
"""Mutations of each descent."""
_SECONDS = 20.0
"""Seconds after which no descent goes on. What was not looked for to the end is not refused."""
_FAR = 1.5
"""The ratio to a limit from which on it is refused: the descents may miss members that are a little cheaper."""
_COUNTS = ("macs", "count", "bytes")
"""What descents lead down: multiply-accumulates, operations, and the bytes that these move."""


def measured_first(setup: SearchSetup, known: Iterable[Event] = ()) -> list[Event]:
    """Measure some of the cheapest members, and refuse limits that all of them break by far.

    Args:
        setup: of the search.
        known: events that may hold measurements on the device of this search.

    Returns:
        What was measured, and a note where that took long or the limits are tight; nothing without measured limits, or
        where a known measurement keeps them.

    Raises:
        ConfigError: no member was found that keeps a limit, or none can be measured; with the least that was found.
    """
    gate = setup.gate
    if gate is None or gate.meter is None or not gate.measured_limits:
        return []
    trainable = one_of(adapt(setup.target, setup.trainable_settings))
    if not isinstance(trainable, Building):
        return []
    for event in known:
        if isinstance(event, Measured) and event.device == gate.meter.device and _worst(event.costs, gate) <= 1:
            return []
    return _Looking(setup.space, gate, gate.meter, trainable).events()


class _Looking:
    """Looks for a member that keeps measured limits."""

    def __init__(self, space: Space, gate: Gate, meter: Meter, trainable: Building) -> None:
        from trainables.hardware.operation_counts import OperationCounter  # torch

        # A gate of its own: what is looked at here is no candidate that the search refused.
        self._space = Gate(gate.counted, gate.trainable).space(space)
        self._gate, self._meter = gate, meter
        self._counter = OperationCounter(space, {}, trainable.untrained)
        self._began = self._until = time.monotonic()
        self._is_cut = False
        self._seen: set[str] = set()
        self._error: NasTuneError | None = None

    def events(self) -> list[Event]:
        """What was measured, with notes."""
        rng = random.Random(0)
        drawn = [self._space.sample(rng) for _ in range(_DRAWN)]
        found = self._measured([min(drawn, key=self._count("macs"))])
        if found and self._least(found) <= 1:
            return [*found]
        self._until = time.monotonic() + _SECONDS
        found += self._measured([self._cheapest(drawn, name, rng) for name in _COUNTS])
        if not found:
            names = ", ".join(one.name for one in self._gate.measured_limits)
            raise ConfigError(f"limits: {names} cannot be measured here: {self._error}") from self._error
        return [*found, *self._judged(found)]

    def _judged(self, found: list[Measured]) -> list[Event]:
        best = self._least(found)
        looked = f"{len(self._seen)} architectures were counted in {time.monotonic() - self._began:.1f} s"
        if best <= 1:
            return [Noted(-1, f"limits: random architectures break a measured one, cheap ones keep all; {looked}")]
        lines = []
        for one in self._gate.measured_limits:
            values = [event.costs[one.name] for event in found]
            nearest = min(values, key=one.ratio)
            if not one.holds(nearest):
                extreme = "least" if one.sense == "<=" else "greatest"
                lines.append((one, f"the {extreme} that was measured is {write_value(one.name, nearest)}"))
        if not lines:
            return [Noted(-1, f"limits: none of {len(found)} cheap architectures keeps all of them together; {looked}")]
        told = "; ".join(f"limits.{one.name}: {said}, and the limit is {one.text}" for one, said in lines)
        of = f"of the {len(found)} cheapest ones that were found; {looked}"
        if best <= _FAR or self._is_cut:
            cut = f"; there was no time to look further, {_SECONDS:g} s" if self._is_cut else ""
            return [Noted(-1, f"{told} ({of}{cut}): the search may end without a trial")]
        raise ConfigError(f"{told} ({of}); change the limit, the device or the settings of the networks")

    def _least(self, found: Iterable[Measured]) -> float:
        return min(_worst(event.costs, self._gate) for event in found)

    def _measured(self, wanted: Iterable[Architecture]) -> list[Measured]:
        """Each architecture measured, without those that cannot be."""
        found = []
        for one in {made.to_json(): made for made in wanted}.values():
            try:
                (costs,) = self._meter.measured([one])
            except NasTuneError as error:
                self._error = error
                continue
            found.append(Measured(one.id, one.tree, dict(costs), self._meter.device))
        return found

    def _cheapest(self, drawn: list[Architecture], name: str, rng: random.Random) -> Architecture:
        """The end of a descent from the cheapest of the drawn."""
        count = self._count(name)
        start = min(drawn, key=count)

        def excess(architecture: Architecture) -> float:
            # Above 1, since a descent ends there. What comes when the time is over is not taken.
            if time.monotonic() > self._until:
                self._is_cut = True
                return float("inf")
            return 2 + count(architecture)

        try:
            return descended(self._space, start, excess, rng, _CHANGES)[0]
        except NoMemberError:
            return start  # the only member

    def _count(self, name: str) -> Callable[[Architecture], float]:
        def count(architecture: Architecture) -> float:
            self._seen.add(architecture.id)
            try:
                live = self._counter.counts(architecture).live
            except NasTuneError:
                return float("inf")  # its network cannot be built
            return float(live.values[live.names.index(name)])

        return count


def _worst(costs: Mapping[str, float], gate: Gate) -> float:
    """The greatest ratio of a measured cost to its limit; infinite where one is missing."""
    limits: tuple[Limit, ...] = gate.measured_limits
    return max(one.ratio(costs[one.name]) if one.name in costs else float("inf") for one in limits)
