"""`explain`: importances, the winner's neighbours, and how the best differ."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nas_tune.analysis.evidence import Evidence, evidence, finals
from nas_tune.analysis.importance import Importance, importance
from nas_tune.analysis.neighbours import Neighbours, neighbours
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.results.architectures import space_of
from search_spaces import Space, SpaceError
from search_spaces.architecture import Scalar

__all__ = ["Explanation", "explain", "plain"]

_TOP = {"rank": "int64", "trial": "int64", "value": "float64", "distance": "float64", "changes": "object"}


@dataclass(frozen=True)
class Explanation:
    """What a run tells beyond its winner.

    Attributes:
        winner: the trial of the best architecture; None without a trial with a value.
        importance: for every objective, which decisions mattered.
        neighbours: what one change to the winner did or would do; None where that cannot be told.
        top: the best architectures, each with its distance (0 to 1) and its differences from the winner.
        shared: the decisions on which all of `top` agree.
        notes: what could not be told, and why.
    """

    winner: int | None
    importance: tuple[Importance, ...]
    neighbours: Neighbours | None
    top: pd.DataFrame
    shared: dict[str, Scalar]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain JSON-able data; what is missing is None."""
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
                "table": plain(around.table),
            },
            "top": plain(self.top),
            "shared": self.shared,
            "notes": list(self.notes),
        }


def explain(run: Run | str | Path, evaluator: str = "auto", top: int = 5) -> Explanation:
    """Which decisions mattered, what one change to the winner would do, and how the best differ.

    Args:
        evaluator: of the importance: fanova, mdi, ped_anova, or auto (see `importance`).
        top: how many of the best to set side by side.

    Raises:
        ConfigError: there is no such evaluator, or `top` is below 1.
    """
    if top < 1:
        raise ConfigError(f"top is {top}; how many of the best to compare is at least 1")
    run = Run.of(run)
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
    values = dict(zip(numbers, best["value"], strict=True))
    try:
        members = {number: run.architecture(number) for number, tree in trees if tree is not None}
        rows = [
            (rank, number, values[number], space.distance(members[numbers[0]], one), _changes(space, members, number))
            for rank, (number, one) in enumerate(members.items(), start=1)
        ]
    except SpaceError as error:
        notes.append(f"how the best differ cannot be told: {error}")
        return Explanation(numbers[0], weighed, around, _framed([]), {}, tuple(notes))
    decided = [space.params(one) for one in members.values()]
    shared = {k: v for k, v in decided[0].items() if all(other.get(k) == v for other in decided[1:])}
    return Explanation(numbers[0], weighed, around, _framed(rows), shared if len(decided) > 1 else {}, tuple(notes))


def plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as JSON has them: what is missing or not finite is None."""
    return [{str(key): _plain(value) for key, value in row.items()} for row in frame.to_dict("records")]


def _plain(value: Any) -> Any:
    if value is pd.NA or value is None:
        return None
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.item() if hasattr(value, "item") else value


def _space(run: Run) -> tuple[Space | None, list[str]]:
    """The space as a reader has it, and what that lacks."""
    space = space_of(run)
    if space is None:
        return None, ["the space of this run cannot be read here: neither neighbours nor differences can be told"]
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
        notes.append(f"the winner's neighbours cannot be told: {error}")
        return None


def _changes(space: Space, members: dict[int, Any], number: int) -> str:
    winner = next(iter(members.values()))
    return "" if members[number] is winner else space.diff(winner, members[number])


def _framed(rows: list[tuple[Any, ...]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(_TOP)).astype(_TOP)
