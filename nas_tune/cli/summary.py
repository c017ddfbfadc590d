"""The summary at the end of a search, and the best architectures, which `best` prints, too."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import pandas as pd

from nas_tune.cli.frames import macs_column, text_columns
from nas_tune.cli.places import shown, stderr, stdout, width_of
from nas_tune.cli.tables import TableColumn, lines, wrapped
from nas_tune.cli.text import control_text, measured, plain, titled
from nas_tune.errors import NasTuneError
from nas_tune.objectives.limits import limits_text
from nas_tune.results import Run, RunSnapshot
from nas_tune.results.space import run_space
from search_spaces.notation import writer
from trainables.controls import read_control
from trainables.costs.quantities import write_value
from trainables.trial.repeated import SPREAD

__all__ = ["conclude", "counted", "print_best"]

_SHOWN = 5
_NOTES = 5
_WARNING = "warning: "
"""What a note on bad data begins with; such a note is always shown."""


def conclude(
    run: Run, *, test: bool = True, allow_code: bool = False, shown_notes: Collection[tuple[int, str]] = ()
) -> None:
    """Print the five best trials, the winner's metrics on the test split, the counts and the folder.

    Args:
        run: the run.
        test: whether to evaluate the winner on the test split, which needs the code that trained it.
        allow_code: whether to import the code that a run from elsewhere names.
        shown_notes: notes that the progress display has printed, as (trial, text); they are not printed again.
    """
    best = run.best(_SHOWN)
    tested = _test(run, int(best["trial"].iloc[0]), allow_code) if test and not best.empty else None
    now = run.state
    print_best(run, best, validated=tested or ())
    out = stdout()
    out.print()
    if tested is not None:
        numbers = "  ".join(f"{name} {measured(value, run.unit(name))}" for name, value in tested.items())
        first = best.iloc[0]
        of = ", its best training" if pd.notna(first.get(f"{run.metric}{SPREAD}")) else ""
        out.print(f"test split, never seen by the search: trial {first['trial']}{of}  {numbers}", style="bold")
    out.print(counted(now))
    if now.audited:
        out.print(
            f"audit: {now.audited} of the architectures that a prediction refused were measured; "
            f"{now.wrongly_refused} of them within the limit"
        )
    out.print(f"run folder: {shown(run.path)}")
    notes = [note for note in now.notes if note not in shown_notes]
    # Controls stand beside the best trials.
    _print_notes(notes if best.empty else [note for note in notes if read_control(note[1]) is None])


def print_best(run: Run, best: pd.DataFrame, *, validated: Collection[str] = ()) -> None:
    """Print ranked trials: their numbers in columns, then their architectures.

    Args:
        run: the run.
        best: the trials, the best first, as `Run.best` returns them.
        validated: the metrics that are also shown of the test split; their columns are labelled "validation".
    """
    out = stdout()
    width = width_of(out)
    if best.empty:
        stderr().print("no trial with a value yet")
        return
    front = set(run.pareto()["trial"]) if len(run.objectives) > 1 else None
    out.print(f"best {len(best)} of {run.state.trials} architectures{_of_front(run, front)}", style="bold")
    columns = _columns(run, best, validated)
    if front is not None:
        columns.insert(2, TableColumn("front", ["yes" if trial in front else "" for trial in best["trial"]]))
    for line in lines(columns, width):
        out.print(line)
    for control in run.controls():
        out.print(f"beside, at defaults: {control_text(control, run.unit)}")
    if text := _limits(run, best):
        out.print(text)
    if front is None and (equal := _tied(best)):
        out.print(f"{equal} have the same value: the older trial comes first")
    out.print()
    written = writer(run_space(run))
    ranks = len(str(len(best)))
    for place, trial in enumerate(best["trial"], start=1):
        text = wrapped(plain(written(run.tree(int(trial)))), width, ranks + 2)
        out.print(f"{place:>{ranks}}  {text}")


def _limits(run: Run, best: pd.DataFrame) -> str:
    """The limits of the run, and which of them the first trial shown breaks; empty without limits."""
    limits = run.limits
    if not limits:
        return ""
    first = best.iloc[0]
    broken = [one for one in limits if not one.holds(float(first.get(one.name, math.nan)))]
    if not broken:
        return f"limits: {limits_text(limits)}"
    values = ", ".join(f"{one.name} is {write_value(one.name, float(first.get(one.name, math.nan)))}" for one in broken)
    return f"limits: {limits_text(limits)}; trial {first['trial']} breaks them: {values}"


def _tied(best: pd.DataFrame) -> str:
    """The trials that tie with the first one, in words; empty where none does."""
    first = best.iloc[0]
    same = [best[name] == first[name] for name in ("value", "state", "epochs")]
    alike = best[same[0] & same[1] & same[2]]
    numbers = [str(number) for number in alike["trial"]]
    return f"trials {', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else ""


def counted(now: RunSnapshot) -> str:
    """Write the number of trials by state, and the number of duplicates that needed no training.

    Args:
        now: a snapshot of the run.

    Returns:
        The text, such as "12 trials: 10 complete, 2 pruned".
    """
    counts = ", ".join(f"{n} {state}" for state, n in now.counts.items() if n) or "none yet"
    text = f"{now.trials} trial{'' if now.trials == 1 else 's'}: {counts}"
    duplicates = f"{now.answered} duplicate{'' if now.answered == 1 else 's'}"
    text = f"{text}; {duplicates} answered from the ledger" if now.answered else text
    return f"{text}; {_refused(now)} refused before a trial" if now.refused else text


def _refused(now: RunSnapshot) -> str:
    """The number of refused architectures by what refused them: "41 architectures (38 by macs, 3 unconnected)"."""
    total = sum(now.refused.values())
    causes = []
    for (rung, quantity), count in now.refused.items():
        how = "" if rung == "counted" else f" {rung}"
        causes.append(f"{count:,} by{how} {quantity}" if quantity else f"{count:,} whose output ignores the input")
    return f"{total:,} architecture{'' if total == 1 else 's'} ({', '.join(causes)})"


def _of_front(run: Run, front: Collection[int] | None) -> str:
    """The size of the Pareto front in words; empty for one objective."""
    if front is None:
        return ""
    names = " and ".join(f"{one.metric} ({one.mode})" for one in run.objectives)
    return f"; {len(front)} on the Pareto front of {names}"


def _columns(run: Run, best: pd.DataFrame, validated: Collection[str]) -> list[TableColumn]:
    optimized = [one.metric for one in run.objectives]
    if validated and len(optimized) == 1:
        validated = optimized
    shown_as = {name: titled(f"validation {name}" if name in validated else name, run.unit(name)) for name in optimized}
    # The network found, and the supernet that found it.
    sizes = {name: shown_as.get(name, name) for name in ("parameters", "supernet_parameters", "macs")}
    values: dict[str, str] = {}
    for name, header in shown_as.items():
        # The spread is a column where trials train several times.
        values |= {name: header, f"{name}{SPREAD}": f"{name} spread"}
    limited = {one.name: titled(one.name, run.unit(one.name)) for one in run.limits if one.name not in sizes}
    wanted = {"trial": "trial", **values, **limited, "epochs": "epochs", **sizes}
    columns = [TableColumn("#", [str(place) for place in range(1, len(best) + 1)], right=True)]
    for name, header in wanted.items():
        if name == "macs" and name in best:
            columns.append(macs_column(best["macs"]))
        elif name in best:
            columns += text_columns(best[[name]].rename(columns={name: header}))
    columns.append(TableColumn("seconds", [f"{n:.1f}" for n in best["seconds"]], right=True))
    if (best["state"] != "complete").any():
        columns.append(TableColumn("state", list(best["state"])))
    return columns


def _test(run: Run, trial: int, allow_code: bool) -> dict[str, float] | None:
    """The metrics of a trial's network on the test split; None, with the reason on stderr, if there are none."""
    console = stderr()
    try:
        if not console.is_terminal:
            return run.evaluate(trial, allow_code=allow_code)
        with console.status(f"trial {trial} on the test split"):
            return run.evaluate(trial, allow_code=allow_code)
    except NasTuneError as error:
        console.print(f"no test metrics: {error}", style="dim")
    except Exception as error:  # noqa: BLE001 -- an error in a user's evaluate() must not hide the result
        console.print(f"no test metrics: evaluate() raised {error!r}", style="yellow")
    return None


def _print_notes(notes: Sequence[tuple[int, str]]) -> None:
    console = stderr()
    shown = [*notes[:_NOTES], *(note for note in notes[_NOTES:] if note[1].startswith(_WARNING))]
    for trial, text in shown:
        kind = "" if text.startswith(_WARNING) else "note: "
        console.print(f"{kind}{f'trial {trial}: ' if trial >= 0 else ''}{plain(text)}", style="dim")
    if more := len(notes) - len(shown):
        console.print(f"and {more} more note{'s' if more > 1 else ''} (run.state.notes in Python)", style="dim")
