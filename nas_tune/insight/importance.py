"""Which decisions mattered: importances with intervals, and a test against chance.

The evaluator is asked again and again, each time of as many trials drawn with replacement (bootstrap; Efron 1979; of
150 where there are more): the spread of its answers gives the interval. An importance is a share of what the model
explains, and shares of nothing add up to 1, too. So each decision is also tested alone: do the trials' values differ
between its options (Kruskal and Wallis 1952; numbers in five bins), corrected for the number of decisions (Holm 1979)?

Inactive decisions have no value, and evaluators want one. They get one drawn from the trials in which the decision
was active, so that being absent earns nothing: that credit is its parent's. The test is among the active ones.

Decisions that a strategy always changed together cannot be told apart, and what never varied cannot be seen.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kruskal

from nas_tune.errors import ConfigError
from nas_tune.insight.evaluators import EVALUATORS, Rows, evaluate
from nas_tune.insight.evidence import Evidence, evidence
from nas_tune.insight.significance import holm
from nas_tune.results import Run
from nas_tune.results.decisions import bare_space
from search_spaces import Parameter
from search_spaces.architecture import Scalar
from search_spaces.names import did_you_mean

__all__ = ["Importance", "importance", "importances"]

_RESAMPLES = 12
_ROWS = 150
"""Trials of a resample, at most: more cost time, and change little."""
_FEWEST = 8
_MOST_FOR_FANOVA = 24
"""Decisions up to which the better evaluator, which costs the more the more there are, is asked."""
_WIDE = 1.645
"""Standard deviations to each side that hold 90 %."""
_SURE = 0.05
_OPTIONS, _BINS = 8, 5
_COLUMNS = {
    "decision": "string",
    "importance": "float64",
    "low": "float64",
    "high": "float64",
    "p": "float64",
    "stands_out": "bool",
    "active": "float64",
    "values": "int64",
}


@dataclass(frozen=True)
class Importance:
    """How much each decision mattered to one objective.

    Attributes:
        metric: the objective.
        source: the values it is from, in words.
        evaluator: its name.
        trials: how many.
        table: a row a decision, the most important first: `importance` (shares; they add up to 1), `low` and `high`
            (a 90 % interval), `p` (of the test, corrected) and `stands_out` (p below 0.05), `active` (share of the
            trials), `values` (distinct ones seen). Empty where nothing can be said.
        advice: what to keep in mind, or why the table is empty.
    """

    metric: str
    source: str
    evaluator: str
    trials: int
    table: pd.DataFrame
    advice: str

    def facts(self) -> dict[str, Any]:
        """The same as plain data."""
        rows = self.table.to_dict("records")
        names = ("metric", "source", "evaluator", "trials", "advice")
        return {**{name: getattr(self, name) for name in names}, "decisions": rows}


def importances(run: Run, evaluator: str = "auto") -> list[Importance]:
    """The importances for every objective of a run."""
    return [importance(run, evidence(run, objective), evaluator) for objective in run.objectives]


def importance(run: Run, known: Evidence, evaluator: str = "auto", seed: int = 0) -> Importance:
    """The importances by `evaluator`; the same again for the same trials.

    The evaluators are fanova, mdi and ped_anova; "auto" is fanova for up to 24 decisions and mdi for more, which it
    judges a little worse and much faster.

    Raises:
        ConfigError: there is no such evaluator.
    """
    if evaluator not in (*EVALUATORS, "auto"):
        close = did_you_mean(evaluator, EVALUATORS)
        raise ConfigError(f"evaluator: {evaluator!r} is none{close}; there are auto, {', '.join(EVALUATORS)}")
    space = bare_space(run.meta.get("space"))
    parameters = [] if space is None else _varied(space.parameters, known.decisions)
    if evaluator == "auto":
        evaluator = "fanova" if len(parameters) <= _MOST_FOR_FANOVA else "mdi"
    reason = _too_little(known, parameters)
    if reason:
        return _of(known, evaluator, _framed([]), reason)
    found, chances = _resampled(known, parameters, evaluator, seed), _tested(known, parameters)
    rows = []
    for name, shares in found.items():
        mean, half = float(np.mean(shares)), _WIDE * float(np.std(shares, ddof=1))
        rows.append(
            {
                "decision": name,
                "importance": mean,
                "low": max(0.0, mean - half),
                "high": min(1.0, mean + half),
                "p": chances[name],
                "stands_out": chances[name] < _SURE,
                **_seen(name, parameters, known),
            }
        )
    table = _framed(sorted(rows, key=lambda row: -float(row["importance"])))
    return _of(known, evaluator, table, _advice(table, len(known.numbers)))


def _of(known: Evidence, evaluator: str, table: pd.DataFrame, advice: str) -> Importance:
    return Importance(known.objective.metric, known.source, evaluator, len(known.numbers), table, advice)


def _framed(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    frame["decision"] = frame["decision"].astype(object)
    return frame


def _varied(parameters: Sequence[Parameter], decisions: Sequence[Mapping[str, Scalar]]) -> list[Parameter]:
    """Those of which the trials show more than one value."""
    seen: dict[str, set[Scalar]] = {}
    for made in decisions:
        for name, value in made.items():
            seen.setdefault(name, set()).add(value)
    return [parameter for parameter in parameters if len(seen.get(parameter.name, ())) > 1]


def _too_little(known: Evidence, parameters: Sequence[Parameter]) -> str:
    count = len(known.numbers)
    if count < _FEWEST:
        return f"{known.source}: too few to say which decisions matter; {_FEWEST} are the least"
    if not parameters:
        return f"{known.source}: no decision varied among them"
    if len(set(known.scores)) == 1:
        return f"{known.source}: all came to the same value"
    return ""


def _advice(table: pd.DataFrame, trials: int) -> str:
    out = int(table["stands_out"].sum())
    said = f"{out} of {len(table)} decisions matter{'s' if out == 1 else ''} more than chance"
    if out == 0:
        said = "no decision matters more than chance would let it: their order means little"
    few = trials < 3 * len(table)
    return f"{said}; {trials} trials are few for {len(table)} decisions" if few else said


def _seen(name: str, parameters: Sequence[Parameter], known: Evidence) -> dict[str, Any]:
    names = [parameter.name for parameter in parameters if _title(parameter) == name]
    values = [tuple(made.get(one) for one in names) for made in known.decisions if names[0] in made]
    return {"active": len(values) / len(known.numbers), "values": len(set(values))}


def _title(parameter: Parameter) -> str:
    """The flags of a subset are one decision."""
    return parameter.group or parameter.name


def _resampled(known: Evidence, parameters: Sequence[Parameter], evaluator: str, seed: int) -> dict[str, list[float]]:
    """The shares of every decision in each resample."""
    rng = random.Random(seed)
    pools = {p.name: [made[p.name] for made in known.decisions if p.name in made] for p in parameters}
    found: dict[str, list[float]] = {_title(p): [] for p in parameters}
    size = min(len(known.numbers), _ROWS)
    for _ in range(_RESAMPLES):
        places = rng.choices(range(len(known.numbers)), k=size)
        drawn = [_filled(known.decisions[place], pools, rng) for place in places]
        rows = Rows(parameters, drawn, [known.scores[place] for place in places])
        answer = evaluate(evaluator, rows, rng.randrange(2**31))
        for title, total in _by_title(parameters, answer).items():
            found[title].append(total)
    return found


def _tested(known: Evidence, parameters: Sequence[Parameter]) -> dict[str, float]:
    """Holm's p of every decision; of a subset that of its most telling flag, counted among all flags."""
    raw = [_p_value(known, parameter) for parameter in parameters]
    found: dict[str, float] = {}
    for parameter, p in zip(parameters, holm(raw), strict=True):
        found[_title(parameter)] = min(p, found.get(_title(parameter), 1.0))
    return found


