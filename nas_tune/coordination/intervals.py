"""The check of reported metrics against the intervals that their declarations give."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from trainables.metrics import Metric, declaration_of

__all__ = ["Intervals"]


class Intervals:
    """Finds values that cannot be.

    An objective with such a value would win, or lose, by a mistake: its trial fails. Another metric decides nothing, so
    that it is noted once and the trial goes on.

    Args:
        declared: the declarations; a metric without one has any value.
        objectives: the names of the metrics that are optimized.
    """

    def __init__(self, declared: Sequence[Metric], objectives: Collection[str]) -> None:
        self._declared, self._objectives = declared, objectives
        self._noted: set[str] = set()

    def failure(self, metrics: Mapping[str, float]) -> str:
        """Check the objectives of a report.

        Args:
            metrics: the values by name.

        Returns:
            What is wrong with the first one outside of its interval; empty where there is none.
        """
        found = (self._problem(name, metrics[name]) for name in self._objectives if name in metrics)
        return next(filter(None, found), "")

    def notes(self, metrics: Mapping[str, float]) -> list[str]:
        """Check the other metrics of a report.

        Args:
            metrics: the values by name.

        Returns:
            What is wrong with each one outside of its interval that was not returned before.
        """
        found = []
        for name in metrics.keys() - self._noted - set(self._objectives):
            if problem := self._problem(name, metrics[name]):
                self._noted.add(name)
                found.append(problem)
        return sorted(found)

    def _problem(self, name: str, value: float) -> str:
        one = declaration_of(name, self._declared)
        return "" if one is None else one.problem(value)
