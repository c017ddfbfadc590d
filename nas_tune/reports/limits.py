"""The limits of a run on its page: whether the best trial keeps them, what each rung refused, what was predicted."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import pandas as pd

from nas_tune.objectives.limits import Limit
from nas_tune.results import Run
from nas_tune.results.space import run_space
from nas_tune.results.tables import DEVICE, PREDICTED
from search_spaces.notation import writer
from trainables.costs.quantities import write_value

__all__ = ["RUNGS", "Limits", "limits_of_run", "refused_in_words"]

RUNGS = {
    "connected": "the output depends on the input",
    "counted": "the costs that need no device",
    "predicted": "the costs as a model predicts them",
    "measured": "the costs on the device",
}
"""The rungs of the gate in their order of dearness, and what each tests."""
_DIGITS, _MOST_DIGITS = 5, 17
"""More digits for a value and a bound that would have the same text; with the most, any two numbers differ."""
_EXAMPLES = 8
_PAIRS = 10


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit on the page.

    Attributes:
        name: of the quantity or metric.
        bound: the comparison, such as "<= 50 M".
        value: of the best trial; empty where it has none.
        kept: whether the best trial keeps it; None where there is no best trial.
        refused: how many architectures it refused.
    """

    name: str
    bound: str
    value: str
    kept: bool | None
    refused: int


@dataclass(frozen=True, slots=True)
class Rung:
    """A rung of the gate.

    Attributes:
        name: such as "counted".
        about: what it tests.
        refused: how many architectures it refused.
        share: of all refused ones, from 0 to 1.
    """

    name: str
    about: str
    refused: int
    share: float


