"""Numbers, durations and foreign strings as text for a terminal."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from trainables import metrics
from trainables.controls import Control, read_control
from trainables.trial.repeated import SPREAD

if TYPE_CHECKING:
    from nas_tune.ledger import TrialRecord
    from nas_tune.objectives.objective import Objective

__all__ = [
    "brief",
    "control_text",
    "duration",
    "harmless",
    "measured",
    "plain",
    "quantity",
    "results_of",
    "shortened",
    "titled",
    "with_spread",
    "with_units",
]


def quantity(value: float) -> str:
    """Write a count in three digits and a unit: 73.6 k, 11.4 M.

    Args:
        value: the count.

    Returns:
        The text.
    """
    for unit in ("", " k", " M", " G", " T"):
        if abs(value) < 999.5:
            return f"{value:.3g}{unit}" if unit else f"{value:g}"
        value /= 1000
    return f"{value:.3g} P" if value < 999.5 else f"{value * 1e15:.2e}"


def brief(value: float | None) -> str:
    """Write the value of a metric: four decimals in the usual range, whole numbers with separators.

    Args:
        value: the value.

    Returns:
        The text; a dash for None and NaN.
    """
    if value is None or math.isnan(value):
        return "-"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e5 else f"{value:.3e}"


def measured(value: float | None, unit: str) -> str:
    """Write the value of a metric with its unit.

    Args:
        value: the value.
        unit: the unit; empty for none.

    Returns:
        The text, such as "11.0700 USD".
    """
    return f"{brief(value)} {plain(unit)}" if unit else brief(value)


def titled(name: str, unit: str) -> str:
    """Write the title of a column with the values of a metric.

    Args:
        name: the name of the metric.
        unit: its unit; empty for none.

    Returns:
        The text, such as "rmse (USD)".
    """
    return metrics.titled(plain(name), plain(unit))


def results_of(trial: TrialRecord, objectives: Sequence[Objective], unit: Callable[[str], str]) -> str:
    """Write the value of a trial in every objective: `accuracy 0.9312  parameters 1,234`.

    A mean over several trainings has its spread behind it: `accuracy 0.9312 +- 0.0041`.

    Args:
        trial: the trial.
        objectives: the objectives of the run, the leading one first.
        unit: returns the unit of a metric by its name.

    Returns:
        The text, with a dash for a missing value.
    """
    last = trial.reports[-1].metrics if trial.reports else {}
    values = [trial.value, *(last.get(one.metric) for one in objectives[1:])]
    parts = []
    for one, value in zip(objectives, values, strict=True):
        parts.append(f"{one.metric} {with_spread(value, last.get(f'{one.metric}{SPREAD}'), unit(one.metric))}")
    return "  ".join(parts)


def with_spread(value: float | None, spread: float | None, unit: str = "") -> str:
    """Write a value with its standard deviation over several trainings.

    Args:
        value: the value, a mean where there is a spread.
        spread: the deviation; None or NaN for one training.
        unit: the unit of both; empty for none.

    Returns:
        The text, such as "0.9312 +- 0.0041".
    """
    if spread is None or math.isnan(spread):
        return measured(value, unit)
    return f"{brief(value)} +- {measured(spread, unit)}"


def with_units(note: str, unit: Callable[[str], str]) -> str:
    """Write a note for people: the scores of a control get their units, every other note stays as it is.

    Args:
        note: the text of the note.
        unit: returns the unit of a metric by its name.

    Returns:
        The text.
    """
    control = read_control(note)
    return note if control is None else f"beside, at defaults: {control_text(control, unit)}"


def control_text(control: Control, unit: Callable[[str], str]) -> str:
    """Write a control in words: its scores on each part of the data, and what it cost.

    Args:
        control: the control.
        unit: returns the unit of a metric by its name.

    Returns:
        The text.
    """
    parts = []
    for part, scores in control.scores.items():
        parts.append(f"{part} " + "  ".join(f"{name} {measured(value, unit(name))}" for name, value in scores.items()))
    return f"{control.name}: {'; '.join(parts)}; {control.seconds:.1f} CPU seconds"


def duration(seconds: float | None) -> str:
    """Write a time as hours, minutes and seconds: 0:00:31, after the days where there are any.

    Args:
        seconds: the time in seconds.

    Returns:
        The text; a dash for None and infinite times.
    """
    if seconds is None or not math.isfinite(seconds):
        return "-"
    minutes, second = divmod(max(0, round(seconds)), 60)
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    return f"{f'{days} d ' if days else ''}{hour}:{minute:02}:{second:02}"


def plain(text: object) -> str:
    """Write any value as one line that a terminal shows without side effects.

    Args:
        text: the value.

    Returns:
        Its text, with spaces for line breaks and control characters written out.
    """
    return harmless(" ".join(str(text).strip().split("\n")).replace("\t", " "))


def harmless(text: str) -> str:
    """Write out control characters, which could move the cursor or colour the text that follows.

    Args:
        text: the text.

    Returns:
        The same lines without control characters.
    """
    return "".join(c if c.isprintable() or c == "\n" else repr(c)[1:-1] for c in text)


def shortened(text: str, width: int) -> str:
    """Cut a text to a number of characters.

    Args:
        text: the text.
        width: the most characters.

    Returns:
        The text; the last character is an ellipsis where something was cut.
    """
    return text if len(text) <= width else f"{text[: max(0, width - 1)]}…"
