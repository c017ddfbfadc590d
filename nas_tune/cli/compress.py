"""`nas-tune compress`: prunes, trains further and quantizes the network of a trial."""

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
    QuietOption,
    RetrainedOption,
    RunArgument,
    TrialOption,
)
from nas_tune.cli.places import run_folder, shown, stderr, stdout, width_of

if TYPE_CHECKING:
    from nas_tune.winners.compress import Compression

__all__ = ["compress"]

_Prune = Annotated[
    float | None,
    typer.Option(
        "--prune", metavar="SHARE", help="The share of channels or weights to remove, such as 0.5. Default: none."
    ),
]
_Method = Annotated[
    str, typer.Option("--method", help="How to prune: structured removes channels, magnitude sets weights to zero.")
]
_Quantize = Annotated[
    str | None, typer.Option("--quantize", metavar="KIND", help="int8: weights and activations. Default: none.")
]
_Epochs = Annotated[
    int | None,
    typer.Option("--epochs", help="Epochs of training after pruning. Default: a third of those before, at least 3."),
]
_Calibration = Annotated[
    int, typer.Option("--calibration", help="Training inputs on which the ranges for int8 are measured.")
]
_Seed = Annotated[
    int | None,
    typer.Option("--seed", help="The seed of the training after pruning. Default: that of the training before."),
]
_Threads = Annotated[int, typer.Option("--threads", help="CPU threads on which latency is measured.")]
_Folder = Annotated[
    Path | None, typer.Option("--out", metavar="FOLDER", help="A new folder. Default: one in RUN/compress.")
]


def compress(
    run: RunArgument,
    trial: TrialOption = None,
    prune: _Prune = None,
    method: _Method = "structured",
    quantize: _Quantize = None,
    epochs: _Epochs = None,
    calibration: _Calibration = 256,
    retrained: RetrainedOption = None,
    seed: _Seed = None,
    threads: _Threads = 1,
    normalization: NormalizationOption = True,
    out: _Folder = None,
    allow_code: AllowCodeOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make the network of a trial smaller: prune it, train it further, quantize it to int8, and measure the loss.

    Give --prune, --quantize or both. The table compares metrics of the test split, size and latency before and after,
    on this machine. Files: ONNX (loaded again in a fresh interpreter), after pruning also safetensors and model.py.

    Args:
        run: the run's folder, or its name below runs/.
        trial: the number of the trial; by default the best.
        prune: the share of channels or weights that is removed, such as 0.5.
        method: structured (removes channels) or magnitude (sets weights to zero).
        quantize: int8, or nothing.
        epochs: the epochs of training after pruning; by default a third of those before, at least 3.
        calibration: how many training inputs show the ranges of values for int8.
        retrained: whether to take the weights of a retraining (true) or of the search (false); by default those there
            are.
        seed: the seed of the training after pruning.
        threads: the number of threads on which latency is measured.
        normalization: whether the files standardize raw inputs themselves.
        out: a new folder to write; by default RUN/compress/trial-NNNNNN.
        allow_code: whether to import the code that a run from elsewhere names.
        as_json: whether to print JSON.
        quiet: whether to show no progress.
    """
    from nas_tune.results import Run
    from nas_tune.winners.compress import compress as compressed

    opened = Run(run_folder(run))
    with _progress(quiet) as progress:
        made = compressed(
            opened,
            trial,
            prune=prune,
            quantize=quantize,
            method=method,
            epochs=epochs,
            calibration=calibration,
            retrained=retrained,
            allow_code=allow_code,
            seed=seed,
            threads=threads,
            normalization=normalization,
            folder=out,
            progress=progress,
        )
    if as_json:
        stdout().print(json.dumps(made.to_dict(), indent=2, ensure_ascii=False))
    else:
        _say(made)


@contextmanager
def _progress(quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """Show the steps: a bar on a terminal, lines elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    if quiet or not console.is_terminal:
        yield lambda what, step, steps: None if quiet else console.print(f"{step + 1}/{steps}  {what}", style="dim")
        return
    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("loading the network", total=None)
        yield lambda what, step, steps: bar.update(task, description=what, completed=step, total=steps)


def _say(made: Compression) -> None:
    from nas_tune.cli.tables import TableColumn, lines
    from nas_tune.cli.text import plain

    out = stdout()
    headers, rows = made.table()
    columns = []
    for place, header in enumerate(headers):
        columns.append(TableColumn(header, [row[place] for row in rows], right=place > 0))
    for line in lines(columns, width_of(out)):
        out.print(line)
    out.print()
    out.print(made.summary())
    out.print(f"trial {made.made.trial}, weights {made.made.origin}")
    for said in (*made.steps, made.supernet, f"latency: {made.measured}", made.doubt):
        if said:
            out.print(plain(said))
    out.print(f"in {shown(made.folder)}: {', '.join(file.name for file in made.result.files)}")
    out.print(plain(f"they take {made.inputs}"))
    for note in made.result.notes:
        stderr().print(f"note: {plain(note)}", style="dim")
