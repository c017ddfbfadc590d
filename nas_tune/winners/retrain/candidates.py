"""The architectures to retrain: the best of the run's search, and random ones of the same cost."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from nas_tune.errors import ConfigError, NoUsableTrialError
from nas_tune.results import Run
from nas_tune.strategies.unseen import Unseen
from search_spaces import Architecture, NoMemberError, Space
from search_spaces.whole_numbers import is_whole

__all__ = ["Candidate", "Costing", "baselines_of", "chosen_of"]

_WITHIN = 0.1
"""The greatest relative difference in a cost between a baseline and the first chosen architecture."""

_SAMPLES = 200
_LISTED = 20


@dataclass(frozen=True)
class Candidate:
    """An architecture to retrain.

    Attributes:
        tree: the architecture as a plain JSON tree.
        kind: "chosen" by the search, or a "random" baseline.
        trial: the number of the run's trial that tried or found it; -1 for a random one.
        search_score: the trial's value of the metric of the search; None for a random one.
        complete: whether that trial was trained to the end: the score of one that was stopped early does not compare.
        parameters: the number of parameters of the network; None where the trainable cannot count them.
        costs: the limited quantities that the trainable counts, by name; None without limits.
    """

    tree: Any
    kind: Literal["chosen", "random"]
    trial: int = -1
    search_score: float | None = None
    complete: bool = True
    parameters: int | None = None
    costs: Mapping[str, float] | None = None

    def plain(self) -> dict[str, Any]:
        """Make a table of a configuration.

        Returns:
            The attributes, without those that are None; `Candidate(**plain)` is equal.
        """
        return {key: value for key, value in vars(self).items() if value is not None}

    @property
    def label(self) -> str:
        """Its name in tables: `trial 7`, `random`."""
        return f"trial {self.trial}" if self.kind == "chosen" else "random"


@runtime_checkable
class Costing(Protocol):
    """A trainable that can count what a network costs, without training it."""

    def cost(self, architecture: Architecture) -> Any:
        """Count the cost of the network of an architecture.

        Args:
            architecture: of the trainable's space.

        Returns:
            An object with `parameters`, such as a `trainables.Cost`.
        """


def chosen_of(run: Run, trial: int | None, top: int, metric: str) -> list[Candidate]:
    """Choose the architecture of a trial, or those of the best trials. Each architecture is chosen once.

    Args:
        run: with a finished trial.
        trial: its number; None for the best trials.
        top: how many architectures; with several objectives those of the front come first.
        metric: the metric whose value is the search score.

    Returns:
        The candidates, the best first.

    Raises:
        ConfigError: there is no such trial, or it has nothing to retrain; the message names those that have.
        NoUsableTrialError: no trial has a value.
    """
    if trial is not None:
        return [_of_trial(run, trial, metric)]
    if not is_whole(top, 1):
        raise ConfigError(f"top is {top!r}; the number of architectures to retrain is a whole number of at least 1")
    ranked = run.best(max(1, run.state.trials))
    ranked = ranked[ranked["architecture_id"].notna()].drop_duplicates("architecture_id").head(top)
    if ranked.empty:
        raise NoUsableTrialError(f"{run.path} has no trial with a value yet, so there is nothing to retrain")
    return [_of_row(run, row, metric) for row in ranked.to_dict("records")]


def baselines_of(
    space: Space,
    count: int,
    first: Candidate,
    known: Collection[str],
    parameters: Callable[[Architecture], int] | None,
    seed: int,
    costs: Callable[[Architecture], Mapping[str, float]] | None = None,
) -> tuple[list[Candidate], list[str]]:
    """Draw random architectures of about the same cost as the first candidate.

    Members of the space are drawn until one is within 10 % of the parameters, and of each of `first.costs`. After 200
    draws the closest is taken.

    Args:
        space: of the architectures; for a search with limits the part of it that keeps them.
        count: how many to draw.
        first: the candidate to compare with.
        known: ids of architectures that are not drawn.
        parameters: counts the parameters of an architecture; None takes members of any number.
        seed: of the draws.
        costs: counts the limited quantities of an architecture; None without limits.

    Returns:
        The baselines, and notes for the user.
    """
    rng, taken = random.Random(seed), set(known)
    found: list[Candidate] = []
    notes: list[str] = []
    if count and parameters is None:
        notes.append("the trainable cannot count parameters (cost(architecture)): the baseline is of any cost")
    for _ in range(count):
        drawn = _drawn(space, rng, taken, first, parameters, costs)
        if drawn is None:
            notes.append(f"the space has no further architecture: {len(found)} of {count} baselines")
            break
        member, made = drawn
        taken.add(member.id)
        found.append(made)
        if _apart(made, first) > _WITHIN:
            notes.append(f"no random architecture of {_SAMPLES} has the same cost: the closest has {_off(made, first)}")
    return found, notes


def _drawn(
    space: Space,
    rng: random.Random,
    taken: Collection[str],
    first: Candidate,
    parameters: Callable[[Architecture], int] | None,
    costs: Callable[[Architecture], Mapping[str, float]] | None,
) -> tuple[Architecture, Candidate] | None:
    closest: tuple[Architecture, Candidate] | None = None
    others = Unseen(space)
    for tried in range(_SAMPLES):
        member = _member(space, rng)
        if member is None:
            break
        if member.id in taken:
            # Where draws repeat themselves, as under a sparse rule, search for an unseen one at the end.
            last = tried == _SAMPLES - 1 and closest is None
            other = others.find(member, taken, rng) if last else None
            if other is None:
                continue
            member = other
        counted = parameters(member) if parameters and first.parameters is not None else None
        limited = costs(member) if costs and first.costs else None
        made = Candidate(member.tree, "random", parameters=counted, costs=limited)
        if closest is None or _apart(made, first) < _apart(closest[1], first):
            closest = member, made
        if _apart(made, first) <= _WITHIN:
            break
    return closest


def _member(space: Space, rng: random.Random) -> Architecture | None:
    """A random member; None where none was found that keeps the limits."""
    try:
        return space.sample(rng)
    except NoMemberError:
        return None


def _differences(made: Candidate, first: Candidate) -> dict[str, float]:
    """The relative differences in the parameters and in each limited quantity, by name."""
    mine, theirs = dict(made.costs or {}), dict(first.costs or {})
    if made.parameters is not None and first.parameters is not None:
        mine["parameters"], theirs["parameters"] = made.parameters, first.parameters
    return {name: (mine[name] - theirs[name]) / (abs(theirs[name]) or 1) for name in theirs if name in mine}


def _apart(made: Candidate, first: Candidate) -> float:
    return max((abs(one) for one in _differences(made, first).values()), default=0.0)


def _off(made: Candidate, first: Candidate) -> str:
    return ", ".join(f"{one:+.0%} {name}" for name, one in _differences(made, first).items() if abs(one) > _WITHIN)


def _of_trial(run: Run, trial: int, metric: str) -> Candidate:
    table = run.trials().set_index("trial", drop=False)
    usable = table[table["value"].notna() & table["architecture_id"].notna()]
    remedy = f"those that can: {_listed(list(usable['trial']))}" if len(usable) else "no trial of the run can yet"
    if trial not in table.index:
        raise ConfigError(f"there is no trial {trial!r} to retrain; {remedy}")
    row = table.loc[trial].to_dict()
    if row["state"] == "failed":
        raise ConfigError(f"trial {trial} failed ({row['failure']}: {row['message']}) and is not retrained; {remedy}")
    if trial not in usable.index:
        raise ConfigError(f"trial {trial} is {row['state']} and has no value yet; {remedy}")
    return _of_row(run, row, metric)


def _of_row(run: Run, row: Any, metric: str) -> Candidate:
    trial, score = int(row["trial"]), row[metric]
    return Candidate(run.tree(trial), "chosen", trial, float(score), row["state"] == "complete")


def _listed(numbers: Sequence[Any]) -> str:
    shown = ", ".join(str(number) for number in numbers[:_LISTED])
    return f"{shown}, and {len(numbers) - _LISTED} more" if len(numbers) > _LISTED else shown
