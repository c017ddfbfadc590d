"""Which decisions mattered: importances with intervals, and a test against chance.

The evaluator runs on bootstrap resamples of the trials (Efron 1979; of at most 150 trials each), and the spread of its
answers gives the interval. An importance is a share of what the model explains, and shares add up to 1 even where the
model explains nothing. So each decision is also tested, alone and with every other one (`nas_tune.analysis.chances`).

An inactive decision has no value, but evaluators need one. It gets a value drawn from the trials in which it was
active, so that its absence counts for its parent and not for itself. The tests use the trials in which it was active.

Decisions that a strategy always changed together cannot be separated. A decision that never varied has no importance.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nas_tune.analysis.chances import tested, title, trials_tested
from nas_tune.analysis.evaluators import EVALUATORS, Rows, importance_shares
from nas_tune.analysis.evidence import Evidence, evidence
from nas_tune.analysis.pairs import PAIRS
from nas_tune.analysis.sampling import is_sample
from nas_tune.analysis.scores import even_units
from nas_tune.errors import ConfigError
from nas_tune.results import Run
from nas_tune.results.decisions import bare_space
from search_spaces import Parameter
from search_spaces.architecture import Scalar
from search_spaces.names import did_you_mean

__all__ = ["Importance", "importance", "importances"]

_RESAMPLES = 12
_ROWS = 150
"""The most trials of a resample. More cost time and change little."""
_FEWEST = 8
_MOST_FOR_FANOVA = 24
"""The most decisions for which "auto" is fanova, whose time grows with the number of decisions."""
_WIDE = 1.645
"""Standard deviations on each side of the mean of a 90 % interval."""
_SURE = 0.05
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
        metric: the metric of the objective.
        source: a description of the values: how many trials, after which training.
        evaluator: the name of the evaluator.
        trials: the number of trials.
        sample: whether the trials were drawn at random. If not, a model tests the decisions, more conservatively.
        tested: how many trials the tests use, the first ones of the run; 0 where nothing is tested.
        table: a row for each decision, the most important first: `importance` (shares; they add up to 1), `low` and
            `high` (a 90 % interval), `p` (of the test, corrected), `stands_out` (p below 0.05), `active` (the share of
            trials in which it is active), `values` (the number of distinct values). Empty where trials are too few.
        pairs: a row for two decisions, the lowest p first, at most 20: what they do together beyond the sum of what
            each does alone: `one`, `other`, `share` (of the variance), `p` (corrected), `stands_out`.
        selection: how early stopping selected the sample; empty where it did not.
        advice: what to keep in mind, or why the table is empty.
    """

    metric: str
    source: str
    evaluator: str
    trials: int
    sample: bool
    tested: int
    table: pd.DataFrame
    pairs: pd.DataFrame
    selection: str
    advice: str

    def facts(self) -> dict[str, Any]:
        """Convert the importances to plain data.

        Returns:
            Every attribute by its name; the rows of `table` are under "decisions".
        """
        names = ("metric", "source", "evaluator", "trials", "sample", "tested", "selection", "advice")
        frames = {"decisions": self.table.to_dict("records"), "pairs": self.pairs.to_dict("records")}
        return {**{name: getattr(self, name) for name in names}, **frames}


def importances(run: Run, evaluator: str = "auto") -> list[Importance]:
    """Compute the importances for every objective of a run.

    Args:
        run: the run.
        evaluator: fanova, mdi, ped_anova, or auto (see `importance`).

    Returns:
        An `Importance` for each objective, the leading one first.

    Raises:
        ConfigError: there is no such evaluator.
    """
    return [importance(run, evidence(run, objective), evaluator) for objective in run.objectives]


def importance(run: Run, known: Evidence, evaluator: str = "auto", seed: int = 0) -> Importance:
    """Compute how much each decision mattered; the result is the same again for the same trials.

    Args:
        run: the run.
        known: the evidence of the run about one objective.
        evaluator: fanova, mdi or ped_anova. "auto" is fanova for up to 24 decisions, and for more mdi, which is a
            little less accurate and much faster.
        seed: the seed of the resamples.

    Returns:
        The importances. `table` is empty, and `advice` says why, where trials are fewer than 8 or nothing varied.

    Raises:
        ConfigError: there is no such evaluator.
    """
    if evaluator not in (*EVALUATORS, "auto"):
        close = did_you_mean(evaluator, EVALUATORS)
        raise ConfigError(f"evaluator: {evaluator!r} is unknown{close}; known: auto, {', '.join(EVALUATORS)}")
    space = bare_space(run.meta.get("space"))
    parameters = [] if space is None else _varied(space.parameters, known.decisions)
    if evaluator == "auto":
        evaluator = "fanova" if len(parameters) <= _MOST_FOR_FANOVA else "mdi"
    sample = is_sample(run)
    reason = _too_little(known, parameters)
    if reason:
        no_pairs = pd.DataFrame([], columns=list(PAIRS)).astype(PAIRS)
        return _of(known, evaluator, sample, 0, _framed([]), no_pairs, reason)
    found = _resampled(known, parameters, evaluator, seed)
    chances, pairs = tested(known, parameters, sample=sample)
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
    count = trials_tested(known, parameters, sample=sample)
    return _of(known, evaluator, sample, count, table, pairs, _advice(table, pairs, len(known.numbers)))


