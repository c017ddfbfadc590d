"""`explain`: importances, the neighbours of the winner, and the differences between the best architectures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from nas_tune.analysis.evidence import Evidence, evidence, finals
from nas_tune.analysis.importance import Importance, importance
from nas_tune.analysis.neighbours import Neighbours, neighbours
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.results.space import run_space
from search_spaces import Space, SpaceError
from search_spaces.architecture import Scalar
from trainables.trial.repeated import SPREAD

__all__ = ["Explanation", "explain", "plain_rows"]

_TOP = {
    "rank": "int64",
    "trial": "int64",
    "value": "float64",
    "spread": "float64",
    "distance": "float64",
    "changes": "object",
}


@dataclass(frozen=True)
class Explanation:
    """What the trials of a run show beyond its winner.

    Attributes:
        winner: the trial of the best architecture; None where no trial has a value.
        importance: which decisions mattered, for every objective.
        neighbours: what one change to the winner did or would probably do; None where it cannot be computed.
        top: a row for each of the best architectures: rank, trial, value, spread (of the value over the trainings of
            the trial; missing for one training), distance (from the winner, 0 to 1) and changes (from the winner).
        shared: the decisions on which all of `top` agree.
        notes: what could not be computed, and why.
        units: the unit of each optimized metric that has one, by its name; that of the leading one is also that of the
            values of `neighbours` and `top`.
    """

    winner: int | None
    importance: tuple[Importance, ...]
    neighbours: Neighbours | None
    top: pd.DataFrame
    shared: dict[str, Scalar]
    notes: tuple[str, ...]
    units: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Convert the explanation to plain data for JSON.

        Returns:
            Every attribute by its name. A frame is a list of rows; a missing or infinite value is None.
        """
        around = self.neighbours
        return {
            "winner": self.winner,
            "importance": [one.facts() for one in self.importance],
            "neighbours": None
            if around is None
            else {
                "winner": around.winner,
                "source": around.source,
                "model": around.model,
                "count": around.count,
                "table": plain_rows(around.table),
            },
            "top": plain_rows(self.top),
            "shared": self.shared,
            "notes": list(self.notes),
            "units": dict(self.units),
        }


def explain(run: Run | str | Path, evaluator: str = "auto", top: int = 5) -> Explanation:
    """Find which decisions mattered, what one change to the winner would do, and how the best differ.

    Args:
        run: the run, or the path of its folder.
        evaluator: the evaluator of the importance: fanova, mdi, ped_anova, or auto (see `importance`).
        top: how many of the best architectures to compare, at least 1.

    Returns:
        The explanation; its `notes` name what could not be computed.

    Raises:
        ConfigError: there is no such evaluator, or `top` is below 1.
    """
    if top < 1:
        raise ConfigError(f"top is {top}; it is the number of best architectures to compare, at least 1")
    run = Run.of(run)
    units = {one.metric: run.unit(one.metric) for one in run.objectives}
    return replace(_explained(run, evaluator, top), units={name: unit for name, unit in units.items() if unit})


def _explained(run: Run, evaluator: str, top: int) -> Explanation:
    known = [evidence(run, objective) for objective in run.objectives]
    weighed = tuple(importance(run, one, evaluator) for one in known)
    best = run.best(top)
    numbers = [int(number) for number in best["trial"]]
    if not numbers:
        note = "no trial with a value yet: there is no winner to look around"
        return Explanation(None, weighed, None, _framed([]), {}, (note,))
    space, notes = _space(run)
    if space is None:
        return Explanation(numbers[0], weighed, None, _framed([]), {}, tuple(notes))
    around = _around(run, space, numbers[0], finals(run, run.objectives[0]), notes)
    trees = [(number, run.tree(number)) for number in numbers]
    spread = f"{run.metric}{SPREAD}"
    spreads = best[spread] if spread in best else [math.nan] * len(best)
    values = dict(zip(numbers, zip(best["value"], spreads, strict=True), strict=True))
    try:
        members = {number: run.architecture(number) for number, tree in trees if tree is not None}
        rows = []
        for rank, (number, one) in enumerate(members.items(), start=1):
            changes = space.diff(members[numbers[0]], one) if rank > 1 else ""
            rows.append((rank, number, *values[number], space.distance(members[numbers[0]], one), changes))
    except SpaceError as error:
        notes.append(f"the differences between the best cannot be shown: {error}")
        return Explanation(numbers[0], weighed, around, _framed([]), {}, tuple(notes))
    decided = [space.params(one) for one in members.values()]
    shared = {}
    for k, v in decided[0].items():
        if all(other.get(k) == v for other in decided[1:]):
            shared[k] = v
    return Explanation(numbers[0], weighed, around, _framed(rows), shared if len(decided) > 1 else {}, tuple(notes))


def plain_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert the rows of a frame to plain data for JSON.

    Args:
        frame: the frame.

    Returns:
        A dictionary for each row, by column; a missing or infinite value is None.
    """
    found: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        found.append({str(key): _plain(value) for key, value in row.items()})
    return found


def _plain(value: Any) -> Any:
    if value is pd.NA or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _space(run: Run) -> tuple[Space | None, list[str]]:
    """The space as a reader can rebuild it, and notes on what it lacks."""
    space = run_space(run)
    if space is None:
        return None, ["the space of this run cannot be read here, so neighbours and differences cannot be shown"]
    if not run.left_out:
        return space, []
    code = ", ".join(run.left_out)
    return space, [
        f"the space's own code ({code}) is not imported by a reader, so some neighbours may break its rules or be the "
        "winner again (in Python: explain(open_run(path, space=...)))"
    ]


def _around(run: Run, space: Space, winner: int, known: Evidence, notes: list[str]) -> Neighbours | None:
    tree = run.tree(winner)
    if tree is None or not known.numbers:
        notes.append("the winner has no architecture that can be compared yet")
        return None
    try:
        return neighbours(run, space, space.validate(tree), winner, known)
    except SpaceError as error:
        notes.append(f"the neighbours of the winner cannot be listed: {error}")
        return None


def _framed(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_TOP)).astype(_TOP)
