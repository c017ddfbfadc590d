"""The metric that judges retrained networks, and whether more of it is better, which is never guessed."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

from nas_tune.config.references import current_reference, is_ours, reference_of, source_fingerprint
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode, Objective
from nas_tune.results import Run
from nas_tune.winners.retrain.origin import Origin
from search_spaces.names import did_you_mean
from trainables.metrics import TEST, metrics_of, modes_of

__all__ = ["check_asked", "objectives"]

_WAYS: dict[str, Mode] = {"max": "max", "min": "min"}
_NO_METRICS = {"trial", "epoch", "time", "seconds", "node", "state", "architecture_id"}


def check_asked(run: Run, trainable: object, metric: str | None, mode: str | None) -> None:
    """Check the metric and the mode as far as possible before any code is imported.

    Args:
        run: to retrain.
        trainable: the caller's; None for the run's.
        metric: the caller's; None for the run's.
        mode: the caller's; None for the declared one.

    Raises:
        ConfigError: the mode is neither "max" nor "min"; or the run's own trainable, which only its script has, never
            reported the metric.
    """
    if mode is not None and mode not in _WAYS:
        raise ConfigError(f"mode is {mode!r}; it is 'max' or 'min'")
    kept = run.meta["trainable"]
    if metric is None or trainable is not None or kept["registered"] or kept["reference"] is not None:
        return
    reported = _reported(run)
    if reported and metric not in reported:
        raise ConfigError(
            f"metric is {metric!r}, which no trial of {run.path} reported{did_you_mean(metric, reported)}; they "
            f"reported {', '.join(reported)}. One that only the test split has can be judged where the trainable is "
            "defined: nas_tune.retrain(run, trainable=..., metric=...)"
        )


def objectives(run: Run, origin: Origin, metric: str | None, mode: str | None) -> tuple[Objective, Objective]:
    """Choose the objectives of the retrained scores and of the search scores.

    Args:
        run: to retrain.
        origin: the trainable.
        metric: the caller's; None for the run's.
        mode: the caller's; None for the declared one.

    Returns:
        The objective of the retrained scores, on the test split if the trainable can evaluate it, and that of the
        search.

    Raises:
        ConfigError: there is no such metric, or its mode is not declared anywhere.
    """
    tests = hasattr(origin.target, "evaluate")
    name = _metric(run, origin, metric)
    known = {one.metric: one for one in run.objectives}
    if metric is not None and not tests and _is_own(run, origin):
        _check_reported(run, origin, metric)
    way = _mode(name, mode, known, origin)
    return Objective(f"{TEST}{name}" if tests else name, way), known.get(name, run.objectives[0])


def _metric(run: Run, origin: Origin, metric: str | None) -> str:
    name = metric or run.metric
    tested = [one.name for one in metrics_of(origin.target, origin.settings)] if _tests_a_task(origin) else []
    if not tested or name in tested:
        return name
    if metric is not None:
        raise ConfigError(f"metric is {metric!r}; of the test split {origin.name} has {' and '.join(tested)}")
    # Its other metrics are not of the test split, or are those of a supernet.
    return tested[0]


def _tests_a_task(origin: Origin) -> bool:
    """Whether the test is that of `Learner`: a derived class may have another one."""
    evaluate = inspect.unwrap(getattr(origin.target, "evaluate", _metric))
    return bool(evaluate.__module__ == "trainables.tasks.learner")


def _is_own(run: Run, origin: Origin) -> bool:
    """Whether the trainable has the same source as that of the run: the ledger then has the names of its metrics."""
    kept = run.meta["trainable"]
    if is_ours(origin.target):
        return current_reference(kept["reference"] or "") == reference_of(origin.target)
    return bool(code := source_fingerprint(origin.target)) and code == kept.get("fingerprint")


def _check_reported(run: Run, origin: Origin, metric: str) -> None:
    """Refuse a metric that the trainable, which has no test, never reported in the run."""
    reported = _reported(run)
    if reported and metric not in reported:
        raise ConfigError(
            f"metric is {metric!r}, which {origin.name} does not report{did_you_mean(metric, reported)}; in "
            f"{run.path} it reported {', '.join(reported)}"
        )


def _reported(run: Run) -> list[str]:
    found: list[str] = []
    for name in map(str, run.epochs()):
        if name not in _NO_METRICS and not name.startswith("arch."):
            found.append(name)
    return found


def _mode(name: str, given: str | None, known: Mapping[str, Objective], origin: Origin) -> Mode:
    said = _said(name, known, origin)
    if said is None and given is None:
        raise ConfigError(
            f"metric {name!r}: it is unknown whether more of it is better: the run optimizes {', '.join(known)}, and "
            f"{origin.name} has no `modes` that name it; say mode='max' or mode='min' (--mode)"
        )
    if said is not None and given is not None and said[0] != given:
        raise ConfigError(
            f"mode is {given!r}, but {said[1]} declares {said[0]!r} for {name!r}; leave mode out (--mode)"
        )
    return said[0] if said is not None else _WAYS[str(given)]


def _said(name: str, known: Mapping[str, Objective], origin: Origin) -> tuple[Mode, str] | None:
    """The mode of a metric, and where it is declared; None where it is not."""
    if name in known:
        return known[name].mode, "the run"
    declared = modes_of(origin.target, origin.settings)
    return (declared[name], f"{origin.name}.modes") if name in declared else None