def _of(
    known: Evidence,
    evaluator: str,
    sample: bool,
    count: int,
    table: pd.DataFrame,
    pairs: pd.DataFrame,
    advice: str,
) -> Importance:
    metric, trials = known.objective.metric, len(known.numbers)
    return Importance(metric, known.source, evaluator, trials, sample, count, table, pairs, known.selection, advice)


def _framed(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(_COLUMNS)).astype(_COLUMNS)
    frame["decision"] = frame["decision"].astype(object)
    return frame


def _varied(parameters: Sequence[Parameter], decisions: Sequence[Mapping[str, Scalar]]) -> list[Parameter]:
    """The parameters of which the trials have more than one value."""
    seen: dict[str, set[Scalar]] = {}
    for made in decisions:
        for name, value in made.items():
            seen.setdefault(name, set()).add(value)
    return [parameter for parameter in parameters if len(seen.get(parameter.name, ())) > 1]


def _too_little(known: Evidence, parameters: Sequence[Parameter]) -> str:
    """Why the evidence allows no importances; empty where it does."""
    count = len(known.numbers)
    if count < _FEWEST:
        return f"{known.source}: too few to say which decisions matter; at least {_FEWEST} are needed"
    if not parameters:
        return f"{known.source}: no decision varied among them"
    if len(set(known.scores)) == 1:
        return f"{known.source}: all have the same value"
    return ""


def _advice(table: pd.DataFrame, pairs: pd.DataFrame, trials: int) -> str:
    out, together = int(table["stands_out"].sum()), int(pairs["stands_out"].sum())
    said = f"{out} of {len(table)} decisions matter{'s' if out == 1 else ''} more than chance"
    if out == 0:
        alone = "by itself " if together else ""
        said = f"no decision matters {alone}more than chance explains: their order means little"
    if together:
        first = pairs.iloc[0]
        named = f"{first['one']} with {first['other']}"
        said += f"; {'1 pair acts' if together == 1 else f'{together} pairs act'} together ({named})"
    few = trials < 3 * len(table)
    return f"{said}; {trials} trials are few for {len(table)} decisions" if few else said


def _seen(name: str, parameters: Sequence[Parameter], known: Evidence) -> dict[str, Any]:
    names = [parameter.name for parameter in parameters if title(parameter) == name]
    values = []
    for made in known.decisions:
        if names[0] in made:
            values.append(tuple(made.get(one) for one in names))
    return {"active": len(values) / len(known.numbers), "values": len(set(values))}


def _resampled(known: Evidence, parameters: Sequence[Parameter], evaluator: str, seed: int) -> dict[str, list[float]]:
    """The importance of every decision, by its title, in each resample."""
    rng = random.Random(seed)
    pools: dict[str, list[Scalar]] = {}
    for parameter in parameters:
        pools[parameter.name] = [made[parameter.name] for made in known.decisions if parameter.name in made]
    found: dict[str, list[float]] = {title(parameter): [] for parameter in parameters}
    size, scores = min(len(known.numbers), _ROWS), even_units(known.scores)
    for _ in range(_RESAMPLES):
        places = rng.choices(range(len(known.numbers)), k=size)
        drawn: list[dict[str, Scalar]] = []
        for place in places:
            made = known.decisions[place]
            # An inactive decision takes a random value of those that other trials have.
            drawn.append({name: made[name] if name in made else rng.choice(pool) for name, pool in pools.items()})
        rows = Rows(parameters, drawn, scores[places].tolist())
        answer = importance_shares(evaluator, rows, rng.randrange(2**31))
        for name, total in _by_title(parameters, answer).items():
            found[name].append(total)
    return found


def _by_title(parameters: Sequence[Parameter], answer: Mapping[str, float]) -> dict[str, float]:
    """The sums of shares by title: the flags of a subset are one decision."""
    totals: dict[str, float] = {title(parameter): 0.0 for parameter in parameters}
    for parameter in parameters:
        totals[title(parameter)] += answer.get(parameter.name, 0.0)
    return totals
