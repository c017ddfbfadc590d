"""Checks of limits before the first trial: each can be judged, and some member of the space keeps them all."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from nas_tune.coordination.gate import Gate
from nas_tune.errors import ConfigError, NasTuneError
from nas_tune.objectives.limits import Limit, limits_text, violation
from search_spaces import Architecture, NoMemberError, Space
from search_spaces.algebra.limited import descended
from search_spaces.names import did_you_mean
from trainables.costs.quantities import QUANTITIES, write_value
from trainables.metrics import COSTS, declaration_of

if TYPE_CHECKING:
    from nas_tune.session.search_setup import SearchSetup

__all__ = ["check_limits", "check_met", "limit_remarks"]

_CHANGES = 1_000
"""Mutations by which the least of a cost is looked for."""
_DRAWN = 50
"""Random members by which limits that all meet are noticed."""


def check_limits(setup: SearchSetup) -> None:
    """Refuse limits that nothing can judge, or that no member of the space was found to keep.

    Args:
        setup: of the search.

    Raises:
        ConfigError: the message has the limit, the rule, and the least value that was found.
    """
    if not setup.limits:
        return
    gate = setup.gate or setup.path_gate
    known = [one.name for one in gate.limits] if gate else []
    for one in setup.limits:
        if one.name not in known:
            _check_reported(setup, one)
    if gate is None or not gate.counted:
        return
    _check_counting(setup, gate)
    check_met(setup.space, gate)


def check_met(space: Space, gate: Gate) -> None:
    """Check that some member of a space keeps the limits on counted costs.

    Args:
        space: of the architectures.
        gate: has the limits, and counts.

    Raises:
        ConfigError: no member was found that does; the message has the limit and the least value that was found.
    """
    try:
        gate.space(space).sample(0)
    except NoMemberError as error:
        raise ConfigError(_unmet(space, gate)) from error


def limit_remarks(setup: SearchSetup) -> list[str]:
    """Say what limits leave of the space.

    Args:
        setup: of the search.

    Returns:
        A note for each limit that all of some random members keep; else how many of them keep all limits.
    """
    gate = setup.gate or setup.path_gate
    if gate is None or not gate.counted:
        return []
    rng = random.Random(0)
    drawn = [gate.costs(setup.space.sample(rng)) for _ in range(_DRAWN)]
    known = [costs for costs in drawn if costs]
    idle = [one for one in gate.counted if known and all(one.holds(costs[one.name]) for costs in known)]
    notes = [f"limit {one.text}: all of {len(known)} random architectures keep it" for one in idle]
    kept = sum(violation(costs, gate.counted) == 0 for costs in known)
    if len(idle) < len(gate.counted):
        notes.append(f"limits {limits_text(gate.counted)}: {kept} of {len(known)} random architectures keep them")
    return notes


def _check_reported(setup: SearchSetup, limit: Limit) -> None:
    """A limit that no count judges must be on a metric of the reports."""
    declared = setup.metrics
    if any(one.metric == limit.name for one in setup.objectives) or declaration_of(limit.name, declared) is not None:
        return
    name = setup.config.trainable.name
    if setup.searches and limit.name in QUANTITIES:
        raise ConfigError(
            f"limits.{limit.name}: strategy {setup.config.strategy.name} searches by itself and does not know limits "
            "on costs; take a strategy that proposes architectures (nas-tune strategies), or leave the limit out"
        )
    if limit.name in QUANTITIES and QUANTITIES[limit.name].rung == "measured":
        raise ConfigError(
            f"limits.{limit.name}: {name} neither reports nor counts it; report it as a metric, or limit macs instead"
        )
    # A trainable that only counts costs declares nothing about what it reports.
    counted = setup.gate.names if setup.gate else ()
    known = [one.name for one in declared if one.name not in counted]
    if known and limit.name not in COSTS:
        close = did_you_mean(limit.name, [*known, *QUANTITIES])
        raise ConfigError(
            f"limits.{limit.name}: {name} reports no such metric{close or ';'} a limit is on a quantity "
            f"({', '.join(QUANTITIES)}) or on a reported metric ({', '.join(known)})"
        )


def _check_counting(setup: SearchSetup, gate: Gate) -> None:
    """Count the costs of one member, so that a reason that concerns all is told before the first trial."""
    one = setup.space.sample(0)
    try:
        found = gate.trainable.costs(one, gate.names)
    except NasTuneError as error:
        names = ", ".join(limit.name for limit in gate.counted)
        raise ConfigError(f"limits: {names} cannot be counted here: {error}") from error
    missing = [name for name in gate.names if name not in found]
    if missing:
        raise ConfigError(
            f"limits: {setup.config.trainable.name} says that it counts {missing[0]!r}, but its costs() returns "
            f"{', '.join(found) or 'nothing'}; return every cost of `counts`"
        )


def _unmet(space: Space, gate: Gate) -> str:
    """Which limit no member was found to keep, with the least value found; or that they exclude one another."""
    lines = []
    for limit in gate.counted:
        made = _nearest(space, Gate([limit], gate.trainable))
        value = gate.trainable.costs(made, [limit.name])[limit.name]
        if not limit.holds(value):
            extreme = "least" if limit.sense == "<=" else "greatest"
            lines.append(
                f"limits.{limit.name}: no architecture of the space was found that keeps {limit.text}; the {extreme} "
                f"that was found is {write_value(limit.name, value)}; change the limit, or the settings of the networks"
            )
    if lines:
        return "\n".join(lines)
    return (
        f"limits: each of {limits_text(gate.counted)} can be kept alone, but no architecture was found that keeps "
        "all of them; change one"
    )


def _nearest(space: Space, gate: Gate) -> Architecture:
    """The end of a descent by mutations towards a limit."""
    rng = random.Random(0)
    start = space.sample(rng)
    try:
        return descended(space, start, gate.excess, rng, _CHANGES)[0]
    except NoMemberError:
        return start  # the only member
