"""`nas-tune evaluate`: the metrics of a trained network on a part of the data of its run."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from nas_tune.cli.options import AllowCodeOption, JsonOption, RunArgument, TrialOption
from nas_tune.cli.places import run_folder, stdout

__all__ = ["evaluate"]


def evaluate(
    run: RunArgument,
    split: Annotated[str, typer.Option("--split", help="The part of the data: test or validation.")] = "test",
    trial: TrialOption = None,
    allow_code: AllowCodeOption = False,
    as_json: JsonOption = False,
) -> None:
    """Evaluate the network of a trial, as its last checkpoint left it, on a part of the run's data.

    Args:
        run: the run's folder, or its name below runs/.
        split: the part of the data.
        trial: the number of the trial; by default the best.
        allow_code: whether to import the code that a run from elsewhere names.
        as_json: whether to print JSON.
    """
    from nas_tune.cli.text import measured, plain
    from nas_tune.results import Run

    opened = Run(run_folder(run))
    found = opened.evaluate(trial, split, allow_code=allow_code)
    if as_json:
        stdout().print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        stdout().print(f"{plain(name)}  {measured(value, opened.unit(name))}")