@dataclass(frozen=True, slots=True)
class Example:
    """A refused architecture.

    Attributes:
        rung: the rung that refused it.
        why: the value beside the bound, such as "macs 60 M > 50 M".
        proposed: whether the strategy proposed it; else it was a candidate for a proposal.
        text: the architecture as text.
    """

    rung: str
    why: str
    proposed: bool
    text: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A cost that was predicted and measured.

    Attributes:
        trial: the number of the trial.
        quantity: the name of the cost.
        predicted, measured: the values with their units.
        error: by which share the prediction is off, such as "-20 %".
    """

    trial: int
    quantity: str
    predicted: str
    measured: str
    error: str


@dataclass(frozen=True, slots=True)
class Limits:
    """The section of the page.

    Attributes:
        best: the number of the best trial; None without one.
        bounds: the limits, in the order of the configuration.
        rungs: those of the gate that refused something, from cheap to dear.
        refused: how many architectures were refused.
        examples: a few of them, of every cause.
        pairs: the last trials with a predicted and a measured cost.
        errors: the median error of the predictions, such as "latency 5.2 % (12 trials on DEVICE)".
        audited: how many architectures were measured although a prediction refused them.
        wrongly_refused: how many of these keep the limit.
    """

    best: int | None
    bounds: Sequence[Bound]
    rungs: Sequence[Rung]
    refused: int
    examples: Sequence[Example]
    pairs: Sequence[Pair]
    errors: Sequence[str]
    audited: int = 0
    wrongly_refused: int = 0


def limits_of_run(run: Run, trials: pd.DataFrame) -> Limits | None:
    """Gather what the page says about limits.

    Args:
        run: the run.
        trials: its trials, as `Run.trials` returns them.

    Returns:
        The section; None for a run that has no limit and refused nothing.
    """
    now = run.state
    refusals = now.refused
    if not run.limits and not refusals:
        return None
    best = run.best(1)
    pairs, errors = _pairs(trials)
    return Limits(
        best=None if best.empty else int(best["trial"].iloc[0]),
        bounds=[_bound(one, best, refusals) for one in run.limits],
        rungs=_rungs(refusals),
        refused=sum(refusals.values()),
        examples=_examples(run),
        pairs=pairs,
        errors=errors,
        audited=now.audited,
        wrongly_refused=now.wrongly_refused,
    )


def refused_in_words(refusals: Mapping[tuple[str, str], int]) -> str:
    """Say what refused architectures, such as "38 by macs, 3 unconnected".

    Args:
        refusals: the number of architectures by rung and quantity.

    Returns:
        The causes, the most frequent first.
    """
    causes: dict[str, int] = defaultdict(int)
    for (_, quantity), count in refusals.items():
        causes[f"by {quantity}" if quantity else "unconnected"] += count
    ordered = sorted(causes.items(), key=lambda cause: (-cause[1], cause[0]))
    return ", ".join(f"{count:,} {cause}" for cause, count in ordered)


def _bound(limit: Limit, best: pd.DataFrame, refusals: Mapping[tuple[str, str], int]) -> Bound:
    value = _first(best, limit.name)
    return Bound(
        name=limit.name,
        bound=f"{limit.sense.replace('<=', '≤').replace('>=', '≥')} {write_value(limit.name, limit.bound)}",
        value="" if math.isnan(value) else write_value(limit.name, value),
        kept=None if best.empty else limit.holds(value),
        refused=sum(count for (_, quantity), count in refusals.items() if quantity == limit.name),
    )


def _first(best: pd.DataFrame, name: str) -> float:
    """The value in the first row; NaN where there is none."""
    if best.empty or name not in best or pd.isna(best[name].iloc[0]):
        return math.nan
    return float(best[name].iloc[0])


def _rungs(refusals: Mapping[tuple[str, str], int]) -> list[Rung]:
    total = sum(refusals.values())
    found = []
    for name in dict.fromkeys([*RUNGS, *(rung for rung, _ in refusals)]):
        count = sum(number for (rung, _), number in refusals.items() if rung == name)
        if count:
            found.append(Rung(name, RUNGS.get(name, ""), count, count / total))
    return found


def _examples(run: Run) -> list[Example]:
    """The first refused architectures of each cause in turn; those that the strategy proposed come first."""
    frame = run.refused()
    if frame.empty:
        return []
    proposed = frame["proposal"].notna()
    ordered = pd.concat([frame[proposed], frame[~proposed]])
    turn = ordered.groupby([ordered["rung"], ordered["quantity"].fillna("")], sort=False).cumcount()
    written = writer(run_space(run))
    found = []
    for row in ordered.assign(turn=turn).sort_values("turn", kind="stable").head(_EXAMPLES).to_dict("records"):
        text = written(json.loads(row["architecture"]))
        found.append(Example(row["rung"], _why(row), not pd.isna(row["proposal"]), text))
    return found


def _why(row: Mapping[Hashable, Any]) -> str:
    """The value of a refused architecture beside the bound."""
    quantity, value, bound = row["quantity"], row["value"], row["bound"]
    if pd.isna(quantity):
        return "its output ignores its input"
    if pd.isna(value) or pd.isna(bound):
        return f"{quantity} is unknown"
    texts = [write_value(quantity, one) for one in (value, bound)]
    for digits in range(_DIGITS, _MOST_DIGITS + 1):
        if texts[0] != texts[1]:
            break
        texts = [write_value(quantity, one, digits) for one in (value, bound)]
    return f"{quantity} {texts[0]} {'>' if value > bound else '<'} {texts[1]}"


def _pairs(trials: pd.DataFrame) -> tuple[list[Pair], list[str]]:
    """Trials with a predicted and a measured cost, and the median error of each quantity on each device."""
    found = []
    shares: dict[tuple[str, str], list[float]] = defaultdict(list)
    for column in map(str, trials):
        name = column.removesuffix(DEVICE)
        if name == column or f"{name}{PREDICTED}" not in trials or name not in trials:
            continue
        rows = trials[["trial", f"{name}{PREDICTED}", name, column]].dropna()
        for trial, predicted, measured, device in rows.itertuples(index=False):
            share = predicted / measured - 1 if measured else math.nan
            shares[name, device].append(abs(share))
            texts = write_value(name, predicted), write_value(name, measured)
            found.append(Pair(int(trial), name, *texts, f"{100 * share:+.1f} %"))
    errors = []
    for (name, device), own in shares.items():
        count = f"{len(own):,} trial{'' if len(own) == 1 else 's'}"
        errors.append(f"{name} {100 * median(own):.1f} % ({count} on {device})")
    return found[-_PAIRS:], errors
