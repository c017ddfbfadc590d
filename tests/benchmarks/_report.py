"""What the benchmarks share: timing side by side, and lines that say what was measured and what is required.

The machine is shared, so alternatives are interleaved in one run and medians are compared; ratios hold where
times do not. A missed requirement is said and is no error: a benchmark reports.
Importing this first lets a script find the checkout that it lies in, installed or not.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

__all__ = ["ROOT", "heading", "interleaved", "line", "percentile", "seconds_of"]

ROOT = Path(__file__).parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


def seconds_of(run: Callable[[], object]) -> float:
    """Wall time of a call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def interleaved(
    alternatives: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    warm_up: int = 1,
    seconds: Callable[[Callable[[], object]], float] = seconds_of,
) -> dict[str, float]:
    """Median seconds of each, one after the other, `rounds` times after `warm_up` rounds that do not count."""
    times: dict[str, list[float]] = {name: [] for name in alternatives}
    for number in range(warm_up + rounds):
        for name, run in alternatives.items():
            taken = seconds(run)
            if number >= warm_up:
                times[name].append(taken)
    return {name: median(values) for name, values in times.items()}


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of them lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def heading(text: str) -> None:
    """What the lines below it are about."""
    print(f"\n{text}")


def line(
    what: str,
    measured: float,
    unit: str,
    note: str = "",
    *,
    at_most: float | None = None,
    at_least: float | None = None,
) -> None:
    """One figure, with its requirement and whether it is kept."""
    verdict = ""
    if at_most is not None:
        verdict = f"at most {at_most:g}: {'ok' if measured <= at_most else 'MISSED'}"
    if at_least is not None:
        verdict = f"at least {at_least:g}: {'ok' if measured >= at_least else 'MISSED'}"
    print(f"  {what:52} {_figure(measured):>9} {unit:12} {verdict:22} {note}".rstrip(), flush=True)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
