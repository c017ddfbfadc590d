"""Warm start: the values of earlier runs on the scale of this run, by a line for each earlier run.

Another data set or budget gives other values, but usually the same order. An architecture that both runs trained is a
pair: its values after the last epoch that both have reported. With three pairs or more the line is that of least
squares, with fewer a shift, and without a pair the values stay unchanged. The line never falls: a run that orders
architectures the other way round is not inverted, it counts as without information (slope 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nas_tune.ledger import Known

__all__ = ["LinearFit", "Prior", "fit_line"]

_PAIRS_FOR_A_SLOPE = 3


@dataclass(frozen=True, slots=True)
class LinearFit:
    """A line from the values of an earlier run to the values of this run.

    Attributes:
        slope: at least 0; 0 where the earlier run carries no information.
        offset: the value here for 0 there.
    """

    slope: float = 1.0
    offset: float = 0.0

    def at(self, value: float) -> float:
        """Translate a value.

        Args:
            value: in the earlier run.

        Returns:
            The value on the scale of this run.
        """
        return self.slope * value + self.offset


@dataclass(slots=True)
class _Run:
    """An earlier run: its trials by number in the study, and (trial there, number here) of those tried in both."""

    known: dict[int, Known] = field(default_factory=dict)
    met: list[tuple[Known, int]] = field(default_factory=list)
    line: LinearFit = field(default_factory=LinearFit)


class Prior:
    """The trials of earlier runs, and a line for each run."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._by_id: dict[str, list[tuple[_Run, Known]]] = {}

    def add(self, ask: int, event: Known) -> None:
        """Add a trial of an earlier run.

        Args:
            ask: its number in the study.
            event: the trial.
        """
        run = self._runs.setdefault(event.run, _Run())
        run.known[ask] = event
        self._by_id.setdefault(event.id, []).append((run, event))

    def record(self, architecture_id: str, ask: int) -> None:
        """Record that this run tries an architecture, which may be in earlier runs.

        Args:
            architecture_id: the canonical id of the architecture.
            ask: the number of the trial in the study.
        """
        for run, event in self._by_id.get(architecture_id, ()):
            run.met.append((event, ask))

    def updated_lines(
        self, curve_of: Callable[[int], Mapping[int, float]]
    ) -> Iterator[tuple[LinearFit, Mapping[int, Known]]]:
        """Fit the lines again, and give those that have changed since the last call.

        Args:
            curve_of: from the number of a trial in the study to its values so far, by epoch.

        Yields:
            A changed line, and the trials of its run by their number in the study.
        """
        for run in self._runs.values():
            pairs = []
            for event, ask in run.met:
                pair = _pair(event, curve_of(ask))
                if pair is not None:
                    pairs.append(pair)
            line = fit_line(pairs)
            if line != run.line:
                run.line = line
                yield line, run.known


def fit_line(pairs: list[tuple[float, float]]) -> LinearFit:
    """Fit the line of an earlier run.

    Args:
        pairs: (value there, value here) of architectures that both runs trained.

    Returns:
        The line of least squares from three pairs on, a shift for fewer, the identity without any. Its slope is 0 where
        the pairs fall, and 1 where all values there are equal.
    """
    if not pairs:
        return LinearFit()
    there, here = (math.fsum(values) / len(pairs) for values in zip(*pairs, strict=True))
    if len(pairs) < _PAIRS_FOR_A_SLOPE:
        return LinearFit(1.0, here - there)
    spread = math.fsum((one - there) ** 2 for one, _ in pairs)
    together = math.fsum((one - there) * (other - here) for one, other in pairs)
    slope = max(0.0, together / spread) if spread > 0 else 1.0
    return LinearFit(slope, here - slope * there)


def _pair(event: Known, curve: Mapping[int, float]) -> tuple[float, float] | None:
    """The trial's values there and here after the last epoch that both runs have reported; None without one."""
    for epoch, value in reversed(event.curve):
        if math.isfinite(curve.get(int(epoch), math.nan)):
            return value, curve[int(epoch)]
    return None
