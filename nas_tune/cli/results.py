"""`nas-tune results` and `nas-tune best`: the trials of a run, what limits refused, and the best architectures."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.formats import FrameFormat, format_of
from nas_tune.cli.options import FormatOption, OutOption, RunArgument
from nas_tune.cli.places import run_folder, shown, stderr
from nas_tune.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from nas_tune.cli.tables import TableColumn
    from nas_tune.results import Run

__all__ = ["best", "results"]


class ResultTable(StrEnum):
    """The table to print: a row for each trial, for each epoch, or for each refused architecture."""

    TRIALS = "trials"
    EPOCHS = "epochs"
    REFUSED = "refused"


def results(
    run: RunArgument,
    table: Annotated[
        ResultTable | None,
        typer.Option(
            "--table", help="A row for each trial, epoch or architecture that a limit refused. Default: trials."
        ),
    ] = None,
    sql: Annotated[
        str | None,
        typer.Option("--sql", help="A query (DuckDB) over trials, epochs and refused, instead of --table."),
    ] = None,
    format: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Print the trials or epochs of a run or what its limits refused, or query them by SQL.

    The search may still be running. The table shows the most important columns; CSV, JSON and Parquet have all.

    Args:
        run: the run's folder, or its name below runs/.
        table: whether a row is a trial, an epoch or a refused architecture; by default a trial.
        sql: a query (DuckDB) over the tables trials, epochs and refused, instead of `table`.
        format: the format; by default that of the file's suffix, else a table.
        out: the file to write; by default stdout.

    Raises:
        ConfigError: both `sql` and `table` are given, or the query is wrong.
        RunFolderError: the file cannot be written.
    """
    from nas_tune.cli.frames import export_frame, text_columns
    from nas_tune.results import Run

    if sql is not None and table is not None:
        raise ConfigError("--sql and --table exclude each other; name the table in the query")
    opened = Run(run_folder(run))
    _print_state(opened)
    if sql is not None:
        frame = opened.query(sql)
        columns = text_columns(frame, opened.unit)
    elif table is ResultTable.EPOCHS:
        frame = opened.epochs()
        columns = _epoch_columns(opened, frame)
    elif table is ResultTable.REFUSED:
        frame = opened.refused()
        columns = _refused_columns(opened, frame)
    else:
        frame = opened.trials()
        columns = _trial_columns(opened, frame)
    export_frame(frame, format_of(format, out), out, columns)


def best(
    run: RunArgument,
    k: Annotated[int, typer.Option("-k", min=1, help="How many architectures.")] = 5,
    front: Annotated[bool, typer.Option("--front", help="Print the whole Pareto front, instead of -k.")] = False,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            metavar="CONDITION",
            help="Only trials with, say, 'latency <= 5ms and size <= 1MiB'. Default: all.",
        ),
    ] = None,
    format: FormatOption = None,
    out: OutOption = None,
    draw: Annotated[
        Path | None, typer.Option("--draw", metavar="FILE", help="Also draw the best architecture: .svg, .mmd or .dot.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also plot the Pareto front: .png, .svg or .pdf."),
    ] = None,
) -> None:
    """Print the best architectures of a run.

    Complete trials come first, ordered by value, then those that were stopped early, the longest trained first.
    With several objectives the Pareto front comes first, then the front of the remaining trials, and so on. The search
    may still be running.

    Args:
        run: the run's folder, or its name below runs/.
        k: how many architectures to print.
        front: whether to print the whole Pareto front instead.
        where: what the architectures must keep, such as "latency <= 5ms and parameters <= 200k".
        format: the format; by default that of the file's suffix, else a table.
        out: the file to write; by default stdout.
        draw: a file for a drawing of the best architecture.
        plot: a file for a picture of the Pareto front.

    Raises:
        ConfigError: --front and --where are both given, or `where` is no condition.
    """
    from nas_tune.cli.frames import export_frame
    from nas_tune.cli.summary import print_best
    from nas_tune.results import Run

    opened = Run(run_folder(run))
    _print_state(opened)
    if front and where is not None:
        raise ConfigError("--front and --where exclude each other: a front is that of all trials within the limits")
    frame, kind = opened.pareto() if front else opened.best(k, where=where), format_of(format, out)
    if draw is not None:
        _draw_first(opened, frame, draw)
    if plot is not None:
        from nas_tune.results.picture import draw_front

        draw_front(opened, plot)
        stderr().print(f"wrote {plot}")
    if kind is FrameFormat.TABLE and out is None:
        print_best(opened, frame)
    else:
        export_frame(frame, kind, out, _trial_columns(opened, frame))


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


