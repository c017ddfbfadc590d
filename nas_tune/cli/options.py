"""Options that several commands take, so that each has one help text.

A command uses them as the types of its parameters: `def report(run: RunArgument, out: ...)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from nas_tune.cli.formats import FrameFormat

__all__ = [
    "AllowCodeOption",
    "FormatOption",
    "JsonOption",
    "NormalizationOption",
    "OutOption",
    "QuietOption",
    "RetrainedOption",
    "RunArgument",
    "TrialOption",
]

RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The run's folder, or its name below runs/.")]
TrialOption = Annotated[
    int | None, typer.Option("--trial", metavar="N", min=0, help="The number of a trial. Default: the best.")
]
RetrainedOption = Annotated[
    bool | None,
    typer.Option(
        "--retrained/--searched",
        help="Weights of nas-tune retrain, or of the search. Default: of retrain, if the trial was retrained.",
    ),
]
NormalizationOption = Annotated[
    bool,
    typer.Option(
        "--normalization/--no-normalization",
        help="Files take raw inputs and standardize them, or expect standardized inputs.",
    ),
]
AllowCodeOption = Annotated[
    bool, typer.Option("--allow-code", help="Import the code that the run names, even if it was begun elsewhere.")
]
FormatOption = Annotated[
    FrameFormat | None, typer.Option("--format", help="Default: what --out ends with, else a table.")
]
OutOption = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write into this file. Default: stdout.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
