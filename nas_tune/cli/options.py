"""Options that several commands take, so that each has one help text.

A command uses them as the types of its parameters: `def report(run: RunArgument, out: ...)`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from nas_tune.cli.formats import FrameFormat

__all__ = [
    "AllowCodeOption",
    "BatchOption",
    "CommandOption",
    "EngineOption",
    "FormatOption",
    "JsonOption",
    "NormalizationOption",
    "OutOption",
    "PrecisionOption",
    "QuietOption",
    "RetrainedOption",
    "RunArgument",
    "ThreadsOption",
    "TimeoutOption",
    "TrialOption",
    "WattsOption",
    "device_said",
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

EngineOption = Annotated[
    str | None,
    typer.Option("--engine", help="onnxruntime, torch, compile, cuda or command. Default: onnxruntime."),
]
ThreadsOption = Annotated[int | None, typer.Option("--threads", help="Threads of the processor. Default: 1.")]
BatchOption = Annotated[int | None, typer.Option("--batch", help="Examples in a batch. Default: 1.")]
PrecisionOption = Annotated[str | None, typer.Option("--precision", help="float32, float16 or int8. Default: float32.")]
CommandOption = Annotated[
    str | None,
    typer.Option(
        "--command", metavar="CMD", help="A program that gets an ONNX file and prints milliseconds. Default: none."
    ),
]
TimeoutOption = Annotated[
    float | None, typer.Option("--timeout", help="Seconds for one call of the command. Default: 60.")
]
WattsOption = Annotated[
    float | None, typer.Option("--watts", help="The power of the device, to estimate energy from. Default: none.")
]


def device_said(
    engine: str | None,
    threads: int | None,
    batch: int | None,
    precision: str | None,
    command: str | None,
    timeout: float | None,
    watts: float | None,
) -> dict[str, Any] | None:
    """Join the options of a device.

    Args:
        engine: what runs the networks; with a command alone it is "command".
        threads: of the engine.
        batch: examples that are computed together.
        precision: of weights and activations.
        command: the program that measures.
        timeout: seconds for one call of it.
        watts: the power of the device.

    Returns:
        What was said, as a table for `Device.of`; None where no option was given.
    """
    said = {
        "engine": "command" if command is not None and engine is None else engine,
        "threads": threads,
        "batch": batch,
        "precision": precision,
        "command": command,
        "timeout": timeout,
        "watts": watts,
    }
    return {key: value for key, value in said.items() if value is not None} or None
