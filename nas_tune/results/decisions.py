"""The parameters that trials decided, from the space's spec. The code of its class and rules is not imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_tune.ledger import TrialRecord
from search_spaces import Space, SpaceError

__all__ = ["TrialParameters", "bare_space"]


class TrialParameters:
    """The active parameters of the trials of one run, computed once for each architecture.

    Args:
        spec: of the space; with None, or a spec that this version cannot read, every trial is without parameters.
    """

    def __init__(self, spec: Mapping[str, Any] | None) -> None:
        self.space = bare_space(spec)
        self._known: dict[tuple[int, str | None], dict[str, Any]] = {}

    def of(self, trial: TrialRecord) -> dict[str, Any]:
        """Look up the active parameters of a trial.

        Args:
            trial: of the run.

        Returns:
            Values by dotted name; empty where the trial has found no architecture yet.
        """
        if trial.tree is None:
            return {}
        key = (trial.number, trial.found_id)
        if key not in self._known:
            self._known[key] = self._active(trial.tree)
        return self._known[key]

    def _active(self, tree: Any) -> dict[str, Any]:
        try:
            return {} if self.space is None else self.space.params(tree)
        except SpaceError:
            return {}


def bare_space(spec: Mapping[str, Any] | None) -> Space | None:
    """Read a space without its class and rules: they would have to be imported, and decide no parameter.

    Args:
        spec: of the space; None is read as an unreadable one.

    Returns:
        The space; None where this version cannot read the spec.
    """
    try:
        return Space.from_spec({**(spec or {}), "type": None, "valid": None, "canonical": None})
    except SpaceError:
        return None