def _print_state(run: Run) -> None:
    """Print the run and its counts; for a run that is not over, also the time of this snapshot."""
    from nas_tune.cli.summary import counted

    now = run.state
    text = f"{shown(run.path)}: {counted(now)}"
    if now.finished is not None:
        text += f" ({now.finished})"
    elif now.last_event is not None:
        since = (datetime.now(UTC) - now.last_event).total_seconds()
        text += f" (snapshot of {now.time:%Y-%m-%d %H:%M:%S} UTC; last written {since:.0f} s before)"
    stderr().print(text, style="dim")


def _trial_columns(run: Run, frame: pd.DataFrame) -> list[TableColumn]:
    """The columns of the table of trials; CSV, JSON and Parquet have every column."""
    from nas_tune.cli.frames import macs_column, text_columns
    from nas_tune.cli.tables import TableColumn
    from nas_tune.cli.text import plain
    from nas_tune.results.space import run_space
    from search_spaces.notation import writer
    from trainables.trial.repeated import SPREAD

    written = writer(run_space(run))
    optimized = [one.metric for one in run.objectives]
    values = [column for name in optimized for column in (name, f"{name}{SPREAD}")]
    wanted = dict.fromkeys((*values, "epochs", "parameters", "supernet_parameters", "macs"))
    numbers = [name for name in wanted if name in frame]
    others: list[TableColumn] = []
    for name in numbers:
        others += [macs_column(frame[name])] if name == "macs" else text_columns(frame[[name]], run.unit)
    (trial,) = text_columns(frame[["trial"]])
    fates = frame["state"].where(frame["failure"].isna(), frame["state"] + ": " + frame["failure"])
    seconds = TableColumn("seconds", [f"{value:.1f}" for value in frame["seconds"]], right=True)
    trees = [plain(written(run.tree(int(number)))) for number in frame["trial"]]
    architecture = TableColumn("architecture", trees, style="dim", elastic=True)
    return [trial, TableColumn("state", list(fates)), *others, seconds, architecture]


def _epoch_columns(run: Run, frame: pd.DataFrame) -> list[TableColumn]:
    from nas_tune.cli.frames import text_columns

    optimized = [one.metric for one in run.objectives]
    fixed = {"trial", "epoch", "time", "seconds", "node", "state", "architecture_id", *optimized}
    metrics = []
    for name in frame:
        if name not in fixed and not str(name).startswith("arch."):
            metrics.append(name)
    return text_columns(frame[["trial", "epoch", *optimized, "seconds", "state", *metrics]], run.unit)


def _refused_columns(run: Run, frame: pd.DataFrame) -> list[TableColumn]:
    import pandas as pd

    from nas_tune.cli.frames import text_columns
    from nas_tune.cli.tables import TableColumn
    from nas_tune.cli.text import plain
    from nas_tune.results.space import run_space
    from search_spaces.notation import writer
    from trainables.costs.quantities import write_value

    written = writer(run_space(run))
    amounts = []
    for name in ("value", "bound"):
        rows = zip(frame["quantity"].fillna(""), frame[name], strict=True)
        cells = ["-" if value is pd.NA else write_value(quantity, value) for quantity, value in rows]
        amounts.append(TableColumn(name, cells, right=True))
    trees = [plain(written(json.loads(text))) for text in frame["architecture"]]
    architecture = TableColumn("architecture", trees, style="dim", elastic=True)
    proposal, rung, quantity, more = (
        text_columns(frame[[name]])[0] for name in ("proposal", "rung", "quantity", "more")
    )
    return [proposal, rung, quantity, *amounts, more, architecture]
