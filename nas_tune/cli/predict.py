"""`nas-tune predict`: predictions of a winner or of an exported folder for new data, as a table."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.formats import FrameFormat, format_of
from nas_tune.cli.options import AllowCodeOption, FormatOption, OutOption, RetrainedOption, TrialOption
from nas_tune.cli.places import run_folder, shown, stderr, stdout
from nas_tune.errors import ConfigError

if TYPE_CHECKING:
    from trainables.tasks.predictor import Predictor

__all__ = ["predict"]


def predict(
    source: Annotated[
        str, typer.Argument(metavar="RUN|FOLDER", help="A run, its name below runs/, or an exported folder.")
    ],
    data: Annotated[
        Path | None, typer.Argument(metavar="DATA", help="A file or folder of inputs, of a kind that the task reads.")
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="A part of the run's own data, such as test, instead of DATA.")
    ] = None,
    trial: TrialOption = None,
    retrained: RetrainedOption = None,
    out: OutOption = None,
    draw: Annotated[
        Path | None,
        typer.Option("--draw", metavar="FILE", help="A picture of DATA with what was found, such as boxes; .png."),
    ] = None,
    format: FormatOption = None,
    allow_code: AllowCodeOption = False,
) -> None:
    """Predict with the winner of a run or with an exported folder.

    A row for each example: its number or file, the prediction, and a probability for each class; for detection a row
    for each box. DATA needs no targets.

    Args:
        source: a run's folder, its name below runs/, or an exported folder.
        data: the path of the inputs.
        split: a part of the run's own data, in place of `data`.
        trial: the number of the trial of a run; by default the best.
        retrained: whether to take the weights of a retraining (true) or of the search (false); by default those there
            are.
        out: the file to write; by default the result is printed.
        draw: the picture to write; of several inputs each has its number before the ending.
        format: the format; by default that of the ending of `out`.
        allow_code: whether to import the code that a run or folder from elsewhere names.

    Raises:
        ConfigError: both or neither of `data` and `split` are given, or `draw` with `split`.
        DataError: no picture can be written to `draw`.
    """
    from nas_tune.cli.frames import export_frame, text_columns
    from nas_tune.winners.predict import load, prediction_frame
    from trainables.data.picture_files import check_picture_file

    if data is None and split is None:
        raise ConfigError("no data are given; give DATA, or --split test for a part of the run's own data")
    if data is not None and split is not None:
        raise ConfigError(f"got DATA {shown(data)} and --split {split}; give one of them")
    if draw is not None and data is None:
        raise ConfigError(f"got --draw {shown(draw)} with --split, and pictures are drawn of DATA; give DATA")
    if draw is not None:
        check_picture_file(draw)
    predictor = load(run_folder(source), trial, retrained=retrained, allow_code=allow_code)
    if predictor.writes:
        _write(predictor, data, split, out, draw)
        return
    found = predictor.of_split(split) if split is not None else predictor.predictions(os.fspath(data or ""))
    frame = prediction_frame(found, predictor.classes)
    kind = format_of(format, out)
    if kind is FrameFormat.TABLE and out is not None and format is None:
        kind = FrameFormat.CSV
    stderr().print(f"{predictor.task or 'a network'} from {predictor.source}", style="dim")
    export_frame(frame, kind, out, text_columns(frame))
    if draw is not None:
        for written in predictor.draw(os.fspath(data or ""), draw):
            stderr().print(f"wrote {shown(written)}", style="dim")


def _write(predictor: Predictor, data: Path | None, split: str | None, out: Path | None, draw: Path | None) -> None:
    """Write predictions that are no rows of a table, such as masks."""
    if out is None and draw is None:
        raise ConfigError(
            f"the task {predictor.task} predicts no rows of a table; give --out with an .npz file, or for NIfTI "
            "files a folder"
        )
    written: list[Path] = []
    with warnings.catch_warnings(record=True) as noticed:
        warnings.simplefilter("always", UserWarning)
        if out is not None:
            written += predictor.write(os.fspath(data or ""), out, split=split)
        if draw is not None:
            written += predictor.draw(os.fspath(data or ""), draw)
    for text in dict.fromkeys(str(one.message) for one in noticed if one.category is UserWarning):
        stderr().print(f"note: {text}", style="yellow", markup=False, highlight=False)
    stderr().print(f"{predictor.task} from {predictor.source}", style="dim")
    for file in written:
        stdout().print(shown(file))
