"""`compare`: runs side by side, and whether they differ by more than chance.

Runs that differ only in their seed, name and folder form one group. Where every group has several runs, the test
compares the best value of each run: it is about the strategies, and n is the number of seeds. Where a group has only
one run, the test compares trials: whether those of one run are on the whole better than those of the other. That
allows no conclusion about other seeds, and the text says so. It has a p-value only where the trials are independent:
drawn at random, and none stopped early. A search that learns repeats what was good, and a scheduler keeps the best
trials of each run, so two equal searches would "differ" in a quarter of the cases.

Both tests are Mann and Whitney's U (1947), corrected by Holm for the number of pairs. The best value of a run is that
of its best complete trial among as many trials as the shortest run has, so that no run wins by a larger budget.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nas_tune.analysis.course import Course, course
from nas_tune.analysis.explanation import plain_rows
from nas_tune.analysis.sampling import is_sample, stopped_early
from nas_tune.analysis.scores import deviation, mean, median
from nas_tune.analysis.significance import holm, least_p, mann_whitney
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.session.arguments import listed

__all__ = ["Comparison", "compare"]

_NOT_SEARCHED = (
    *("name", "run_dir", "seed", "executor", "address", "workers", "resources", "storage", "keep_checkpoints"),
    *("backup_seconds", "max_retries", "epoch_timeout"),
)
"""Keys that decide where a run lies and how it is computed. Runs of one group may differ in them."""
_SURE = 0.05
_REMEDY = "for a p-value run five seeds of each"


@dataclass(frozen=True)
class Comparison:
    """Runs of one metric side by side.

    Attributes:
        metric, mode: the leading objective, which all runs share.
        unit: the unit of the metric; empty where none is declared, or where the runs have different ones.
        trials: the number of trials of the shortest run; `best_equal` is the best value within this number of trials.
        runs: a row for each run: run, group, strategy, scheduler, seed, trials, complete, best, best_equal, median (of
            complete trials), epochs, seconds (from the start of the first trial to the end of the last).
        groups: a row for each group, the best first: group, runs, seeds, mean, std (of `best_equal`), least, most.
        tests: a row for each pair of groups: one, other, about ("seeds" or "trials"), n_one, n_other, difference (of
            means), wins (the chance that a value of `one` is better than one of `other`), p (corrected), least_p (the
            smallest p that n can give), differs, why_no_p (why p is missing, and the remedy; else empty).
        courses: the best value so far of each run, by the name of the run.
        warnings: reasons why the comparison may be unfair.
    """

    metric: str
    mode: str
    unit: str
    trials: int
    runs: pd.DataFrame
    groups: pd.DataFrame
    tests: pd.DataFrame
    courses: dict[str, Course]
    warnings: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Convert the comparison to plain data for JSON.

        Returns:
            Every attribute by its name. A frame is a list of rows; a missing or infinite value is None.
        """
        names = ("metric", "mode", "unit", "trials")
        frames = {name: plain_rows(getattr(self, name)) for name in ("runs", "groups", "tests")}
        curves = {
            name: {"trials": one.trials.tolist(), "seconds": one.seconds.tolist(), "best": one.best.tolist()}
            for name, one in self.courses.items()
        }
        return {
            **{name: getattr(self, name) for name in names},
            **frames,
            "courses": curves,
            "warnings": list(self.warnings),
        }


def compare(runs: Sequence[Run | str | Path]) -> Comparison:
    """Set runs side by side, by their leading objective.

    Args:
        runs: two or more runs, as `Run` objects or as paths of run folders.

    Returns:
        The comparison. It has no tests where fewer than two groups have complete trials.

    Raises:
        ConfigError: fewer than two runs are given, one is given twice, or the runs have different metrics or modes.
    """
    return _compared([Run.of(run) for run in listed("runs", runs)])


