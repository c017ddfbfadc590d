"""`nas-tune report`: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_tune.cli.options import RunArgument
from nas_tune.cli.places import run_folder, shown, stderr, stdout

__all__ = ["report"]


def report(
    run: RunArgument,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The file. Default: RUN/report.html.")
    ] = None,
) -> None:
    """Write one HTML file that shows the whole run, and opens without a network.

    The search may still be running. Prints the path of the file.

    Args:
        run: the run's folder, or its name below runs/.
        out: the file to write; by default report.html in the run's folder.
    """
    from nas_tune.reports import report as write
    from nas_tune.results import Run

    opened, console = Run(run_folder(run)), stderr()
    if console.is_terminal:
        with console.status("reading the run, asking which decisions mattered"):
            path = write(opened, out)
    else:
        path = write(opened, out)
    console.print(f"{opened.state.trials} trials, {path.stat().st_size / 1e3:,.0f} kB", style="dim")
    stdout().print(shown(path))
