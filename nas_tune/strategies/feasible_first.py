"""Trials that break constraints, shown behind those that keep them (Deb 2000), for strategies that know no constraints.

Optuna keeps the constraints of a trial in its attribute `constraints`, where a positive number is a broken one. The
values of such a trial are replaced: by the worst value of the feasible trials, and behind that by as much as the
constraints are broken. Values keep their scale, so that models can be fitted to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from optuna.trial import FrozenTrial

from nas_tune.strategies.study_memory import CONSTRAINTS, REPORTS

__all__ = ["broken_by", "feasible_first"]

_FURTHEST = 9.0
"""The violation beyond which trials are equally bad; it bounds the scale of the values."""


def broken_by(trial: FrozenTrial) -> float:
    """Add up by how much a trial breaks its constraints.

    Args:
        trial: the trial.

    Returns:
        The sum of the positive ones; 0 for a feasible trial and one without constraints.
    """
    found = trial.system_attrs.get(CONSTRAINTS)
    return sum(value for value in found if value > 0) if found else 0.0


def feasible_first(trials: list[FrozenTrial], signs: Sequence[float]) -> list[FrozenTrial]:
    """Move the values of infeasible trials behind those of the feasible ones.

    Args:
        trials: of a study.
        signs: for each objective 1 where greater is better, else -1.

    Returns:
        The same list where all trials are feasible; else a list with copies of the infeasible ones.
    """
    broken = {place: amount for place, trial in enumerate(trials) if (amount := broken_by(trial)) > 0}
    if not broken:
        return trials
    scales = []
    for objective, sign in enumerate(signs):
        values = [value for place, trial in enumerate(trials) if place not in broken for value in _at(trial, objective)]
        worst = min((sign * value for value in values), default=0.0)
        width = max((sign * value for value in values), default=0.0) - worst
        scales.append((sign, worst, width or 1.0))
    shown = list(trials)
    for place, amount in broken.items():
        behind = 1 + min(amount, _FURTHEST)
        shown[place] = _copied(trials[place], [sign * (worst - width * behind) for sign, worst, width in scales])
    return shown


def _at(trial: FrozenTrial, objective: int) -> list[float]:
    """The finite values of a trial in one objective: the final one, and those of its reports."""
    found = [trial.values[objective]] if trial.values else []
    several = trial.user_attrs.get(REPORTS)
    if several is not None:
        found += [values[objective] for values in several.values()]
    elif objective == 0:
        found += trial.intermediate_values.values()
    return [value for value in found if math.isfinite(value)]


def _copied(trial: FrozenTrial, values: list[float]) -> FrozenTrial:
    """A trial with other values, in all its reports too."""
    attributes = trial.user_attrs
    if REPORTS in attributes:
        attributes = {**attributes, REPORTS: dict.fromkeys(attributes[REPORTS], values)}
    return FrozenTrial(
        number=trial.number,
        trial_id=trial._trial_id,
        state=trial.state,
        value=None,
        values=None if trial.values is None else values,
        datetime_start=trial.datetime_start,
        datetime_complete=trial.datetime_complete,
        params=trial.params,
        distributions=trial.distributions,
        user_attrs=attributes,
        system_attrs=trial.system_attrs,
        intermediate_values=dict.fromkeys(trial.intermediate_values, values[0]),
    )