def _compared(runs: Sequence[Run]) -> Comparison:
    _check(runs)
    names = _names(runs)
    courses = {name: course(run) for name, run in zip(names, runs, strict=True)}
    shortest = min(len(run.trials()) for run in runs)
    labels = _groups(runs)
    table = pd.DataFrame(
        [_row(run, name, label, courses[name], shortest) for run, name, label in zip(runs, names, labels, strict=True)]
    )
    sign = runs[0].objectives[0].score(1.0)  # 1.0 where more is better, else -1.0
    groups = _standing(table, sign)
    tests = _tests(table, groups, courses, sign, _dependent(runs, labels))
    units = {run.unit(run.metric) for run in runs}
    return Comparison(
        metric=runs[0].metric,
        mode=runs[0].mode,
        unit=units.pop() if len(units) == 1 else "",
        trials=shortest,
        runs=table,
        groups=groups,
        tests=tests,
        courses=courses,
        warnings=tuple(_warnings(runs, names)),
    )


def _check(runs: Sequence[Run]) -> None:
    if len(runs) < 2:
        raise ConfigError(f"{len(runs)} run is given; a comparison needs at least two: name another")
    folders = [run.path.resolve() for run in runs]
    twice = next((folder for folder in folders if folders.count(folder) > 1), None)
    if twice is not None:
        raise ConfigError(f"{twice} is given twice; a run cannot be compared with itself: name it once")
    metrics = {(run.metric, run.mode): run.path.name for run in runs}
    if len(metrics) > 1:
        said = "; ".join(f"{folder} optimizes {metric} ({mode})" for (metric, mode), folder in metrics.items())
        raise ConfigError(f"runs with different metrics cannot be compared: {said}; give runs of one metric and mode")


def _names(runs: Sequence[Run]) -> list[str]:
    short = [run.path.name for run in runs]
    return [name if short.count(name) == 1 else str(run.path) for name, run in zip(short, runs, strict=True)]


def _groups(runs: Sequence[Run]) -> list[str]:
    """A label for every run, the same for those that differ in their seed only."""
    keys = [_searched(run) for run in runs]
    first = {
        key: f"{run.config.strategy.name} + {run.config.scheduler.name}" for key, run in zip(keys, runs, strict=True)
    }
    taken: dict[str, int] = {}
    labels: dict[str, str] = {}
    for key, label in first.items():
        taken[label] = taken.get(label, 0) + 1
        labels[key] = label if taken[label] == 1 else f"{label} ({taken[label]})"
    return [labels[key] for key in keys]


def _searched(run: Run) -> str:
    config = {key: value for key, value in run.config.to_dict().items() if key not in _NOT_SEARCHED}
    return json.dumps([config, run.meta.get("space_fingerprint")], sort_keys=True, default=str)


def _row(run: Run, name: str, label: str, way: Course, shortest: int) -> dict[str, Any]:
    trials = run.trials()
    last = trials["ended"].max()
    seconds = float("nan") if pd.isna(last) else (last - trials["started"].min()).total_seconds()
    best_equal = way.best_after(shortest)
    return {
        "run": name,
        "group": label,
        "strategy": run.config.strategy.name,
        "scheduler": run.config.scheduler.name,
        "seed": run.config.seed,
        "trials": len(trials),
        "complete": len(way.values),
        "best": float(way.best[-1]) if len(way.best) else float("nan"),
        "best_equal": float("nan") if best_equal is None else best_equal,
        "median": median(way.values),
        "epochs": int(trials["epochs"].sum()),
        "seconds": seconds,
    }


def _standing(table: pd.DataFrame, sign: float) -> pd.DataFrame:
    rows = []
    for label, group in table.groupby("group", sort=False):
        known = group["best_equal"].dropna().to_numpy(dtype=float)
        rows.append(
            {
                "group": label,
                "runs": len(group),
                "seeds": ", ".join(map(str, group["seed"])),
                "mean": mean(known),
                "std": deviation(known),
                "least": float(min(known, default=np.nan)),
                "most": float(max(known, default=np.nan)),
            }
        )
    return pd.DataFrame(rows).sort_values("mean", ascending=sign < 0, na_position="last").reset_index(drop=True)


