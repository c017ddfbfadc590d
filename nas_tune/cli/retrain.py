"""`nas-tune retrain`: trains the best architectures from scratch, and compares them with random ones."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.options import AllowCodeOption, QuietOption, RunArgument
from nas_tune.cli.places import run_folder, shown, stderr, stdout
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode

if TYPE_CHECKING:
    from nas_tune.results import Run
    from nas_tune.winners.retrain.plan import RetrainingPlan

__all__ = ["retrain"]


def retrain(
    run: RunArgument,
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="N", help="Retrain the architecture of this trial, not of --top.")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", metavar="K", min=1, help="Retrain the K best architectures. Default: 1.")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each architecture.")] = 3,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Epochs of each training. Default: four times the search's.")
    ] = None,
    baselines: Annotated[
        int, typer.Option("--baselines", min=0, help="Random architectures of the same cost to compare with.")
    ] = 1,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the trainable; may be repeated."),
    ] = None,
    trainable: Annotated[
        str | None, typer.Option("--trainable", metavar="NAME", help="Train with this trainable. Default: the run's.")
    ] = None,
    metric: Annotated[
        str | None,
        typer.Option("--metric", metavar="NAME", help="The metric to judge by on the test split. Default: the run's."),
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="Whether more of --metric is better. Default: as the run says.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="The seed of the trainings. Default: the run's.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Trainings at a time, -1 for all that fit. Default: the run's.")
    ] = None,
    executor: Annotated[str | None, typer.Option("--executor", help="ray or inline. Default: the run's.")] = None,
    devices: Annotated[
        int | None,
        typer.Option("--devices", min=1, help="GPUs (or CPU processes) for each network. Default: the run's."),
    ] = None,
    allow_code: AllowCodeOption = False,
    new: Annotated[bool, typer.Option("--new", help="Retrain again, beside an earlier retraining.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: QuietOption = False,
) -> None:
    """Train the best architectures of a run from scratch, test them once, and check the ranking of the search.

    An image classifier trains on all but the test images, by the full recipe (cutout, label smoothing, averaged
    weights, and where the network takes them an auxiliary head and drop path). Another trainable trains as in the
    search, and also on its validation data where it takes the setting `whole`. The retraining may be stopped (Ctrl-C)
    or killed at any time: the same command goes on with it, and prints the report again once it is finished. A command
    with other options retrains beside it, in RUN/retrain-2.

    Args:
        run: the run's folder, or its name below runs/.
        trial: the number of the trial whose architecture is trained.
        top: how many of the best architectures are trained; by default 1.
        seeds: how many times each architecture is trained.
        epochs: the epochs of each training; by default four times those of the search.
        baselines: how many random architectures of the same cost are trained, too.
        changes: changed settings of the trainable, as KEY=VALUE.
        trainable: another trainable than that of the run.
        metric: the metric of the test split; by default that of the run.
        mode: whether more ("max") or less ("min") of the metric is better.
        seed: the seed of the trainings; by default that of the run.
        workers: how many trainings run at a time; by default as in the run.
        executor: ray or inline; by default as in the run.
        devices: how many GPUs or CPU processes train each network together.
        allow_code: whether to import the code that a run from elsewhere names.
        new: whether to retrain again, beside an earlier retraining.
        as_json: whether to print the report as JSON.
        quiet: whether to show no progress.

    Raises:
        ConfigError: both `trial` and `top` are given, or another option breaks a rule.
    """
    from nas_tune.results import Run

    if trial is not None and top is not None:
        raise ConfigError("--trial and --top exclude each other; --trial names the one to retrain")
    opened = Run(run_folder(run))
    asked = {"seeds": seeds, "epochs": epochs, "baselines": baselines, "seed": seed, "new": new, "devices": devices}
    how = {"trainable": trainable, "metric": metric, "mode": mode, "workers": workers, "executor": executor}
    how |= {"allow_code": allow_code}
    with redirect_stdout(sys.stderr):
        found = _retrained(opened, changes or (), quiet, trial=trial, top=top or 1, **asked, **how)
    out = stdout()
    if as_json:
        out.print(json.dumps(found.honesty.to_dict(), indent=2, ensure_ascii=False))
        return
    out.print(found.honesty.text())
    out.print(f"retrained: {shown(found.path)} (honesty.md, honesty.json; its trainings are the trials of a run)")


def _retrained(opened: Run, changes: Sequence[str], quiet: bool, **asked: Any) -> Any:
    """Plan the retraining, print the plan, and carry it out with a progress display."""
    from nas_tune.cli.progress import progress_display
    from nas_tune.cli.search import parse_changes
    from nas_tune.cli.units import RunUnits
    from nas_tune.winners.retrain.plan import plan
    from nas_tune.winners.retrain.retrain import carry_out

    # A change of one key keeps the other keys of a table among the run's settings.
    decided = plan(opened, settings=parse_changes(changes, opened.config.trainable.settings), **asked)
    if not quiet:
        _print_plan(decided)

    def written(tree: Any) -> str:
        return f"{decided.candidates[tree['chosen']].label}, repeat {tree['repeat']}"

    quiet = quiet or _is_finished(decided)
    with (
        _resumable(decided),
        progress_display(
            stderr(), decided.config, written, unit=RunUnits(lambda: decided.folder), quiet=quiet
        ) as observer,
    ):
        return carry_out(decided, () if observer is None else (observer,), allow_code=asked["allow_code"])


def _is_finished(decided: RetrainingPlan) -> bool:
    from nas_tune.winners.retrain.retrained import Retrained

    return decided.is_begun and Retrained(decided.folder).finished


def _print_plan(decided: RetrainingPlan) -> None:
    """Print what is going to be trained, and by which recipe."""
    from nas_tune.cli.text import plain

    console, config = stderr(), decided.config
    verb = "read" if _is_finished(decided) else "going on with" if decided.is_begun else "to be trained"
    what = ", ".join(candidate.label for candidate in decided.candidates)
    console.print(
        f"{shown(decided.folder)} ({verb}): {what}; each {decided.seeds} times for {config.max_epochs} epochs, "
        f"{config.max_trials} trainings in all"
    )
    recipe = ", ".join(f"{key} {json.dumps(value)}" for key, value in decided.settings.items())
    console.print(plain(f"recipe: {decided.of}: {recipe or 'its defaults'}"))
    for note in decided.notes:
        console.print(f"note: {plain(note)}", style="dim")


@contextmanager
def _resumable(decided: RetrainingPlan) -> Iterator[None]:
    """Print how a stopped retraining can be resumed."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        stderr().print(f"stopped; the same command goes on with {shown(decided.folder)}")
        raise
