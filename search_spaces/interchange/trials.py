"""Optuna trials as architectures, and architectures as trials. Optuna is imported when a trial is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from search_spaces.architecture import Architecture
from search_spaces.interchange.reading import member
from search_spaces.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

__all__ = ["from_trial", "to_trial"]


class _Trial(Protocol):
    @property
    def params(self) -> Mapping[str, Any]: ...


def from_trial(space: Space, trial: _Trial) -> Architecture:
    """Read the architecture that an Optuna trial has decided, or was enqueued with.

    Args:
        space: the space.
        trial: a `FrozenTrial` or a `Trial`. Parameters that are not of the space (a learning rate, say) are ignored.

    Returns:
        The member.

    Raises:
        ArchitectureError: an active decision is missing, or its value is not allowed.
    """
    # The trial that Optuna 5 passes to an objective has no system_attrs, but it has its parameters.
    enqueued = getattr(trial, "system_attrs", {}).get("fixed_params", {})
    return member(space, {**enqueued, **trial.params}, str, "the trial")


def to_trial(space: Space, architecture: object, values: float | Sequence[float] | None = None) -> FrozenTrial:
    """Write an architecture as an Optuna trial, for `study.add_trial`.

    Args:
        space: the space.
        architecture: a member, or its tree.
        values: the objective values of a finished trial; None for a waiting trial.

    Returns:
        The trial.
    """
    from optuna.trial import TrialState, create_trial

    params = space.params(architecture)
    distributions = {name: found for name, found in space.to_optuna().items() if name in params}
    if values is None:
        fixed = {"fixed_params": params}
        return create_trial(state=TrialState.WAITING, params=params, distributions=distributions, system_attrs=fixed)
    given = [values] if isinstance(values, int | float) else list(values)
    return create_trial(values=given, params=params, distributions=distributions)
