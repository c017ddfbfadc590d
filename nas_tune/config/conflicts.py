"""The problems with keys of a configuration that exclude one another, or need one another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from pydantic import BaseModel

from nas_tune.config.problems import shown
from search_spaces.names import did_you_mean
from trainables.metrics import ACCURACY, COSTS, CROSS_ENTROPY, discrete, with_training

__all__ = ["conflicts", "misspelt_metrics"]

_BUDGET = ("max_trials", "max_seconds")


def conflicts(values: Mapping[str, object], keys: Collection[str]) -> Iterator[str]:
    """Find the problems with combinations of keys, also where single keys have problems.

    Args:
        values: the values by key, as they are given.
        keys: the keys of a configuration.

    Returns:
        One line for each problem.
    """
    budget = [key for key in _BUDGET if values.get(key) is not None]
    forever = values.get("forever") is True
    misspelt = any(did_you_mean(key, _BUDGET) for key in values if key not in keys)
    if not budget and not forever and not misspelt:
        yield (
            f"max_trials: no budget: neither max_trials nor max_seconds is set{_strayed(values, _BUDGET)}; "
            "set one of them, or forever = true (--forever) to search until stopped"
        )
    if budget and forever:
        yield f"forever: true contradicts {' and '.join(budget)}; remove one of them"
    if "space" not in values and (stray := _strayed(values, ("space",))):
        yield f"space: not set{stray}"
    yield from _batch_conflicts(values)
    if values.get("executor") in ("inline", "simulated"):
        yield from _local_conflicts(values, str(values["executor"]))
    yield from _group_conflicts(values)
    yield from _unpaired(values.get("metric", ACCURACY.name), values.get("mode"))


def _unpaired(metric: object, mode: object) -> Iterator[str]:
    """The problem with a list of modes that has not one mode for each metric."""
    metrics, modes = (list(given) if isinstance(given, list | tuple) else [given] for given in (metric, mode))
    if modes and metrics and len(modes) != len(metrics) and not isinstance(mode, str | None):
        many = ", ".join(map(str, metrics))
        yield f"mode: got {len(modes)} for {len(metrics)} ({many}); give one for each metric, or one for all: 'max'"


def misspelt_metrics(metric: object) -> Iterator[str]:
    """Find the metrics without a mode whose names are nearly those of known metrics.

    Args:
        metric: the name of a metric, or a list of names.

    Returns:
        One line for each.
    """
    known = [*(one.name for one in (*with_training([ACCURACY, CROSS_ENTROPY]), discrete(ACCURACY))), *COSTS]
    for name in [metric] if isinstance(metric, str) else metric if isinstance(metric, list | tuple) else []:
        hint = did_you_mean(name, known) if isinstance(name, str) and name not in known else ""
        if hint:
            yield f"metric: got {name!r}{hint} For a metric of your own say its mode: mode = 'max' or 'min'"


def _batch_conflicts(values: Mapping[str, object]) -> Iterator[str]:
    batch, workers = values.get("batch"), values.get("workers", 1)
    if values.get("deterministic") is not True:
        if batch is not None:
            yield f"batch: got {shown(batch)}, but only a deterministic search has batches; set deterministic = true"
        return
    if values.get("max_trials") is None:
        yield "deterministic: needs max_trials: every other end of a search depends on how fast it is"
    if values.get("max_seconds") is not None:
        yield (
            "deterministic: max_seconds contradicts it, because the speed of the machine would decide the end; remove "
            "one of them"
        )
    if isinstance(workers, int) and isinstance(batch, int) and workers > batch > 0:
        yield f"workers: got {workers}, more than a batch has trials; set batch = {workers} or more, or fewer workers"


def _local_conflicts(values: Mapping[str, object], executor: str) -> Iterator[str]:
    workers = values.get("workers", 1)
    if executor == "inline" and isinstance(workers, int) and workers > 1:
        yield f"workers: got {workers}, but the inline executor runs one at a time; use executor = 'ray'"
    if executor == "simulated" and workers == -1:
        yield "workers: got -1, but nothing bounds simulated workers; say how many"
    if values.get("address") is not None:
        yield f"address: the {executor} executor uses no cluster; remove the address, or use executor = 'ray'"


def _group_conflicts(values: Mapping[str, object]) -> Iterator[str]:
    """The problems with keys that exclude several devices for one trial."""
    given = values.get("resources")
    given = given.model_dump() if isinstance(given, BaseModel) else given
    devices = given.get("devices", 1) if isinstance(given, Mapping) else 1
    if not isinstance(given, Mapping) or not isinstance(devices, int) or devices < 2:
        return
    executor, workers, gpus = values.get("executor", "ray"), values.get("workers", 1), given.get("gpus", 0)
    if executor != "ray":
        yield f"resources.devices: got {devices}, but the {executor} executor has one process; use executor = 'ray'"
    if workers != 1:
        yield f"workers: got {shown(workers)}, but {devices} devices train one architecture together; set workers = 1"
    if gpus not in (0, 1):
        yield f"resources.gpus: got {shown(gpus)}, but each of {devices} devices is one whole GPU, or none; set 1 or 0"


def _strayed(values: Mapping[str, object], keys: tuple[str, ...]) -> str:
    """A hint at a key below a [table] header: in TOML it belongs to that table, however far down it is."""
    for table, content in values.items():
        for key in keys:
            if isinstance(content, Mapping) and key in content:
                return f" ({key} stands below [{table}] and belongs to it; move it above the first [table])"
    return ""
