"""`nas-tune measure`: what the best members of a run, or ONNX files, cost on a device, as a table."""

from __future__ import annotations

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

__all__ = ["measure"]

_ONNX = ".onnx"


def measure(
    what: Annotated[
        list[str], typer.Argument(metavar="RUN|FILE.onnx...", help="Runs, their names below runs/, or ONNX files.")
    ],
    k: Annotated[int, typer.Option("-k", min=1, help="How many of the best members of each run.")] = 5,
    trial: TrialOption = None,
    quantity: Annotated[
        str,
        typer.Option(
            "--quantity",
            metavar="Q,Q",
            help="latency, throughput, energy, size, peak_memory, flash, sram, macs, parameters.",
        ),
    ] = "latency",
    engine: EngineOption = None,
    threads: ThreadsOption = None,
    batch: BatchOption = None,
    precision: PrecisionOption = None,
    command: CommandOption = None,
    timeout: TimeoutOption = None,
    watts: WattsOption = None,
    rounds: Annotated[int, typer.Option("--rounds", min=2, help="How often each has its turn.")] = 10,
    runs: Annotated[int, typer.Option("--runs", min=1, help="Counted runs in one turn.")] = 3,
    seed: Annotated[int, typer.Option("--seed", help="Of the order of the turns.")] = 0,
    format: FormatOption = None,
    out: OutOption = None,
    allow_code: AllowCodeOption = False,
) -> None:
    """Measure the latency of the best members of a run, or of ONNX files, on a device.

    All take turns in random order, so that other load of the machine meets all alike. The interval is that of 95 %.
    Without an option of the device it is that of the run. CSV, JSON and Parquet have every column.

    Args:
        what: runs, their names below runs/, or ONNX files.
        k: how many of the best members of each run.
        trial: the number of a trial of the run, instead of its best members.
        quantity: what is measured, separated by commas.
        engine: what runs the networks.
        threads: the number of threads of the engine.
        batch: the number of examples in a batch.
        precision: of weights and activations.
        command: the program of the user that measures, where the engine is "command".
        timeout: seconds for one call of the command.
        watts: the power of the device.
        rounds: how often each has its turn.
        runs: counted runs in one turn.
        seed: of the order of the turns.
        format: the format; by default that of the file's suffix, else a table.
        out: the file to write; by default stdout.
        allow_code: whether to import the code, and to run the command, that a run from elsewhere names.
    """
    from nas_tune.cli.frames import export_frame
    from nas_tune.winners.measure import measure as measured

    said = device_said(engine, threads, batch, precision, command, timeout, watts)
    frame = measured(
        [one if one.lower().endswith(_ONNX) else run_folder(one) for one in what],
        said,
        quantities=[name.strip() for name in quantity.split(",")],
        k=k,
        trial=trial,
        rounds=rounds,
        runs=runs,
        seed=seed,
        allow_code=allow_code,
    )
    stderr().print(f"on {frame['device'].iloc[0]}", style="dim")
    export_frame(frame, format_of(format, out), out, _columns(frame))


def _columns(frame: pd.DataFrame) -> list[TableColumn]:
    from nas_tune.cli.tables import TableColumn
    from nas_tune.cli.text import plain
    from trainables.costs.quantities import QUANTITIES, write_value

    found = [TableColumn("name", [plain(one) for one in frame["name"]], elastic=True)]
    if "architecture" in frame:
        found.append(TableColumn("architecture", [plain(one) for one in frame["architecture"].fillna("-")]))
    for name in QUANTITIES:
        if name not in frame:
            continue
        found.append(TableColumn(name, [write_value(name, one) for one in frame[name]], right=True))
        if f"{name}_by" not in frame:
            continue
        ends = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
        found += [
            TableColumn("interval", [f"{low:.3g} to {high:.3g}" for low, high in ends], right=True),
            TableColumn("by", [plain(one) for one in frame[f"{name}_by"]]),
        ]
    return found