def _p_value(known: Evidence, parameter: Parameter) -> float:
    pairs = zip(known.decisions, known.scores, strict=True)
    active = [(made[parameter.name], score) for made, score in pairs if parameter.name in made]
    values = [value for value, _ in active]
    if len(set(values)) > _OPTIONS:
        edges = np.quantile(np.array(values, dtype=float), np.linspace(0, 1, _BINS + 1)[1:-1])
        values = [int(place) for place in np.searchsorted(edges, np.array(values, dtype=float))]
    groups: dict[Scalar, list[float]] = {}
    for value, (_, score) in zip(values, active, strict=True):
        groups.setdefault(value, []).append(score)
    if len(groups) < 2 or len({score for _, score in active}) < 2:
        return 1.0
    return float(kruskal(*groups.values()).pvalue)


def _filled(made: Mapping[str, Scalar], pools: Mapping[str, Sequence[Scalar]], rng: random.Random) -> dict[str, Scalar]:
    return {name: made[name] if name in made else rng.choice(pool) for name, pool in pools.items()}


def _by_title(parameters: Sequence[Parameter], answer: Mapping[str, float]) -> dict[str, float]:
    totals: dict[str, float] = {_title(parameter): 0.0 for parameter in parameters}
    for parameter in parameters:
        totals[_title(parameter)] += answer.get(parameter.name, 0.0)
    return totals
