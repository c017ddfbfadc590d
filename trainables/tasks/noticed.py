"""Which remarks of the evaluations of a training are worth a note: those that stay, each once."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Noticed"]


class Noticed:
    """Tells remarks of one training. What two evaluations in a row remark, or the last one, is told once."""

    def __init__(self) -> None:
        self._before: set[str] = set()
        self._told: set[str] = set()

    def new(self, remarks: Sequence[str], *, is_last: bool) -> list[str]:
        """Add the remarks of the evaluation after an epoch.

        Args:
            remarks: of it.
            is_last: whether it is the last epoch.

        Returns:
            Those to tell now.
        """
        found = [one for one in remarks if one not in self._told and (is_last or one in self._before)]
        self._before = set(remarks)
        self._told.update(found)
        return found
