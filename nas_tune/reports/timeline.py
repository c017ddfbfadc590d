"""Which worker was busy with which trial, and when.

The ledger keeps the node of an epoch, but not the worker on that node. So each trial goes into the first lane of its
node that is free, with as many lanes as the node had trials at the same time. There are never more lanes than workers,
although clocks are set back and messages arrive late. For a trial that failed before its first epoch, the ledger has
the time of the proposal and that of the failure; its bar begins when its lane becomes free.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nas_tune.ledger import BudgetChanged, Ledger
from nas_tune.reports.elapsed import Elapsed
from nas_tune.results import Run

__all__ = ["most_workers", "timeline"]

_TOGETHER = 0.35
"""Two epochs of a trial form one bar if the gap between them is a smaller share of an epoch than this."""

_SLACK = 0.02
"""Seconds by which trials of one worker may overlap, because clocks and writing are not exact."""


@dataclass(slots=True)
class _Bar:
    trial: int
    node: str
    start: float
    end: float
    begun: bool = True

    @property
    def order(self) -> float:
        return self.start if self.begun else self.end


def most_workers(run: Run) -> int | None:
    """Find the largest number of workers of any session.

    Args:
        run: the run.

    Returns:
        The number; None where a session ran as many as the resources allowed (-1), or the ledger does not say it.
    """
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        changes = []
        for event, _ in ledger.events(kind=BudgetChanged.kind):
            if isinstance(event, BudgetChanged):
                changes.append(event.changes)
    known = [config["workers"] for config in (run.meta["config"], *changes) if "workers" in config]
    return max(known) if known and min(known) > 0 else None


def timeline(trials: pd.DataFrame, epochs: pd.DataFrame, elapsed: Elapsed, workers: int | None) -> dict[str, Any]:
    """Lay the trials of a run into lanes, one for each worker.

    Args:
        trials: the trials, as `Run.trials` returns them.
        epochs: the epochs, as `Run.epochs` returns them.
        elapsed: the clock of the run.
        workers: the most lanes of a node; None for no limit.

    Returns:
        `lanes`: the label of each lane, its node and slot. `bars`: [trial, lane, start, end], in seconds of the run.
    """
    bars = _bars(trials, epochs, elapsed)
    by_node: dict[str, list[_Bar]] = defaultdict(list)
    for bar in sorted(bars, key=lambda bar: (bar.order, bar.trial)):
        by_node[bar.node].append(bar)
    lanes: list[str] = []
    placed: list[list[float]] = []
    for node in sorted(by_node):
        first, slots = len(lanes), _laid(by_node[node], workers)
        count = max(slots) + 1
        lanes += [f"{node or 'worker'}{f' #{slot + 1}' if count > 1 else ''}" for slot in range(count)]
        for bar, slot in zip(by_node[node], slots, strict=True):
            placed.append([bar.trial, first + slot, round(bar.start, 3), round(bar.end, 3)])
    return {"lanes": lanes, "bars": placed}


def _bars(trials: pd.DataFrame, epochs: pd.DataFrame, elapsed: Elapsed) -> list[_Bar]:
    bars: list[_Bar] = []
    rows = zip(
        epochs["trial"], epochs["node"].fillna(""), elapsed.column(epochs["time"]), epochs["seconds"], strict=True
    )
    for trial, node, end, seconds in rows:
        length = 0.0 if pd.isna(seconds) else float(seconds)
        start = max(0.0, (end or 0.0) - length)
        last = bars[-1] if bars else None
        if last and last.trial == trial and last.node == node and start - last.end <= _TOGETHER * max(length, _SLACK):
            last.end = max(last.end, end or 0.0)
        else:
            bars.append(_Bar(int(trial), str(node), start, end or start))
    return [*bars, *_without_epochs(trials, {bar.trial for bar in bars}, {bar.node for bar in bars}, elapsed)]


def _without_epochs(trials: pd.DataFrame, shown: set[int], nodes: set[str], elapsed: Elapsed) -> list[_Bar]:
    """The bars of trials that ended without an epoch; their node is known where the run has only one."""
    node = next(iter(nodes)) if len(nodes) == 1 else ""
    rows = zip(trials["trial"], elapsed.column(trials["started"]), elapsed.column(trials["ended"]), strict=True)
    bars = []
    for trial, start, end in rows:
        if trial not in shown and end is not None:
            bars.append(_Bar(int(trial), node, start or 0.0, end, begun=False))
    return bars


def _laid(bars: list[_Bar], workers: int | None) -> list[int]:
    """The slot of every bar of a node. The bars are in order; a bar begins when its slot is free."""
    free: list[float] = []
    slots: list[int] = []
    for bar in bars:
        slack = max(_SLACK, 0.02 * (bar.end - bar.start))
        slot = next((index for index, end in enumerate(free) if end <= bar.order + slack), len(free))
        if slot == workers:
            slot = free.index(min(free))
        if slot < len(free):
            bar.start = min(bar.end, max(bar.start, free[slot]))
        free[slot : slot + 1] = [bar.end]
        slots.append(slot)
    return slots
