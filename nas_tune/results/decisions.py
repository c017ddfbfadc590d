"""What trials decided, by the space alone: no code of the space's class or rules is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nas_tune.ledger import TrialRecord
from search_spaces import Space, SpaceError

__all__ = ["Decisions", "bare_space"]


class Decisions:
    """The active parameters of the trials of one run; worked out once for an architecture.

    Args:
        spec: of the space; None, or one that this version cannot read, leaves every trial without parameters.
    """

    def __init__(self, spec: Mapping[str, Any] | None) -> None:
        self.space = bare_space(spec)
        self._known: dict[tuple[int, str | None], dict[str, Any]] = {}

    def of(self, trial: TrialRecord) -> dict[str, Any]:
        """By dotted name; empty where the trial has found no architecture yet."""
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
    """The space without its class and rules: they decide nothing here, and are somebody's code to import."""
    try:
        return Space.from_spec({**(spec or {}), "type": None, "valid": None, "canonical": None})
    except SpaceError:
        return None
