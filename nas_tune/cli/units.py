"""The units of the metrics of a run that a command begins: they stand in its ledger, which its first event finds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from nas_tune.errors import NasTuneError

if TYPE_CHECKING:
    from trainables.metrics import Metric

__all__ = ["RunUnits", "no_unit"]


def no_unit(name: str) -> str:
    """Look up no unit, where none is known.

    Args:
        name: the name of a metric.

    Returns:
        An empty text.
    """
    return ""


class RunUnits:
    """Looks up the unit of a metric, as `Run.unit` does, in a run that may not have begun. Several threads may call it.

    Args:
        folder: a function that returns the folder of the run; None as long as there is none.
    """

    def __init__(self, folder: Callable[[], Path | None]) -> None:
        self._folder = folder
        self._metrics: tuple[Metric, ...] | None = None

    def __call__(self, name: str) -> str:
        from trainables.metrics import declaration_of

        if self._metrics is None:
            self._metrics = self._read()
        found = declaration_of(name, self._metrics or ())
        return "" if found is None else found.unit

    def _read(self) -> tuple[Metric, ...] | None:
        """The declarations; None where the ledger cannot be read now, since a display must not stop a search."""
        from nas_tune.results import Run

        folder = self._folder()
        try:
            return None if folder is None else Run(folder).metrics
        except NasTuneError:
            return None
