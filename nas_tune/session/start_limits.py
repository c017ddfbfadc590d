"""Limits on what a run begins with: enqueued architectures and trials of other runs are judged by their known costs.

Known are the counted costs, and what another run has measured of the same networks on the same device. The others are
measured when the architecture is proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from nas_tune.coordination.gate import Gate
from nas_tune.ledger import Event, Measured, Noted, Refused, TrialRecord
from nas_tune.objectives.limits import Limit
from search_spaces import Architecture, ArchitectureError, Space
from trainables.costs.quantities import write_value

__all__ = ["limited_values", "measured_there", "refusal"]

_OF_NETWORKS = ("registered", "reference", "fingerprint", "held", "settings", "code")
"""What a run keeps about its trainable that decides which network an architecture is."""


def refusal(gate: Gate | None, architecture: Architecture, named: str) -> list[Event]:
    """Refuse an architecture whose counted costs break a limit.

    Args:
        gate: of the run; None without limits and costs.
        architecture: that is to be tried first.
        named: what to call it in the note, such as "enqueue[2]".

    Returns:
        The refusal, and a note with the value and the limit; empty where it may be tried.
    """
    if gate is None:
        return []
    costs = gate.costs(architecture)
    broken = [one for one in gate.counted if one.name in costs and not one.holds(costs[one.name])]
    if not broken:
        return []
    worst = max(broken, key=lambda one: one.ratio(costs[one.name]))
    values = ", ".join(f"{one.name} is {write_value(one.name, costs[one.name])}" for one in broken)
    limits = ", ".join(one.text for one in broken)
    return [
        Refused(architecture.id, architecture.tree, "counted", worst.name, costs[worst.name], worst.bound),
        Noted(-1, f"{named} is refused: {values}; the limit{'s are' if len(broken) > 1 else ' is'} {limits}"),
    ]


def limited_values(
    limits: Sequence[Limit],
    gate: Gate | None,
    architecture: Architecture,
    trial: TrialRecord,
    measured: Mapping[str, float],
) -> Mapping[str, float]:
    """Find the limited quantities of a trial of another run.

    Args:
        limits: of this run.
        gate: of this run; it counts costs for the settings of this run.
        architecture: of the trial, bound to the space of this run.
        trial: of the other run, whose metrics count where this run limits a metric.
        measured: what the other run measured of the same network on the device of this run.

    Returns:
        The values by name, as far as they are known.
    """
    if not limits:
        return {}
    counted = gate.costs(architecture) if gate is not None else {}
    reported = trial.reports[-1].metrics if trial.reports else {}
    dear = set(gate.meter.names) if gate is not None and gate.meter is not None else set()
    found = {}
    for one in limits:
        if one.name in counted:
            found[one.name] = counted[one.name]
        elif one.name in measured:
            found[one.name] = measured[one.name]
        elif one.name in reported and one.name not in dear:
            found[one.name] = reported[one.name]
    return found


def measured_there(
    events: Iterable[Event], there: Mapping[str, Any], here: Mapping[str, Any], space: Space, gate: Gate | None
) -> tuple[list[Measured], str]:
    """Find what another run has measured that holds for this run.

    That are values of members of this space, on the device of this run, of networks that the same trainable builds with
    the same settings.

    Args:
        events: of the other run.
        there: what the other run keeps about its trainable.
        here: what this run keeps about its own.
        space: of this run.
        gate: of this run; None without limits and costs.

    Returns:
        The measurements, and what to say of them; no text where the other run measured nothing on this device.
    """
    if gate is None or gate.meter is None:
        return [], ""
    names = set(gate.meter.names)
    found: list[Measured] = []
    for event in events:
        if not isinstance(event, Measured) or event.device != gate.meter.device or not names <= event.costs.keys():
            continue
        try:
            made = space.validate(event.tree)
        except ArchitectureError:
            continue
        found.append(Measured(made.id, made.tree, {name: event.costs[name] for name in gate.meter.names}, event.device))
    count = f"{len(found)} architecture{'s were' if len(found) > 1 else ' was'} measured there on this device"
    if not found:
        return [], ""
    if any(there.get(key) != here.get(key) for key in _OF_NETWORKS):
        return [], f"{count}, but its trainable or its settings are others, so that they may be other networks"
    return found, f"{count}, and {'are' if len(found) > 1 else 'is'} not measured again"
