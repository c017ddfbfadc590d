"""What a run begins with besides its configuration: architectures to try first, and what other runs found.

Both become events of the run's ledger, so that a resume needs neither the list nor the other runs. What does not
fit is refused before anything starts, or counted in a note where that is no mistake.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any, Literal

from nas_tune.config import SearchConfig
from nas_tune.coordination.gate import Gate
from nas_tune.errors import FAILURES, ConfigError
from nas_tune.ledger import Enqueued, Event, Known, Ledger, Measured, Noted, Retried, RunState, TrialRecord, replay
from nas_tune.objectives.limits import Limit, limits_of, violation
from nas_tune.objectives.objective import Objective
from nas_tune.objectives.standings import Result, in_order
from nas_tune.session.initial_design import Design
from nas_tune.session.start_limits import limited_values, measured_there, refusal
from search_spaces import Architecture, ArchitectureError, Space
from search_spaces.names import did_you_mean

__all__ = ["enqueued", "failed_of", "first_events", "member_of", "retries"]


_OTHERS = 3


def first_events(
    config: SearchConfig,
    space: Space,
    wanted: Sequence[Any] = (),
    design: Design | None = None,
    gate: Gate | None = None,
    trainable: Mapping[str, Any] | None = None,
) -> list[Event]:
    """List the first events of a new run.

    They are the trials of the runs in `config.warm_start`, then the architectures to try first: `wanted`, then some of
    those runs, then those of `design`.

    Args:
        config: of the new run.
        space: of the new run.
        wanted: architectures, trees, or rows with an `architecture`.
        design: the initial design, if there is one.
        gate: of the new run; None without limits and costs. What breaks a limit is not tried first.
        trainable: what the new run keeps about its trainable. What another run measured of its networks is taken over.

    Returns:
        The events, notes among them.

    Raises:
        ConfigError: a wanted one is not a member of the space, or another run has no trial that helps.
        LedgerDamagedError: a folder of `config.warm_start` holds no run that can be read.
    """
    objective, *others = config.objectives
    if others and config.warm_start:
        raise ConfigError(
            f"warm_start: a warm start works with one objective, and there are {1 + len(others)} objectives; "
            "leave it out, or enqueue the best of the other run (--enqueue)"
        )
    known: list[list[Known]] = []
    notes: list[Event] = []
    measured: dict[str, Measured] = {}
    for folder in dict.fromkeys(config.warm_start):
        other = _Other(Path(folder).expanduser(), space, gate, trainable or {})
        found, note = _known(other, space, config, gate)
        known.append(found)
        notes.append(note)
        notes += [Noted(-1, f"{folder}: {other.said}")] if other.said else []
        measured |= other.measured
    first = enqueued(space, wanted, gate=gate)
    taken = {event.id for event in first if isinstance(event, Enqueued)}
    within = [_within(trials, limits_of(config.limits or {})) for trials in known]
    tried = [event for event in _tried_first(within, objective, config.warm_start_trials) if event.id not in taken]
    taken |= {event.id for event in tried}
    ranked = [made for made in design.architectures if made.id not in taken] if design else []
    notes += [Noted(-1, str(design))] if design else []
    begun = [Enqueued(made.tree, made.id) for made in ranked]
    return [*measured.values(), *chain.from_iterable(known), *notes, *first, *tried, *begun]


def enqueued(
    space: Space, wanted: Sequence[Any], state: RunState | None = None, gate: Gate | None = None
) -> list[Event]:
    """List the events by which a run tries each wanted architecture.

    An architecture whose trial has failed is tried again, as another attempt of that trial. One that has a trial, or
    occurs twice, becomes a note. One that breaks a limit is refused with a note.

    Args:
        space: of the run.
        wanted: architectures, trees, or rows with an `architecture`.
        state: of the run; None for a new one.
        gate: of the run; None without limits and costs.

    Returns:
        The events.

    Raises:
        ConfigError: one is not a member of the space; the message says its place in the list, from 0.
    """
    state = state or RunState()
    events: list[Event] = []
    failed: list[TrialRecord] = []
    seen = dict.fromkeys([*state.by_architecture, *state.queue], "a trial has tried it already")
    for place, item in enumerate(wanted):
        architecture = member_of(space, item, place)
        trial = state.trials.get(state.by_architecture.get(architecture.id, -1))
        if trial is not None and trial.state == "failed" and trial not in failed:
            failed.append(trial)
            seen[architecture.id] = f"it is enqueue[{place}] too"
            continue
        why = seen.get(architecture.id)
        seen.setdefault(architecture.id, f"it is enqueue[{place}] too")
        refused = refusal(gate, architecture, f"enqueue[{place}]")
        if why is not None:
            events.append(Noted(-1, f"enqueue[{place}] is not tried again: {why}"))
        else:
            events += refused or [Enqueued(architecture.tree, architecture.id)]
    return [*retries(failed, state), *events]


def retries(failed: Sequence[TrialRecord], state: RunState) -> list[Event]:
    """List the events by which failed trials are tried again, with a note on how each failed.

    Args:
        failed: the trials.
        state: of the run.

    Returns:
        A note and a `Retried` for each trial.
    """
    events: list[Event] = []
    for ask, trial in enumerate(failed, state.asks):
        how = f"{trial.failure}: {trial.message}"
        events.append(Noted(trial.number, f"tried again, attempt {trial.attempts + 1}; the last one failed, {how}"))
        events.append(Retried(trial.number, ask))
    return events


def failed_of(state: RunState, kinds: bool | str | Sequence[str]) -> list[TrialRecord]:
    """Select the trials that failed in certain ways.

    Args:
        state: of the run.
        kinds: a kind of failure, or several (see `nas_tune.errors.FAILURES`); True for all, False for none.

    Returns:
        The records of the trials.

    Raises:
        ConfigError: there is no such kind.
    """
    if not isinstance(kinds, bool | str | Iterable):
        raise ConfigError(f"retry_failed: got {kinds!r}; give True, a kind of failure, or a list of kinds")
    wanted = FAILURES if kinds is True else () if not kinds else (kinds,) if isinstance(kinds, str) else tuple(kinds)
    for kind in wanted:
        if kind not in FAILURES:
            raise ConfigError(
                f"retry_failed: {kind!r} is not a kind of failure{did_you_mean(str(kind), FAILURES)}; known: "
                f"{', '.join(FAILURES)}; True (--retry-failed alone) is all of them"
            )
    found: list[TrialRecord] = []
    for trial in state.trials.values():
        if trial.state == "failed" and trial.failure in wanted:
            found.append(trial)
    return found


def member_of(space: Space, item: Any, place: int) -> Architecture:
    """Read one item of `enqueue`.

    Args:
        space: of the run.
        item: an architecture, its tree, or a row with an `architecture`.
        place: of the item in its list, from 0, for the message.

    Returns:
        The architecture.

    Raises:
        ConfigError: it is not a member of the space.
    """
    try:
        return space.validate(_tree(space, item))
    except (ArchitectureError, json.JSONDecodeError, RecursionError) as error:
        raise ConfigError(f"enqueue[{place}]: {error}") from error


def _tree(space: Space, item: Any) -> Any:
    """The tree of an architecture, of itself, or of a row as `nas-tune best --format json` writes them."""
    tree = item.tree if isinstance(item, Architecture) else item
    if not isinstance(tree, Mapping) or "architecture" not in tree or space.contains(tree):
        return tree
    row = tree["architecture"]
    return json.loads(row) if isinstance(row, str) else row


class _Other:
    """Another run: its trials, and what it has measured that holds for this run, by the JSON of the architecture."""

    def __init__(self, folder: Path, space: Space, gate: Gate | None, trainable: Mapping[str, Any]) -> None:
        if not folder.is_dir():
            raise ConfigError(
                f"warm_start: {folder} holds no run: there is no such folder; give the folder of a run of nas-tune "
                "search"
            )
        self.folder = folder
        with closing(Ledger.open(folder, readonly=True)) as ledger:
            self.epochs: int = ledger.meta["config"]["max_epochs"]
            events = list(ledger.events())
            self.state = replay(events)
            found, self.said = measured_there(
                (event for event, _ in events), ledger.meta["trainable"], trainable, space, gate
            )
        self.measured = {Architecture(event.tree).to_json(): event for event in found}


def _known(other: _Other, space: Space, config: SearchConfig, gate: Gate | None) -> tuple[list[Known], Noted]:
    """The trials of another run that are members of this space, and a note on how many they are."""
    folder, state = other.folder, other.state
    objective, limits = config.objectives[0], limits_of(config.limits or {})
    _check_metric(folder, state, objective.metric)
    trials, members = 0, []
    for trial in state.trials.values():
        curve = _curve(trial, objective.metric)
        if not curve:
            continue
        trials += 1
        made = _read(space, trial.tree)
        if made is not None:
            members.append((trial, curve, made))
    if not members:
        said = f"none of its {trials} finished trials is a member of this space" if trials else "it has no results"
        raise ConfigError(f"warm_start: {folder} has no trial to learn from: {said}; leave it out")
    found: list[Known] = []
    for trial, curve, made in members:
        outcome: Literal["complete", "pruned"] = "complete" if trial.state == "complete" else "pruned"
        shared = _shared(curve, other.epochs, config.max_epochs)
        event = other.measured.get(made.to_json())
        costs = dict(limited_values(limits, gate, made, trial, event.costs if event else {}))
        found.append(Known(str(folder), trial.number, made.tree, made.id, outcome, shared, costs))
    others, over = trials - len(members), len(found) - len(_within(found, limits))
    left = f"; {others} others are not members of this space" if others else ""
    left += f"; {over} of them break a limit and are not tried first" if over else ""
    return found, Noted(-1, f"the strategy knows {len(found)} trials of {folder}{left}")


def _within(trials: Sequence[Known], limits: Sequence[Limit]) -> list[Known]:
    """The trials that break no limit, as far as their values are known."""
    kept = []
    for trial in trials:
        if violation(trial.costs, [one for one in limits if one.name in trial.costs]) == 0:
            kept.append(trial)
    return kept


def _check_metric(folder: Path, state: RunState, metric: str) -> None:
    names: set[str] = set()
    for trial in state.trials.values():
        for report in trial.reports:
            names.update(report.metrics)
    if names and metric not in names:
        raise ConfigError(
            f"warm_start: the trials of {folder} report no {metric!r}{did_you_mean(metric, names)}; "
            f"they report: {', '.join(sorted(names))}"
        )


def _curve(trial: TrialRecord, metric: str) -> dict[int, float]:
    """The metric by epoch, of a trial that came to something; else empty."""
    if trial.state not in ("complete", "pruned", "paused"):
        return {}
    values = {report.epoch: report.metrics.get(metric, math.nan) for report in trial.reports}
    return {epoch: value for epoch, value in values.items() if math.isfinite(value)}


def _read(space: Space, tree: Any) -> Architecture | None:
    try:
        return space.validate(tree)
    except ArchitectureError:
        return None


def _shared(curve: Mapping[int, float], theirs: int, ours: int) -> list[list[float]]:
    """The curve at the epochs here that are equal shares of a full training; the last where several fall together."""
    moved = {-(-epoch * ours // theirs): value for epoch, value in sorted(curve.items())}
    return [[epoch, value] for epoch, value in moved.items()]


def _tried_first(known: Iterable[list[Known]], objective: Objective, count: int) -> list[Enqueued]:
    """The best of each run in turn, and a few that are not, which show the scale of the others."""
    ranked = [_spread(_best_first(trials, objective), count) for trials in known]
    turns = (one for turn in zip_longest(*ranked) for one in turn if one is not None)
    found: list[Enqueued] = []
    for id, tree in list({one.id: one.tree for one in turns}.items())[:count]:
        found.append(Enqueued(tree, id))
    return found


def _best_first(trials: Sequence[Known], objective: Objective) -> list[Known]:
    oldest_first = sorted(trials, key=lambda one: one.number)
    results: list[Result] = []
    for one in oldest_first:
        epochs, value = one.curve[-1]
        results.append(Result((objective.score(value),), int(epochs), one.state == "complete"))
    return [oldest_first[place] for place in in_order(results)]


def _spread(ranked: list[Known], count: int) -> Iterator[Known]:
    """So many from the best on, but every third from further down: the best alone lie too close for a slope."""
    lower = count // _OTHERS
    best, others = iter(ranked), (len(ranked) * (turn + 1) // (lower + 1) for turn in range(lower))
    for turn in range(min(count, len(ranked))):
        yield ranked[next(others)] if turn % _OTHERS == _OTHERS - 1 else next(best)
