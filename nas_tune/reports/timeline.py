"""Which worker was busy with which trial, and when.

The ledger knows the node of an epoch and not the slot on it: trials that overlap on a node are laid into as many
lanes as it had trials at a time, each into the first that is free, and never into more than there were workers (clocks
are set back, and messages come late). When a trial that failed before its first epoch was begun is not known: only when
it was asked for, and when it failed. It was at work since its lane was free.
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
"""Epochs of a trial with a gap of less than this share of an epoch between them are one bar."""

_SLACK = 0.02
"""Seconds by which clocks and writing may let trials of one worker overlap."""


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
    """How many trials were at work at a time, at most, in any session; None where nobody knows."""
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        changes = [
            event.changes for event, _ in ledger.events(kind=BudgetChanged.kind) if isinstance(event, BudgetChanged)
        ]
    known = [config["workers"] for config in (run.meta["config"], *changes) if "workers" in config]
    return max(known) if known and min(known) > 0 else None


def timeline(trials: pd.DataFrame, epochs: pd.DataFrame, elapsed: Elapsed, workers: int | None) -> dict[str, Any]:
    """`lanes`: a label each, the node and its slot; `bars`: [trial, lane, start, end] in seconds of the run."""
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
    return [*bars, *_silent(trials, {bar.trial for bar in bars}, {bar.node for bar in bars}, elapsed)]


def _silent(trials: pd.DataFrame, told: set[int], nodes: set[str], elapsed: Elapsed) -> list[_Bar]:
    """Trials that failed before their first epoch; their node is known where there is only one."""
    node = next(iter(nodes)) if len(nodes) == 1 else ""
    rows = zip(trials["trial"], elapsed.column(trials["started"]), elapsed.column(trials["ended"]), strict=True)
    return [
        _Bar(int(t), node, start or 0.0, end, begun=False)
        for t, start, end in rows
        if t not in told and end is not None
    ]


def _laid(bars: list[_Bar], workers: int | None) -> list[int]:
    """The slot of every bar of a node; they come in order, and begin when their slot is free."""
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
