"""Limits on what a run begins with: enqueued architectures and trials of other runs are judged by their counted costs.

What only a device can measure is judged later, when the architecture is proposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nas_tune.coordination.gate import Gate
from nas_tune.ledger import Event, Noted, Refused, TrialRecord
from nas_tune.objectives.limits import Limit
from search_spaces import Architecture
from trainables.costs.quantities import write_value

__all__ = ["limited_values", "refusal"]


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
    limits: Sequence[Limit], gate: Gate | None, architecture: Architecture, trial: TrialRecord
) -> Mapping[str, float]:
    """Find the limited quantities of a trial of another run.

    Args:
        limits: of this run.
        gate: of this run; it counts costs for the settings of this run.
        architecture: of the trial, bound to the space of this run.
        trial: of the other run, whose metrics count where this run limits a metric.

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
        elif one.name in reported and one.name not in dear:
            found[one.name] = reported[one.name]
    return found
