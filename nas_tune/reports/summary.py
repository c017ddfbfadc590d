"""The first lines of the page: the headline with the end of the search, and a few numbers in large type."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from nas_tune.reports.limits import refused_in_words
from nas_tune.results import Run, RunSnapshot

__all__ = ["Headline", "Tile", "headline", "span", "tiles"]

_ENDS = {
    "done": "finished",
    "exhausted": "finished: the space had nothing new",
    "time": "stopped: its time was up",
    "interrupted": "interrupted; it can be resumed",
    "failed": "failed",
}

_NOTHING = "\N{EN DASH}"
_COLOURS = {"done": "over", "exhausted": "over", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Headline:
    """The headline of the page.

    Attributes:
        space, strategy, scheduler, trainable: their names in the configuration.
        fate: how the search ended, or that it has not ended, in words.
        colour: the CSS class of `fate`: over, open or bad.
    """

    space: str
    strategy: str
    scheduler: str
    trainable: str
    fate: str
    colour: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One number in large type.

    Attributes:
        label: the line above it.
        number: the number as text.
        below: the line below it.
    """

    label: str
    number: str
    below: str = ""


def headline(run: Run) -> Headline:
    """Write the headline of a run.

    Args:
        run: the run.

    Returns:
        The headline.
    """
    config, now = run.config, run.state
    fate = _ENDS.get(now.finished, now.finished) if now.finished else _unfinished(now)
    return Headline(
        space=config.space.name,
        strategy=config.strategy.name,
        scheduler=config.scheduler.name,
        trainable=config.trainable.name,
        fate=fate,
        colour=_COLOURS.get(now.finished or "", "open"),
    )


def tiles(run: Run, facts: dict[str, Any]) -> list[Tile]:
    """Write the numbers in large type: best values, trials, time, epochs, what limits refused, training time.

    Args:
        run: the run.
        facts: its facts, as `nas_tune.reports.facts` returns them.

    Returns:
        The tiles in the order of the page.
    """
    now, columns = run.state, facts["trials"]
    counts = [f"{count:,} {state}" for state, count in now.counts.items() if count]
    trained, full = sum(columns["epochs"]), len(columns["number"]) * facts["max_epochs"]
    saved = f"of {full:,}, had all trained in full" if trained < full else "every trial in full"
    sessions = f"wall clock of {now.sessions} sessions" if now.sessions > 1 else "wall clock"
    found = [
        *_best(facts),
        Tile("Trials", f"{now.trials:,}", ", ".join(counts) or "none yet"),
        Tile("Time", span(now.seconds), sessions),
        Tile("Epochs trained", f"{trained:,}", saved if trained else "none yet"),
    ]
    if now.refused:
        found.append(
            Tile("Refused", f"{sum(now.refused.values()):,}", f"before a trial: {refused_in_words(now.refused)}")
        )
    training = sum(value for value in columns["seconds"] if value)
    return [*found, Tile("Training time", span(training), "of all trials together")]


def span(seconds: float) -> str:
    """Write a time as a person says it: 41 s, 12 min, 3 h 20 min, 2 d 4 h.

    Args:
        seconds: the time in seconds.

    Returns:
        The text.
    """
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 9.95 else f"{seconds:.2g} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minute = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minute} min" if minute else f"{hours} h"
    days, hour = divmod(hours, 24)
    return f"{days} d {hour} h" if hour else f"{days} d"


def number_text(value: float | None, unit: str = "") -> str:
    """Write a value with up to five significant digits, and large whole numbers with separators.

    Args:
        value: the value.
        unit: its unit; empty for none.

    Returns:
        The text; a dash for None and for infinite values.
    """
    if value is None or not math.isfinite(value):
        return _NOTHING
    after = f" {unit}" if unit else ""
    if float(value).is_integer() and abs(value) < 1e12:
        return f"{int(value):,}{after}"
    rounded = float(f"{value:.5g}")
    if not 1e-2 <= abs(rounded) < 1e5:
        return f"{value:.4g}{after}"
    before = max(0, math.floor(math.log10(abs(rounded))))
    return f"{rounded:,.{4 - before}f}{after}"


def _best(facts: dict[str, Any]) -> list[Tile]:
    columns = facts["trials"]
    places = {number: place for place, number in enumerate(columns["number"])}
    found = []
    for index, objective in enumerate(facts["objectives"]):
        name = objective["metric"]
        word = "highest" if objective["mode"] == "max" else "lowest"
        label = f"Best {name}" if len(facts["objectives"]) == 1 else f"{word.capitalize()} {name}"
        among = facts["best"][:1] if len(facts["objectives"]) == 1 else facts["front"]
        values = [(columns["values"][name][places[trial]], trial) for trial in among]
        known = [pair for pair in values if pair[0] is not None]
        if not known:
            found.append(Tile(label, _NOTHING, "no trial with a value yet"))
            continue
        value, trial = (max if objective["mode"] == "max" else min)(known, key=lambda pair: pair[0])
        below = f"trial {trial}" if index or not facts["front"] else f"trial {trial}; {len(among)} on the Pareto front"
        spread = columns["spreads"].get(name, {})
        if spread and (deviation := spread[places[trial]]) is not None:
            below += f"; spread {number_text(deviation)}"
        found.append(Tile(label, number_text(value, objective["unit"]), below + _short(facts, places[trial])))
    return found


def _short(facts: dict[str, Any], place: int) -> str:
    """A note that the best trial was stopped early; empty for a complete one."""
    state = facts["trials"]["state"][place]
    return "" if state == "complete" else f" ({state} after epoch {facts['trials']['epochs'][place]})"


def _unfinished(now: RunSnapshot) -> str:
    if not now.trials:
        return "no trial yet"
    return f"not over: {len(now.running)} running" if now.running else "not over"
