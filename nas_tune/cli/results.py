"""`nas-tune results` and `nas-tune best`."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.formats import Format, format_of
from nas_tune.cli.places import run_folder, shown, stderr
from nas_tune.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nas_tune.cli.tables import Column
    from nas_tune.results import Run

__all__ = ["best", "results"]


class Table(StrEnum):
    """What a row is."""

    TRIALS = "trials"
    EPOCHS = "epochs"


_Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's folder, or its name below runs/.")]
_Format = Annotated[Format | None, typer.Option("--format", help="Default: what --out ends with, else a table.")]
_Out = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write here, not to stdout.")]


def results(
    run: _Run,
    table: Annotated[Table | None, typer.Option("--table", help="One row a trial, or one a trial and epoch.")] = None,
    sql: Annotated[
        str | None, typer.Option("--sql", help="A query (DuckDB) over the tables trials and epochs.")
    ] = None,
    format: _Format = None,
    out: _Out = None,
) -> None:
    """Print the trials or epochs of a run, or query them by SQL.

    May be called while the search runs. The table shows what matters most; CSV, JSON and Parquet have every
    column.
    """
    from nas_tune.cli.frames import columns_of, export
    from nas_tune.results import Run

    if sql is not None and table is not None:
        raise ConfigError("--sql and --table exclude each other; name the table in the query")
    opened = Run(run_folder(run))
    _say_state(opened)
    if sql is not None:
        frame = opened.query(sql)
        columns = columns_of(frame)
    elif table is Table.EPOCHS:
        frame = opened.epochs()
        columns = _epoch_columns(opened, frame)
    else:
        frame = opened.trials()
        columns = _trial_columns(opened, frame)
    export(frame, format_of(format, out), out, columns)


def best(
    run: _Run,
    k: Annotated[int, typer.Option("-k", min=1, help="How many.")] = 5,
    front: Annotated[bool, typer.Option("--front", help="Of several objectives the Pareto front, all of it.")] = False,
    format: _Format = None,
    out: _Out = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="FILE", help="A picture of the best one: .svg, .mmd or .dot.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="A picture of the Pareto front: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Print the best architectures of a run.

    Complete trials by value, then those that were stopped early, the longest trained first. Of several
    objectives the Pareto front, then the front that is left without it, and so on. May be called while the
    search runs.
    """
    from nas_tune.cli.frames import export
    from nas_tune.cli.summary import print_best
    from nas_tune.results import Run

    opened = Run(run_folder(run))
    _say_state(opened)
    frame, kind = opened.pareto() if front else opened.best(k), format_of(format, out)
    if draw is not None:
        _draw_first(opened, frame, draw)
    if plot is not None:
        from nas_tune.results.picture import draw_front

        draw_front(opened, plot)
        stderr().print(f"wrote {plot}")
    if kind is Format.TABLE and out is None:
        print_best(opened, frame)
    else:
        export(frame, kind, out, _trial_columns(opened, frame))


def _draw_first(run: Run, frame: pd.DataFrame, out: Path) -> None:
    from nas_tune.results.frames import written_aside
    from search_spaces import draw
    from search_spaces.drawing.picture import SUFFIXES

    if out.suffix not in SUFFIXES:
        raise ConfigError(f"--draw {out}: the name must end with {', '.join(SUFFIXES)}")
    if frame.empty:
        raise ConfigError(f"--draw: {run.path.name} has no trial with a value yet, and so nothing to draw")
    picture = draw(run.architecture(int(frame["trial"].iloc[0])))
    with written_aside(out) as draft:
        picture.save(draft)
    stderr().print(f"wrote {out}")


def _say_state(run: Run) -> None:
    """Which run, what it has, and of when the picture is where the run is not over."""
    from nas_tune.cli.summary import counted

    now = run.state
    text = f"{shown(run.path)}: {counted(now)}"
    if now.finished is not None:
        text += f" ({now.finished})"
    elif now.last_event is not None:
        since = (datetime.now(UTC) - now.last_event).total_seconds()
        text += f" (snapshot of {now.time:%Y-%m-%d %H:%M:%S} UTC; last written {since:.0f} s before)"
    stderr().print(text, style="dim")


def _trial_columns(run: Run, frame: pd.DataFrame) -> list[Column]:
    """What matters most of a trial; CSV, JSON and Parquet have it all."""
    from nas_tune.cli.architectures import space_of, writer
    from nas_tune.cli.frames import columns_of, macs_column
    from nas_tune.cli.tables import Column
    from nas_tune.cli.text import plain

    written = writer(space_of(run))
    optimized = [one.metric for one in run.objectives]
    numbers = [
        name
        for name in dict.fromkeys((*optimized, "epochs", "parameters", "supernet_parameters", "macs"))
        if name in frame
    ]
    others = [macs_column(frame[name]) if name == "macs" else columns_of(frame[[name]])[0] for name in numbers]
    (trial,) = columns_of(frame[["trial"]])
    fates = frame["state"].where(frame["failure"].isna(), frame["state"] + ": " + frame["failure"])
    seconds = Column("seconds", [f"{value:.1f}" for value in frame["seconds"]], right=True)
    trees = [plain(written(run.tree(int(number)))) for number in frame["trial"]]
    architecture = Column("architecture", trees, style="dim", elastic=True)
    return [trial, Column("state", list(fates)), *others, seconds, architecture]


def _epoch_columns(run: Run, frame: pd.DataFrame) -> list[Column]:
    from nas_tune.cli.frames import columns_of

    optimized = [one.metric for one in run.objectives]
    fixed = {"trial", "epoch", "time", "seconds", "node", "state", "architecture_id", *optimized}
    metrics = [name for name in frame if name not in fixed and not str(name).startswith("arch.")]
    return columns_of(frame[["trial", "epoch", *optimized, "seconds", "state", *metrics]])
