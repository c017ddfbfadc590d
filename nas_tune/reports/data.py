"""The facts that the page of a run shows, as plain data for JSON; a missing value is None.

This module imports neither the code of the trainable nor that of the space.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from nas_tune.analysis import importances
from nas_tune.reports.elapsed import Elapsed, session_starts
from nas_tune.reports.learning import curves, rungs_of, sized
from nas_tune.reports.timeline import most_workers, timeline
from nas_tune.results import Run
from nas_tune.results.space import run_space
from search_spaces.notation import writer
from trainables.costs.quantities import QUANTITIES
from trainables.metrics import with_training
from trainables.trial.repeated import SPREAD

__all__ = ["facts"]

_PLAIN = (
    *("trial", "state", "failure", "value", "epochs", "seconds", "started", "ended", "architecture_id"),
    *("architecture", "seed", "lost", "message", "traceback", "found", "found_id"),
)
_SUPERNET = "supernet_parameters"
_MOST_OTHERS = 3


def facts(run: Run) -> dict[str, Any]:
    """Gather the facts of a run at this moment.

    Args:
        run: the run, which may still be running.

    Returns:
        The same keys for every run, also for one without trials. `trials` has a list for every column, `curves` the
        epochs and metrics by trial, `timeline` the lanes and bars, `importance` an entry for every objective. Times are
        seconds since the start of the run, without the breaks between its sessions.
    """
    trials, epochs = run.trials(), run.epochs()
    moments = pd.concat([trials["started"], trials["ended"], epochs["time"]]).dropna()
    elapsed = Elapsed(session_starts(run), [moment.timestamp() for moment in moments])
    return {
        "name": run.config.run_name,
        "objectives": [
            {"metric": one.metric, "mode": one.mode, "unit": run.unit(one.metric)} for one in run.objectives
        ],
        "units": {one.name: one.unit for one in with_training(run.metrics) if one.unit},
        "max_epochs": int(run.config.max_epochs),
        "trials": _columns(run, trials, elapsed),
        "best": [int(number) for number in run.best(5)["trial"]],
        "front": [int(number) for number in run.pareto()["trial"]] if len(run.objectives) > 1 else [],
        "costs": [name for name in _costs(run) if name in trials and _varies(trials[name])],
        "curves": {**curves(run, epochs), "rungs": rungs_of(run)},
        "timeline": timeline(trials, epochs, elapsed, most_workers(run)),
        "importance": [one.facts() for one in importances(run)],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _columns(run: Run, trials: pd.DataFrame, elapsed: Elapsed) -> dict[str, Any]:
    written = writer(run_space(run))
    names = [one.metric for one in run.objectives]
    spread_of = {name: f"{name}{SPREAD}" for name in names if f"{name}{SPREAD}" in trials}
    within = set(run.within_limits())
    trees = [json.loads(text) if isinstance(text, str) else None for text in trials["architecture"]]
    return {
        "number": [int(number) for number in trials["trial"]],
        "state": list(trials["state"]),
        "failure": [_text(kind) for kind in trials["failure"]],
        "epochs": [int(count) for count in trials["epochs"]],
        "seconds": [sized(value) for value in trials["seconds"]],
        "started": elapsed.column(trials["started"]),
        "ended": elapsed.column(trials["ended"]),
        "values": {name: _values(trials, name, leading=name == names[0]) for name in names},
        "spreads": {name: [sized(value) for value in trials[spread_of[name]]] for name in names if name in spread_of},
        "others": {name: [sized(value) for value in trials[name]] for name in _others(run, trials, names)},
        "within": [number in within for number in trials["trial"]],
        "architecture": [written(tree) for tree in trees],
        "id": [_text(name) or "" for name in trials["architecture_id"]],
    }


def _values(trials: pd.DataFrame, name: str, *, leading: bool) -> list[float | None]:
    """The final values of a metric; before the end of a trial, and for all but the leading metric, the last ones."""
    last = [sized(value) for value in trials[name]]
    if not leading:
        return last
    final = [sized(value) for value in trials["value"]]
    return [end if end is not None else now for end, now in zip(final, last, strict=True)]


def _costs(run: Run) -> list[str]:
    """The names of costs, the limited ones first."""
    return list(dict.fromkeys([*(one.name for one in run.limits), *QUANTITIES]))


def _others(run: Run, trials: pd.DataFrame, optimized: list[str]) -> list[str]:
    """Metrics for the table beside the optimized ones: the costs of an architecture, then the rest, but no spreads."""
    metrics = []
    for name in map(str, trials):
        if name in _PLAIN or name in optimized or name.startswith("arch.") or trials[name].isna().all():
            continue
        if not is_numeric_dtype(trials[name]) or (name.endswith(SPREAD) and name.removesuffix(SPREAD) in trials):
            continue
        # The size of a supernet never varies, but without it a reader takes it for that of the network.
        if _varies(trials[name]) or name == _SUPERNET:
            metrics.append(name)
    place = {name: place for place, name in enumerate([*_costs(run), _SUPERNET])}
    return sorted(metrics, key=lambda name: (place.get(name, len(place)), name))[:_MOST_OTHERS]


def _varies(column: pd.Series[Any]) -> bool:
    return bool(column.nunique() > 1)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
