"""What a search says at its end, and `best` at any time: the best architectures, and how they did."""

from __future__ import annotations

import pandas as pd

from nas_tune.cli.architectures import space_of, writer
from nas_tune.cli.export import columns_of, macs_column
from nas_tune.cli.places import data, shown, talk, width_of
from nas_tune.cli.tables import Column, folded, lines
from nas_tune.cli.text import brief, plain
from nas_tune.errors import NasTuneError
from nas_tune.results import Run, Snapshot

__all__ = ["conclude", "counted", "print_best"]

_SHOWN = 5
_NOTES = 5


def conclude(run: Run) -> None:
    """Print the five best, what the winner does on the test split, the counts and the folder."""
    best = run.best(_SHOWN)
    tested = None if best.empty else _test(run, int(best["trial"].iloc[0]))
    now = run.state
    print_best(run, best, validated=tested is not None)
    out = data()
    out.print()
    if tested is not None:
        numbers = "  ".join(f"{name} {brief(value)}" for name, value in tested.items())
        out.print(f"test split, never seen by the search: trial {best['trial'].iloc[0]}  {numbers}", style="bold")
    out.print(counted(now))
    out.print(f"run folder: {shown(run.path)}")
    _print_notes(now)


def print_best(run: Run, best: pd.DataFrame, *, validated: bool = False) -> None:
    """Print ranked trials: their numbers in columns, then their architectures."""
    out = data()
    width = width_of(out)
    if best.empty:
        talk().print("no trial with a value yet")
        return
    out.print(f"best {len(best)} of {run.state.trials} architectures", style="bold")
    for line in lines(_columns(run, best, validated), width):
        out.print(line)
    out.print()
    written = writer(space_of(run))
    ranks = len(str(len(best)))
    for place, trial in enumerate(best["trial"], start=1):
        text = folded(plain(written(run.tree(int(trial)))), width, ranks + 2)
        out.print(f"{place:>{ranks}}  {text}")


def counted(now: Snapshot) -> str:
    """The trials by state, and the duplicates that needed none."""
    counts = ", ".join(f"{n} {state}" for state, n in now.counts.items() if n) or "none yet"
    text = f"{now.trials} trials: {counts}"
    return f"{text}; {now.answered} duplicates answered from the ledger" if now.answered else text


def _columns(run: Run, best: pd.DataFrame, validated: bool) -> list[Column]:
    metric = f"validation {run.metric}" if validated else run.metric
    wanted = {"trial": "trial", run.metric: metric, "epochs": "epochs", "parameters": "parameters"}
    columns = [Column("#", [str(place) for place in range(1, len(best) + 1)], right=True)]
    for name, header in wanted.items():
        if name in best:
            (column,) = columns_of(best[[name]].rename(columns={name: header}))
            columns.append(column)
    if "macs" in best:
        columns.append(macs_column(best["macs"]))
    columns.append(Column("seconds", [f"{n:.1f}" for n in best["seconds"]], right=True))
    if (best["state"] != "complete").any():
        columns.append(Column("state", list(best["state"])))
    return columns


def _test(run: Run, trial: int) -> dict[str, float] | None:
    """What the best network does on the test split; None, with the reason on stderr, if it cannot be told."""
    console = talk()
    try:
        if not console.is_terminal:
            return run.evaluate(trial)
        with console.status(f"trial {trial} on the test split"):
            return run.evaluate(trial)
    except NasTuneError as error:
        console.print(f"no test metrics: {error}", style="dim")
    except Exception as error:  # noqa: BLE001 -- a stranger's evaluate() must not hide what was found
        console.print(f"no test metrics: evaluate() raised {error!r}", style="yellow")
    return None


def _print_notes(now: Snapshot) -> None:
    console = talk()
    for trial, text in now.notes[:_NOTES]:
        console.print(f"note: {f'trial {trial}: ' if trial >= 0 else ''}{plain(text)}", style="dim")
    if len(now.notes) > _NOTES:
        console.print(f"and {len(now.notes) - _NOTES} more notes (Run.state.notes)", style="dim")
