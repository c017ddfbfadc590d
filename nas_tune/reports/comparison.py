"""The page of compared runs: their courses, the values that are compared, and the tests of their differences."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nas_tune.analysis import Comparison
from nas_tune.analysis.course import Course
from nas_tune.reports.html import write_page
from nas_tune.reports.learning import sized
from nas_tune.reports.summary import Tile, number_text, span

__all__ = ["comparison_facts", "write_comparison"]

_SCRIPTS = ("plot.js", "comparison.js")
_POINTS = 200
"""The most points of the mean and the range of a group."""
_DOTS = 2000
"""The most values of a group that are drawn, taken evenly from all."""


def write_comparison(found: Comparison, out: str | Path) -> Path:
    """Write the page of a comparison.

    Args:
        found: the comparison.
        out: the file to write.

    Returns:
        The path of the file.

    Raises:
        RunFolderError: the file cannot be written; nothing is left behind.
    """
    path = Path(out)
    facts = comparison_facts(found)
    context = {
        "facts": facts,
        "tiles": [_tile(group, found.unit) for group in facts["groups"]],
        "runs": found.runs.to_dict("records"),
        "tests": found.tests.to_dict("records"),
        "places": {group["name"]: place for place, group in enumerate(facts["groups"])},
        "warnings": found.warnings,
        "number": number_text,
        "span": span,
    }
    write_page(path, "comparison.html", context, _SCRIPTS)
    return path


def comparison_facts(found: Comparison) -> dict[str, Any]:
    """Gather the facts that the page shows.

    Args:
        found: the comparison.

    Returns:
        Plain data for JSON. `groups` are in order, the best first. The `band` of a group with several runs has [trials,
        mean, least, most] of the best values so far; its `sample` has [value, name of the run] of what is compared,
        runs or complete trials. The `steps` of a run are [trials, seconds, best] wherever its best value changes, and
        at its end.
    """
    about = "seeds" if len(found.tests) and found.tests["about"][0] == "seeds" else "trials"
    return {
        "metric": found.metric,
        "mode": found.mode,
        "unit": found.unit,
        "trials": found.trials,
        "about": about,
        "groups": [_group(found, row, about) for row in found.groups.to_dict("records")],
        "runs": [_run(found, row) for row in found.runs.to_dict("records")],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _group(found: Comparison, row: Mapping[Any, Any], about: str) -> dict[str, Any]:
    own = found.runs[found.runs["group"] == row["group"]]
    courses = [found.courses[name] for name in own["run"]]
    if about == "seeds":
        sample = [[sized(value), name] for name, value in zip(own["run"], own["best_equal"], strict=True)]
    else:
        sample = [[sized(value), name] for name in own["run"] for value in found.courses[name].values]
    return {
        "name": row["group"],
        "runs": int(row["runs"]),
        **{key: sized(row[key]) for key in ("mean", "std", "least", "most")},
        "band": _band(courses, found.trials) if len(courses) > 1 else [],
        "sample": [point for point in sample[:: -(-len(sample) // _DOTS) or 1] if point[0] is not None],
    }


def _band(courses: list[Course], trials: int) -> list[list[float | None]]:
    """[trials, mean, least, most] of the best so far, from the first place where every run has a value."""
    found = []
    for after in range(1, trials + 1, -(-trials // _POINTS) or 1):
        values = [one.best_after(after) for one in courses]
        known = [value for value in values if value is not None]
        if len(known) == len(courses):
            found.append([after, *map(sized, (sum(known) / len(known), min(known), max(known)))])
    return found


def _run(found: Comparison, row: Mapping[Any, Any]) -> dict[str, Any]:
    one = found.courses[row["run"]]
    changes = [k for k in range(len(one.best)) if k == 0 or one.best[k] != one.best[k - 1]]
    steps = [[int(one.trials[k]), sized(one.seconds[k]), sized(one.best[k])] for k in changes]
    if steps:
        steps.append([int(row["trials"]), sized(row["seconds"]), steps[-1][2]])
    return {"name": row["run"], "group": row["group"], "steps": steps}


def _tile(group: dict[str, Any], unit: str) -> Tile:
    below = f"mean, ± {number_text(group['std'])} over {group['runs']} runs" if group["runs"] > 1 else "one run"
    return Tile(group["name"], number_text(group["mean"], unit), below)
