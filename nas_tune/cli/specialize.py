"""`nas-tune specialize`: the best architecture of a trained supernet for each of several limits, as a table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.formats import format_of
from nas_tune.cli.options import (
    AllowCodeOption,
    BatchOption,
    CommandOption,
    EngineOption,
    FormatOption,
    OutOption,
    PrecisionOption,
    RunArgument,
    ThreadsOption,
    TimeoutOption,
    TrialOption,
    WattsOption,
    device_said,
)
from nas_tune.cli.places import run_folder, stderr

if TYPE_CHECKING:
    import pandas as pd

    from nas_tune.cli.tables import TableColumn

__all__ = ["specialize"]


def specialize(
    run: RunArgument,
    limits: Annotated[
        list[str],
        typer.Option("--limits", metavar="LIMITS", help="A row, such as 'macs <= 10M, latency <= 2ms'; several."),
    ],
    trial: TrialOption = None,
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    batch: BatchOption = None,
    precision: PrecisionOption = None,
    command: CommandOption = None,
    timeout: TimeoutOption = None,
    watts: WattsOption = None,
    population: Annotated[
        int | None, typer.Option("--population", help="Architectures of a generation. Default: as in the search.")
    ] = None,
    generations: Annotated[
        int | None, typer.Option("--generations", help="Generations after the first. Default: as in the search.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws.")] = 0,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Also plot scores and MACs: .png, .svg or .pdf. Default: none."),
    ] = None,
    format: FormatOption = None,
    out: OutOption = None,
    allow_code: AllowCodeOption = False,
) -> None:
    """Find the best architecture of a trained supernet (spos, enas, ofa) for each of several limits, without training.

    Each --limits gives a row. What one limit has scored is not scored again for the next. Latency is measured for the
    best candidates only. Without an option of the device it is that of the run. CSV, JSON and Parquet have every
    column, the architecture among them.

    Args:
        run: the run's folder, or its name below runs/.
        limits: the limits of each row.
        trial: the number of the trial whose supernet to take.
        engine: what runs the networks that are measured.
        threads: the number of threads of the engine.
        batch: the number of examples in a batch.
        precision: of weights and activations.
        command: the program of the user that measures, where the engine is "command".
        timeout: seconds for one call of the command.
        watts: the power of the device.
        population: the number of architectures of a generation.
        generations: the number of generations after the first.
        seed: of the draws.
        plot: the file of a picture.
        format: the format; by default that of the file's suffix, else a table.
        out: the file to write; by default stdout.
        allow_code: whether to import the code, and to run the command, that a run from elsewhere names.
    """
    from nas_tune.cli.frames import export_frame
    from nas_tune.winners.specialize import specialize as specialized

    frame = specialized(
        run_folder(run),
        limits,
        trial=trial,
        device=device_said(engine, threads, batch, precision, command, timeout, watts),
        population=population,
        generations=generations,
        seed=seed,
        plot=plot,
        allow_code=allow_code,
    )
    export_frame(frame, format_of(format, out), out, _columns(frame))
    if plot is not None:
        stderr().print(f"wrote {plot}")


def _columns(frame: pd.DataFrame) -> list[TableColumn]:
    from nas_tune.cli.tables import TableColumn
    from nas_tune.cli.text import brief, plain
    from trainables.costs.quantities import QUANTITIES, write_value

    found = [TableColumn("limits", [plain(one) for one in frame["limits"]], elastic=True)]
    found.append(TableColumn("architecture", [plain(one) for one in frame["architecture_id"]]))
    for name in frame:
        if str(name).startswith("shared_"):
            found.append(TableColumn(plain(str(name)), [brief(one) for one in frame[name]], right=True))
    for name in QUANTITIES:
        if name in frame:
            values = ["-" if one != one else write_value(name, one) for one in frame[name]]
            found.append(TableColumn(name, values, right=True))
    found.append(TableColumn("scored", [str(one) for one in frame["scored"]], right=True))
    found.append(TableColumn("seconds", [f"{one:.1f}" for one in frame["seconds"]], right=True))
    return found
