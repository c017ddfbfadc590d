"""`nas-tune ranking`: how well the shared weights of supernets order architectures, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.formats import FrameFormat, format_of
from nas_tune.cli.options import AllowCodeOption, FormatOption, OutOption, QuietOption
from nas_tune.cli.places import run_folder, stderr
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode

if TYPE_CHECKING:
    import pandas as pd

    from nas_tune.cli.tables import TableColumn
    from search_spaces import Architecture

__all__ = ["ranking"]

_NONE = "none"


def ranking(
    supernets: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN|CHECKPOINT...",
            help="Runs of supernets, their names below runs/, or checkpoints; of one space.",
        ),
    ],
    table: Annotated[
        str | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="Parquet, CSV or ONNX, here or below NAS_TUNE_TABLES; digits is built in. Default: --train.",
        ),
    ] = None,
    arch: Annotated[
        str | None, typer.Option("--arch", metavar="COLUMN", help="The column of architectures. Default: architecture.")
    ] = None,
    truth: Annotated[
        str | None, typer.Option("--truth", metavar="COLUMN", help="The column of true values; needed with --table.")
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option("--beside", metavar="COLUMN", help="A column to judge as a score, too; may be repeated."),
    ] = None,
    mode: Annotated[
        Mode | None,
        typer.Option("--mode", help="Whether more of the true value is better. Default: as of the task's metric."),
    ] = None,
    train: Annotated[
        int | None,
        typer.Option("--train", metavar="N", help="Without a table: train N architectures. Default: none."),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option("--epochs", help="Of each training; with a table they are a further score. Default: none."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A setting of the trainings; may be repeated."),
    ] = None,
    keep: Annotated[
        Path, typer.Option("--keep", metavar="FOLDER", help="Trainings that are there are not done again.")
    ] = Path("ranking-trainings"),
    trial: Annotated[
        int | None,
        typer.Option("--trial", metavar="N", min=0, help="A trial of each run. Default: all that have a checkpoint."),
    ] = None,
    count: Annotated[int, typer.Option("--count", help="Architectures of the table, no two alike.")] = 1000,
    seed: Annotated[int, typer.Option("--seed", help="Of the sample, the intervals, proxies and trainings.")] = 0,
    proxies: Annotated[
        str | None, typer.Option("--proxies", metavar="P,P", help="Zero-cost proxies, or none. Default: all.")
    ] = None,
    size: Annotated[str, typer.Option("--size", help="What is equal in the equal-size tau: parameters or macs.")] = (
        "parameters"
    ),
    band: Annotated[float, typer.Option("--band", help="The share by which equal sizes may differ.")] = 0.01,
    top: Annotated[int, typer.Option("--top", help="How many of the best by score to average.")] = 10,
    resamples: Annotated[int, typer.Option("--resamples", help="Draws of the bootstrap for the intervals.")] = 500,
    images: Annotated[int, typer.Option("--images", min=0, help="Validation examples that score; 0 for all.")] = 500,
    calibration: Annotated[
        int, typer.Option("--calibration", help="Training examples that normalisations are fitted to.")
    ] = 256,
    refit_head: Annotated[
        bool | None,
        typer.Option("--refit-head/--shared-head", help="Fit a head to them too, or not. Default: as the search did."),
    ] = None,
    scores: Annotated[
        Path | None,
        typer.Option(
            "--scores", metavar="FILE", help="Also write every score: .csv, .json or .parquet. Default: none."
        ),
    ] = None,
    format: FormatOption = None,
    out: OutOption = None,
    quiet: QuietOption = False,
    allow_code: AllowCodeOption = False,
) -> None:
    """Judge how well the shared weights of trained supernets order architectures, by a table or by trainings.

    tau is Kendall's over all pairs, the equal-size tau over pairs of nearly equal size, top_10 the mean true value of
    the ten best by score, and regret how far the best by score is from the best of the sample. Intervals are those of
    95 %. Beside the supernets stand parameters, MACs, zero-cost proxies and short trainings on the same architectures.
    Several supernets have a row each, and a mean.

    Args:
        supernets: runs, their names below runs/, or folders of checkpoints.
        table: the file of trained architectures.
        arch: the column of architectures.
        truth: the column of true values.
        beside: further columns that are judged as scores.
        mode: whether more ("max") or less ("min") of the true value is better.
        train: how many architectures to train where there is no table.
        epochs: of each training.
        settings: settings of the trainings, as KEY=VALUE.
        keep: the folder in which trainings are kept.
        trial: the number of the trial of each run.
        count: how many architectures of the table are drawn.
        seed: of everything random.
        proxies: zero-cost proxies, separated by commas.
        size: what is nearly equal: parameters or macs.
        band: the share by which equal sizes may differ.
        top: how many of the best by score are averaged.
        resamples: draws of the bootstrap.
        images: validation examples that score.
        calibration: training examples to which normalisations are fitted.
        refit_head: whether a head is fitted to these examples for each architecture.
        scores: the file of the scores of every architecture.
        format: the format; by default that of the file's suffix, else a table.
        out: the file to write; by default stdout.
        quiet: whether to show no progress and no notes.
        allow_code: whether to import the code that a run from elsewhere, or a checkpoint, names.

    Raises:
        ConfigError: an option cannot be.
    """
    if scores is not None and format_of(None, scores) is FrameFormat.TABLE:
        raise ConfigError(f"--scores {scores}: the name must end with .csv, .json or .parquet")
    from nas_tune.benchmarks.ranking import ranking as judged
    from nas_tune.cli.frames import export_frame
    from nas_tune.cli.search import parse_changes

    asked = {} if proxies is None else {"proxies": _names(proxies)}
    found = judged(
        [run_folder(one) for one in supernets],
        table,
        architecture=arch,
        truth=truth,
        beside=beside or (),
        mode=mode,
        train=train,
        epochs=epochs,
        training=parse_changes(settings, {}) if settings else None,
        keep=keep,
        trial=trial,
        count=count,
        seed=seed,
        **asked,
        size=size,
        band=band,
        top=top,
        resamples=resamples,
        images=images or None,
        calibration=calibration,
        refit_head=refit_head,
        allow_code=allow_code,
        progress=None if quiet else _watched,
    )
    export_frame(found.measures, format_of(format, out), out, _columns(found.measures))
    if scores is not None:
        export_frame(found.scores, format_of(None, scores), scores, ())
    for note in () if quiet else found.notes:
        stderr().print(note, style="dim")


def _names(text: str) -> list[str]:
    return [] if text.strip() == _NONE else [name.strip() for name in text.split(",")]


def _watched(architectures: Sequence[Architecture], what: str) -> Iterable[Architecture]:
    """The architectures, with a progress bar where stderr is a terminal."""
    from rich.progress import track

    console = stderr()
    return track(architectures, what, console=console, disable=not console.is_terminal, transient=True)


def _columns(frame: pd.DataFrame) -> list[TableColumn]:
    """Measures first and their intervals behind, so that a narrow terminal has the measures."""
    from nas_tune.cli.tables import TableColumn
    from nas_tune.cli.text import plain

    found = [TableColumn("score", [plain(one) for one in frame["score"]])]
    if frame["supernet"].notna().any():
        named = ["-" if one is None or one != one else plain(one) for one in frame["supernet"]]
        found.append(TableColumn("supernet", named, elastic=True))
    measures = [str(name) for name in frame if f"{name}_low" in frame]
    for name in measures:
        found.append(TableColumn(name, [_short(one) for one in frame[name]], right=True))
    found.append(TableColumn("seconds", [f"{one:.1f}" for one in frame["seconds"]], right=True))
    for name in measures:
        ends = zip(frame[f"{name}_low"], frame[f"{name}_high"], strict=True)
        cells = ["-" if low != low else f"{_short(low)} to {_short(high)}" for low, high in ends]
        found.append(TableColumn(f"{name} interval", cells, right=True))
    return found


def _short(value: float) -> str:
    return "-" if value != value else f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}"
