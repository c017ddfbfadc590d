"""The tables of a run: a row a trial, a trial and epoch, or a refused architecture; with fixed types, also when empty.

The columns follow from the ledger (objectives, parameters) and from the reported metrics. No code of the space or the
trainable is imported. A metric reported as NaN reads as missing, as pandas and SQL aggregates need it; its trial has
the failure `diverged`, and its epoch has a row. Infinities stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from nas_tune.ledger import Refused, RunState, TrialRecord
from nas_tune.results.decisions import TrialParameters
from search_spaces.whole_numbers import is_whole

__all__ = ["DEVICE", "PREDICTED", "Tables"]

_TIME = pa.timestamp("us", "UTC")
_KINDS: dict[str, tuple[pa.DataType, type]] = {
    "int": (pa.int64(), int),
    "float": (pa.float64(), float),
    "categorical:int": (pa.int64(), int),
    "categorical:float": (pa.float64(), float),
    "categorical:bool": (pa.bool_(), bool),
    "categorical:str": (pa.string(), str),
}
_TRIAL: dict[str, tuple[pa.DataType, Callable[[TrialRecord], Any]]] = {
    "trial": (pa.int64(), lambda trial: trial.number),
    "state": (pa.string(), lambda trial: trial.state),
    "failure": (pa.string(), lambda trial: trial.failure),
    "value": (pa.float64(), lambda trial: trial.value),
    "epochs": (pa.int64(), lambda trial: trial.epochs),
    "seconds": (pa.float64(), lambda trial: sum(report.seconds for report in trial.reports)),
    "started": (_TIME, lambda trial: _microseconds(trial.started)),
    "ended": (_TIME, lambda trial: None if trial.ended is None else _microseconds(trial.ended)),
    "architecture_id": (pa.string(), lambda trial: trial.architecture_id),
    "architecture": (pa.string(), lambda trial: _json(trial.tree)),
    "seed": (pa.int64(), lambda trial: trial.seed),
    "lost": (pa.int64(), lambda trial: trial.lost),
    "message": (pa.string(), lambda trial: _writable(trial.message)),
    "traceback": (pa.string(), lambda trial: _writable(trial.traceback)),
}
_REFUSED: dict[str, tuple[pa.DataType, Callable[[Refused], Any]]] = {
    "proposal": (pa.int64(), lambda refused: refused.ask),
    "rung": (pa.string(), lambda refused: refused.rung),
    "quantity": (pa.string(), lambda refused: refused.quantity or None),
    "value": (pa.float64(), lambda refused: refused.value),
    "bound": (pa.float64(), lambda refused: refused.bound),
    "more": (pa.int64(), lambda refused: refused.more),
    "architecture_id": (pa.string(), lambda refused: refused.id),
    "architecture": (pa.string(), lambda refused: _json(refused.tree)),
}

PREDICTED, DEVICE = "_predicted", "_device"
"""What follows the name of a cost in the columns of its predicted value and of the device that measured it."""
_SIZE, _SUPERNET = "parameters", "supernet_parameters"


class Tables:
    """Builds the tables of one run from its state.

    Args:
        metrics: those that are optimized; their columns are there even before the first report.
        parameters: (name, kind) for every flat parameter of the space, in its order.
        space: the spec of the space; None, or one that this version cannot read, leaves `arch.*` empty.
    """

    def __init__(
        self, metrics: Sequence[str], parameters: Sequence[Sequence[str]], space: Mapping[str, Any] | None
    ) -> None:
        self._optimized = metrics
        self._parameters = [(name, *_KINDS.get(kind, _KINDS["categorical:str"])) for name, kind in parameters]
        self._decisions = TrialParameters(space)

    def trials(self, state: RunState) -> pa.Table:
        """Build the table with a row a trial, in the order of their numbers.

        Args:
            state: of the run.

        Returns:
            The columns of `Run.trials`; metrics are those of the trial's last epoch, or a cost of the same name.
        """
        trials = list(state.trials.values())
        columns = {}
        for name, (kind, read) in _TRIAL.items():
            columns[name] = pa.array(map(read, trials), type=kind)
        if any(trial.found_id and not trial.searches for trial in trials):
            columns["found_id"] = pa.array([trial.found_id for trial in trials], type=pa.string())
            columns["found"] = pa.array([_json(trial.found) for trial in trials], type=pa.string())
        if any(trial.attempts > 1 for trial in trials):
            columns["attempts"] = pa.array([trial.attempts for trial in trials], type=pa.int64())
        metrics = self._metrics(state, [trial.values for trial in trials])
        return pa.table({**columns, **metrics, **_costs(trials, metrics), **self._arch(trials)})

    def epochs(self, state: RunState) -> pa.Table:
        """Build the table with a row a trial and epoch.

        Args:
            state: of the run.

        Returns:
            The columns of `Run.epochs`; each row has the trial's present state and its architecture.
        """
        trials = list(state.trials.values())
        reports = [report for trial in trials for report in trial.reports]
        rows: list[int] = []
        for number, trial in enumerate(trials):
            rows.extend([number] * len(trial.reports))
        row = pa.array(rows, type=pa.int64())
        columns = {
            "trial": pa.array([trial.number for trial in trials], type=pa.int64()).take(row),
            "epoch": pa.array([report.epoch for report in reports], type=pa.int64()),
            "time": pa.array([_microseconds(report.time) for report in reports], type=_TIME),
            "seconds": pa.array([report.seconds for report in reports], type=pa.float64()),
            "node": pa.array([report.node for report in reports], type=pa.string()),
            "state": pa.array([trial.state for trial in trials], type=pa.string()).take(row),
            **self._metrics(state, [report.metrics for report in reports]),
            "architecture_id": pa.array([t.architecture_id for t in trials], type=pa.string()).take(row),
        }
        arch = self._arch(trials)
        return pa.table({**columns, **{name: column.take(row) for name, column in arch.items()}})

    def refused(self, state: RunState) -> pa.Table:
        """Build the table with a row an architecture that a limit refused, in the order of the ledger.

        Args:
            state: of the run.

        Returns:
            The columns of `Run.refused`.
        """
        columns = {}
        for name, (kind, read) in _REFUSED.items():
            columns[name] = pa.array(map(read, state.refused), type=kind)
        return pa.table(columns)

    def _metrics(self, state: RunState, reported: Sequence[Mapping[str, float]]) -> dict[str, pa.Array]:
        # Nearly all reports have the same names: the set keeps each combination once.
        together = {tuple(report.metrics) for trial in state.trials.values() for report in trial.reports}
        names = set(self._optimized).union(*together)
        searches = any(trial.searches for trial in state.trials.values())
        if searches and _SIZE in names and _SUPERNET not in names and _SIZE not in self._optimized:
            # Older versions reported the supernet's size as `parameters`, the name for the size of the found network.
            reported = [_renamed(one) for one in reported]
            names = names - {_SIZE} | {_SUPERNET}
        columns = {name: [_float(metrics.get(name)) for metrics in reported] for name in sorted(names)}
        return {name: pa.array(column, pa.float64(), from_pandas=True) for name, column in columns.items()}

    def _arch(self, trials: Iterable[TrialRecord]) -> dict[str, pa.Array]:
        rows = [self._decisions.of(trial) for trial in trials]
        found: dict[str, pa.Array] = {}
        for name, kind, plain in self._parameters:
            found[f"arch.{name}"] = pa.array([_typed(row.get(name), plain) for row in rows], type=kind)
        return found


def _costs(trials: Sequence[TrialRecord], reported: Collection[str]) -> dict[str, pa.Array]:
    """The costs that were found before the trainings, as far as no report has them; then how they were found."""
    found: dict[str, pa.Array] = {}
    for name in sorted({name for trial in trials for name in trial.costs} - set(reported)):
        found[name] = pa.array([_float(trial.costs.get(name)) for trial in trials], pa.float64())
    for name in sorted({name for trial in trials for name in trial.predicted}):
        found[f"{name}{PREDICTED}"] = pa.array([_float(trial.predicted.get(name)) for trial in trials], pa.float64())
    for name in sorted({name for trial in trials for name in trial.devices}):
        found[f"{name}{DEVICE}"] = pa.array([trial.devices.get(name) for trial in trials], pa.string())
    return {name: column for name, column in found.items() if name not in reported}


def _renamed(metrics: Mapping[str, float]) -> dict[str, float]:
    return {_SUPERNET if name == _SIZE else name: value for name, value in metrics.items()}


def _json(tree: Any) -> str | None:
    return None if tree is None else json.dumps(tree, separators=(",", ":"))


def _microseconds(seconds: float) -> int:
    return round(seconds * 1e6)


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _typed(value: Any, plain: type) -> Any:
    """The value as its column's type; None for a value that the type cannot hold."""
    if is_whole(value):
        fits = plain is str or plain is float or (plain is int and -(2**63) <= value < 2**63)
        return plain(value) if fits else None
    if plain is str:
        return None if value is None else _writable(str(value))
    return value if type(value) is plain else None


def _writable(text: str | None) -> str | None:
    """The text without lone surrogates, which no column can hold: one message would break the whole table."""
    return None if text is None else text.encode(errors="backslashreplace").decode()