def _dependent(runs: Sequence[Run], labels: Sequence[str]) -> dict[str, str]:
    """Why the trials of a group are not an independent sample, by group; independent groups are left out."""
    found: dict[str, str] = {}
    for run, label in zip(runs, labels, strict=True):
        if not is_sample(run):
            found[label] = f"the trials of {run.config.strategy.name} depend on each other"
        elif stopped_early(run):
            found[label] = f"{run.config.scheduler.name} let the best trials of each run go on"
    return found


def _tests(
    table: pd.DataFrame, groups: pd.DataFrame, courses: dict[str, Course], sign: float, dependent: Mapping[str, str]
) -> pd.DataFrame:
    names = list(groups["group"])
    about = "seeds" if (groups["runs"] > 1).all() else "trials"
    samples = {name: _sample(table[table["group"] == name], courses, about) for name in names}
    rows = []
    for one, other in combinations([name for name in names if samples[name]], 2):
        rows.append(
            _test(one, other, about, [sign * v for v in samples[one]], [sign * v for v in samples[other]], sign)
        )
    for row in rows:
        why = next((dependent[name] for name in (row["one"], row["other"]) if name in dependent), "")
        row["why_no_p"] = f"{why}; {_REMEDY}" if why and about == "trials" else ""
    known = [row for row in rows if not row["why_no_p"]]
    corrected = {id(row): p for row, p in zip(known, holm([row["p"] for row in known]), strict=True)}
    for row in rows:
        row["p"] = corrected.get(id(row), float("nan"))
        row["differs"] = row["p"] < _SURE
    columns = ["one", "other", "about", "n_one", "n_other", "difference", "wins", "p", "least_p", "differs", "why_no_p"]
    return pd.DataFrame(rows, columns=columns)


def _sample(group: pd.DataFrame, courses: dict[str, Course], about: str) -> list[float]:
    if about == "seeds":
        return [float(value) for value in group["best_equal"].dropna()]
    return [float(value) for name in group["run"] for value in courses[name].values]


def _test(one: str, other: str, about: str, mine: list[float], theirs: list[float], sign: float) -> dict[str, Any]:
    p, wins = mann_whitney(mine, theirs)
    return {
        "one": one,
        "other": other,
        "about": about,
        "n_one": len(mine),
        "n_other": len(theirs),
        "difference": sign * (mean(mine) - mean(theirs)),
        "wins": wins,
        "p": p,
        "least_p": least_p(len(mine), len(theirs)),
    }


def _warnings(runs: Sequence[Run], names: Sequence[str]) -> Iterator[str]:
    trained = [run.meta.get("trainable", {}) for run in runs]
    facts: dict[str, list[Any]] = {
        "search different spaces": [run.meta.get("space_fingerprint") for run in runs],
        "train with different trainables or settings": [
            json.dumps(one.get("settings", {}), sort_keys=True) + str(one.get("reference")) for one in trained
        ],
        "train for different numbers of epochs": [run.config.max_epochs for run in runs],
        "have different objectives beside the first": [[one.metric for one in run.objectives] for run in runs],
        "have different limits": [sorted(one.text for one in run.limits) for run in runs],
    }
    for said, values in facts.items():
        if any(value != values[0] for value in values):
            yield f"these runs {said}: a difference between them may come from that"
    units = {unit: name for name, run in zip(names, runs, strict=True) if (unit := run.unit(run.metric))}
    if len(units) > 1:
        said = ", ".join(f"{unit} ({name})" for unit, name in units.items())
        yield f"{runs[0].metric} has different units: {said}; its values do not compare"
    unfinished = [name for name, run in zip(names, runs, strict=True) if run.state.finished is None]
    if unfinished:
        yield f"not over yet: {', '.join(unfinished)}"
    empty = [name for name, run in zip(names, runs, strict=True) if not run.state.counts["complete"]]
    if empty:
        yield f"without a complete trial: {', '.join(empty)}"
    over = [name for name, run in zip(names, runs, strict=True) if run.limits and not run.within_limits()]
    if over:
        yield f"no trial keeps the limits of {', '.join(over)}: the values are of trials that break them"
