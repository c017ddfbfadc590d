"""`nas-tune export`: the network of a trial as files that work without this project."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nas_tune.cli.options import (
    AllowCodeOption,
    JsonOption,
    NormalizationOption,
    RetrainedOption,
    RunArgument,
    TrialOption,
)
from nas_tune.cli.places import run_folder, shown, stderr, stdout, width_of
from trainables.export.formats import STANDARD

if TYPE_CHECKING:
    from nas_tune.winners.export import Export

__all__ = ["export"]

_Formats = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        metavar="F,F",
        help=f"Formats, also of plug-ins; may be repeated. Default: {', '.join(STANDARD)}.",
    ),
]
_Folder = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="The folder to write. Default: one in RUN/export.")
]


def export(
    run: RunArgument,
    trial: TrialOption = None,
    format: _Formats = None,
    out: _Folder = None,
    retrained: RetrainedOption = None,
    allow_code: AllowCodeOption = False,
    normalization: NormalizationOption = True,
    as_json: JsonOption = False,
) -> None:
    """Write the network of a trial as safetensors, a readable model.py, torch.export and ONNX.

    Each file is loaded again in a fresh interpreter and its outputs are compared with the network's. A model
    card is written beside them. Exit code 1 if a format cannot be written; the others are.

    Args:
        run: the run's folder, or its name below runs/.
        trial: the number of the trial; by default the best.
        format: the formats, each by itself or several separated by commas; by default those of this package.
        out: the folder to write; by default RUN/export/trial-NNNNNN.
        retrained: whether to take the weights of a retraining (true) or of the search (false); by default those there
            are.
        allow_code: whether to import the code that a run from elsewhere names.
        normalization: whether the files standardize raw inputs themselves.
        as_json: whether to print JSON.
    """
    from nas_tune.results import Run
    from nas_tune.winners.export import export as written

    opened = Run(run_folder(run))
    with _progress() as progress:
        made = written(
            opened,
            trial,
            formats=",".join(format or STANDARD).split(","),
            folder=out,
            retrained=retrained,
            allow_code=allow_code,
            normalization=normalization,
            progress=progress,
        )
    if as_json:
        stdout().print(_json(made))
    else:
        _print(made)
    if not made.complete:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """Show the steps: in place on a terminal, as lines elsewhere."""
    console = stderr()
    with console.status("loading the network") as status:

        def progress(what: str, step: int, steps: int) -> None:
            if console.is_terminal:
                status.update(f"{step + 1}/{steps}  {what}")
            else:
                console.print(f"{step + 1}/{steps}  {what}", style="dim")

        yield progress


def _print(made: Export) -> None:
    from nas_tune.cli.tables import TableColumn, lines
    from nas_tune.cli.text import plain, quantity

    out, results = stdout(), made.formats
    columns = [
        TableColumn("format", [one.format for one in results]),
        TableColumn("files", [", ".join(file.name for file in one.files) or "-" for one in results]),
        TableColumn("inputs", [one.inputs or "-" for one in results]),
        TableColumn("bytes", [quantity(one.bytes) if one.files else "-" for one in results], right=True),
        TableColumn(
            "difference", ["-" if one.difference is None else f"{one.difference:.1e}" for one in results], right=True
        ),
        TableColumn("tolerance", [f"{one.tolerance:g}" for one in results], right=True),
    ]
    for line in lines(columns, width_of(out)):
        out.print(line)
    out.print()
    out.print(f"trial {made.trial}, {plain(made.origin)}")
    out.print(f"with a model card, in {shown(made.folder)}")
    for one in results:
        if one.problem:
            stderr().print(f"{one.format}: {plain(one.problem)}", style="dim" if one.files else "bold red")


def _json(made: Export) -> str:
    formats = []
    for one in made.formats:
        formats.append(
            {
                "format": one.format,
                "files": [str(file) for file in one.files],
                "bytes": one.bytes,
                "difference": one.difference,
                "tolerance": one.tolerance,
                "inputs": one.inputs or None,
                "problem": one.problem or None,
            }
        )
    return json.dumps(
        {
            "trial": made.trial,
            "weights": made.origin,
            "folder": str(made.folder),
            "card": str(made.card),
            "formats": formats,
        },
        indent=2,
    )
