"""`nas-tune retrain`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

import typer

from nas_tune.cli.places import run_folder, shown, stderr, stdout
from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import Mode

if TYPE_CHECKING:
    from nas_tune.results import Run
    from nas_tune.winners.retrain.plan import Plan

__all__ = ["retrain"]


def retrain(
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run's folder, or its name below runs/.")],
    trial: Annotated[
        int | None, typer.Option("--trial", metavar="N", help="Retrain this trial's architecture.")
    ] = None,
    top: Annotated[
        int | None, typer.Option("--top", metavar="K", min=1, help="Retrain the K best.  [default: 1]")
    ] = None,
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Trainings of each architecture.")] = 3,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="Of each training.  [default: four times the search's]")
    ] = None,
    baselines: Annotated[
        int, typer.Option("--baselines", min=0, help="Random architectures of the same cost to compare with.")
    ] = 1,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the trainable; may be repeated."),
    ] = None,
    trainable: Annotated[
        str | None, typer.Option("--trainable", metavar="NAME", help="Train with another one than the run's.")
    ] = None,
    metric: Annotated[str | None, typer.Option("--metric", help="Of the test split; by default the run's.")] = None,
    mode: Annotated[
        Mode | None, typer.Option("--mode", help="Of a metric of which neither the run nor its trainable says it.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Of the trainings.  [default: the run's]")] = None,
    workers: Annotated[int | None, typer.Option("--workers", help="Trainings at a time.  [default: the run's]")] = None,
    executor: Annotated[str | None, typer.Option("--executor", help="ray or inline.  [default: the run's]")] = None,
    devices: Annotated[
        int | None, typer.Option("--devices", min=1, help="GPUs (or CPU processes) that train each network together.")
    ] = None,
    allow_code: Annotated[
        bool, typer.Option("--allow-code", help="Import the code that the run names, whoever began it.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Retrain anew, beside what is there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Train what a run found from scratch, test it once, and say how much of what the search said holds.

    An image classifier trains on all but the test images, by the full recipe (cutout, label smoothing, averaged
    weights, and where the network takes them an auxiliary head and drop path); another trainable as in the search, but
    on its validation data too where it takes the setting `whole`. It may be stopped (Ctrl-C) and killed at
    any time: the same command goes on with it, and prints the report again once it is finished. A command that asks for
    something else retrains beside it, in RUN/retrain-2.
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
    out.print(f"retrained: {shown(found.path)} (honesty.md, honesty.json, trainings as in any run)")


def _retrained(opened: Run, changes: Sequence[str], quiet: bool, **asked: Any) -> Any:
    """Plan it, say so, and do it with a display."""
    from nas_tune.cli.progress import watching
    from nas_tune.cli.search import parse_changes
    from nas_tune.winners.retrain.plan import plan
    from nas_tune.winners.retrain.retrain import carry_out

    decided = plan(opened, settings=parse_changes(changes, _settings_of(opened)), **asked)
    if not quiet:
        _say(decided)
    with (
        _resumable(decided),
        watching(stderr(), decided.config, _written(decided), quiet=quiet or _is_finished(decided)) as observer,
    ):
        return carry_out(decided, () if observer is None else (observer,), allow_code=asked["allow_code"])


def _settings_of(run: Run) -> dict[str, Any]:
    """What a table among the settings keeps where one of its keys is changed."""
    return dict(run.config.trainable.settings)


def _is_finished(decided: Plan) -> bool:
    from nas_tune.winners.retrain.retrained import Retrained

    return decided.is_begun and Retrained(decided.folder).finished


def _say(decided: Plan) -> None:
    """What is going to be done, and by which recipe."""
    from nas_tune.cli.text import plain

    console, config = stderr(), decided.config
    verb = "read" if _is_finished(decided) else "going on with" if decided.is_begun else "to be trained"
    what = ", ".join(candidate.label for candidate in decided.candidates)
    console.print(f"{shown(decided.folder)} ({verb}): {what}; {decided.seeds} x {config.max_epochs} epochs each")
    recipe = ", ".join(f"{key} {json.dumps(value)}" for key, value in decided.settings.items())
    console.print(plain(f"recipe: {decided.of}: {recipe or 'its defaults'}"))
    for note in decided.notes:
        console.print(f"note: {plain(note)}", style="dim")


def _written(decided: Plan) -> Any:
    """What turns a trial's pair into text."""

    def written(tree: Any) -> str:
        return f"{decided.candidates[tree['chosen']].label}, repeat {tree['repeat']}"

    return written


@contextmanager
def _resumable(decided: Plan) -> Iterator[None]:
    """A retraining that is stopped says how it goes on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        stderr().print(f"stopped; the same command goes on with {shown(decided.folder)}")
        raise
