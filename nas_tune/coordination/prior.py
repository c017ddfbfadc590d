"""The trials of earlier runs (warm start) on the scale of this one: a line for each run, through what both measured.

Another data set or budget gives other numbers, and more often than not the same order. An architecture that both
runs trained is a pair: its values after the last epoch that both have seen. From three pairs on the line is that of
least squares, before that a shift, and without any pair the values stand as they are. The line never falls: a run
that orders architectures the other way round is not turned over, it counts as saying nothing (slope 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from nas_tune.ledger import Known

__all__ = ["Line", "Prior", "fitted"]

_PAIRS_FOR_A_SLOPE = 3


@dataclass(frozen=True, slots=True)
class Line:
    """From the values of another run to those of this one."""

    slope: float = 1.0
    offset: float = 0.0

    def at(self, value: float) -> float:
        """The value here of what had `value` there."""
        return self.slope * value + self.offset


@dataclass(slots=True)
class _Run:
    """Another run: its trials by their number in the study, and (there, number here) of those that were tried here."""

    known: dict[int, Known] = field(default_factory=dict)
    met: list[tuple[Known, int]] = field(default_factory=list)
    line: Line = field(default_factory=Line)


class Prior:
    """The trials of other runs, and what was learnt of their scales."""

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        self._by_id: dict[str, list[tuple[_Run, Known]]] = {}

    def add(self, ask: int, event: Known) -> None:
        """The study's trial `ask` is this trial of another run."""
        run = self._runs.setdefault(event.run, _Run())
        run.known[ask] = event
        self._by_id.setdefault(event.id, []).append((run, event))

    def meet(self, architecture_id: str, ask: int) -> None:
        """The study's trial `ask` tries this architecture here."""
        for run, event in self._by_id.get(architecture_id, ()):
            run.met.append((event, ask))

    def news(self, curve_of: Callable[[int], Mapping[int, float]]) -> Iterator[tuple[Line, Mapping[int, Known]]]:
        """The lines that are not what they were, each with the trials of its run by number in the study.

        `curve_of` says what the study's trial of that number has reported so far, by epoch.
        """
        for run in self._runs.values():
            pairs = [pair for event, ask in run.met if (pair := _pair(event, curve_of(ask))) is not None]
            line = fitted(pairs)
            if line != run.line:
                run.line = line
                yield line, run.known


def fitted(pairs: list[tuple[float, float]]) -> Line:
    """The line through (there, here) pairs; what it says of falling or constant ones has no slope."""
    if not pairs:
        return Line()
    there, here = (math.fsum(values) / len(pairs) for values in zip(*pairs, strict=True))
    if len(pairs) < _PAIRS_FOR_A_SLOPE:
        return Line(1.0, here - there)
    spread = math.fsum((one - there) ** 2 for one, _ in pairs)
    together = math.fsum((one - there) * (other - here) for one, other in pairs)
    slope = max(0.0, together / spread) if spread > 0 else 1.0
    return Line(slope, here - slope * there)


def _pair(event: Known, curve: Mapping[int, float]) -> tuple[float, float] | None:
    """Its values there and here after the last epoch that both have seen."""
    for epoch, value in reversed(event.curve):
        if math.isfinite(curve.get(int(epoch), math.nan)):
            return value, curve[int(epoch)]
    return None
