"""Trials of the ledger as trials of Optuna.

A failed trial is FAIL, and a pruned one is PRUNED. A lost or paused trial is RUNNING, because it will go on; the
attribute `ledger_state` has its state. The values of every epoch are those of the leading objective, since Optuna has
no place for more. All other metrics of the last epoch are attributes, and so are the costs of the architecture. A trial
of a run with limits has Optuna's constraints, of which a positive one is a limit that it breaks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from nas_tune.ledger import TrialRecord
from nas_tune.objectives.limits import Limit, violation
from nas_tune.objectives.objective import Objective
from nas_tune.results.decisions import TrialParameters
from nas_tune.results.redaction import without_secrets
from nas_tune.results.tables import DEVICE, PREDICTED

__all__ = ["Translator"]

_STATES = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
_CONSTRAINTS = "constraints"
_LONGEST = 2000
"""The most characters of an error message: the page shows all of them in a row of its table."""


class Translator:
    """Turns trials of one run into trials of Optuna.

    Args:
        spec: the description of the space, as the ledger keeps it.
        objectives: the objectives of the run, the leading one first.
        written: a function that turns the tree of an architecture into text.
        limits: of the run.
    """

    def __init__(
        self,
        spec: Mapping[str, Any] | None,
        objectives: Sequence[Objective],
        written: Callable[[Any], str],
        limits: Sequence[Limit] = (),
    ) -> None:
        self._limits = tuple(limits)
        self._decisions, self._objectives, self._written = TrialParameters(spec), objectives, written
        space = self._decisions.space
        self._distributions: dict[str, BaseDistribution] = {} if space is None else space.to_optuna()

    def translated(self, trial: TrialRecord) -> FrozenTrial:
        """Translate a trial as it is now.

        Args:
            trial: the trial, as the ledger records it.

        Returns:
            The trial of Optuna. A complete trial without a value in every objective is FAIL.
        """
        params = dict(self._decisions.of(trial))
        values = self._values(trial)
        state = _STATES.get(trial.state, TrialState.RUNNING)
        if state == TrialState.COMPLETE and values is None:
            state = TrialState.FAIL  # Optuna cannot compare complete trials without values.
        return FrozenTrial(
            number=trial.number,
            trial_id=trial.number,
            state=state,
            value=None,
            values=values if state.is_finished() and state != TrialState.FAIL else None,
            datetime_start=datetime.fromtimestamp(trial.started),
            datetime_complete=datetime.fromtimestamp(trial.ended) if trial.ended is not None else None,
            params=params,
            distributions={name: self._distributions[name] for name in params},
            user_attrs=self._attributes(trial),
            system_attrs=self._constraints(trial),
            intermediate_values=self._curve(trial),
        )

    def _values(self, trial: TrialRecord) -> list[float] | None:
        """The value of the trial in every objective; None unless all are known."""
        last = trial.reports[-1].metrics if trial.reports else {}
        found = [trial.value, *(last.get(one.metric) for one in self._objectives[1:])]
        values = []
        for value in found:
            if value is not None and not math.isnan(value):
                values.append(float(value))
        return values if len(values) == len(found) else None

    def _constraints(self, trial: TrialRecord) -> dict[str, Any]:
        """By which share each limit is broken, as Optuna keeps constraints; empty without limits or before a report."""
        if not self._limits or not trial.reports:
            return {}
        return {_CONSTRAINTS: [violation(trial.values, [one]) for one in self._limits]}

    def _curve(self, trial: TrialRecord) -> dict[int, float]:
        name = self._objectives[0].metric
        return {report.epoch: float(report.metrics[name]) for report in trial.reports if name in report.metrics}

    def _attributes(self, trial: TrialRecord) -> dict[str, Any]:
        optimized = {one.metric for one in self._objectives}
        about = {
            "architecture": self._written(trial.tree) or None,
            "architecture_id": trial.architecture_id,
            "epochs": trial.epochs,
            "seconds": round(sum(report.seconds for report in trial.reports), 3),
            "node": (trial.reports[-1].node if trial.reports else "") or None,
            "ledger_state": trial.state if trial.state in ("paused", "lost") else None,
            "lost": trial.lost or None,
            "failure": trial.failure,
            "message": without_secrets(trial.message)[:_LONGEST] if trial.message else None,
        }
        metrics = {name: float(value) for name, value in trial.values.items() if name not in optimized}
        found: dict[str, Any] = {f"{name}{PREDICTED}": value for name, value in trial.predicted.items()}
        found |= {f"{name}{DEVICE}": device for name, device in trial.devices.items()}
        return {**metrics, **found, **{name: value for name, value in about.items() if value is not None}}
