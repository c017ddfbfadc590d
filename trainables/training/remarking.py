"""What a meter may notice beside its numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

__all__ = ["Remarking"]


@runtime_checkable
class Remarking(Protocol):
    """A meter that notices what a number does not say, such as a class that is never predicted."""

    def remarks(self) -> Sequence[str]:
        """Return what was noticed in everything that was added.

        Returns:
            One line for each remark.
        """
