"""Retraining from Python; the command line calls the same functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas_tune.api import resume, run_config
from nas_tune.coordination.observers import Observer
from nas_tune.results import Run
from nas_tune.winners.retrain.plan import Plan, plan
from nas_tune.winners.retrain.retrained import Retrained
from trainables.registry import Target

__all__ = ["carry_out", "retrain"]


def retrain(
    run: Run | str | Path,
    trial: int | None = None,
    *,
    top: int = 1,
    seeds: int = 3,
    epochs: int | None = None,
    baselines: int = 1,
    settings: Mapping[str, Any] | None = None,
    trainable: str | Target | None = None,
    metric: str | None = None,
    mode: str | None = None,
    seed: int | None = None,
    new: bool = False,
    devices: int | None = None,
    allow_code: bool = False,
    observers: Sequence[Observer] = (),
    **where: Any,
) -> Retrained:
    """Train what a run found from scratch, test it once, and say how much of what the search said holds.

    A retraining is a run of its own in `<run>/retrain`. It may be stopped and killed at any time: the same call goes on
    with it, and reads it once it is finished. A call that asks for something else makes `<run>/retrain-2` beside it.

    Args:
        run: the run, or its folder.
        trial: whose architecture to train; by default those of the `top` best.
        seeds: how often each is trained.
        epochs: of each training, with a schedule of that length; by default four times those of the search.
        baselines: random architectures of the cost of the first, trained likewise.
        settings: of the trainable, before those of the full recipe and of the run.
        trainable: what trains, where it is not the run's own: a name, "module:attribute", a class or a function.
        metric: of the test split, by which the trainings are judged; by default that of the run.
        mode: "max" or "min", where neither the run nor the trainable (by its attribute `modes`) says it of the metric.
        seed: of the trainings and of the baselines; by default that of the run.
        new: make another one, even if this very one is there.
        devices: how many train each network together, by Ray: GPUs where the run's trials have any, else CPU processes;
            `resources={"devices": 2, "gpus": 1}` says it all. With another number it is another retraining.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        observers: told of every event.
        where: workers, executor, address, resources, as in `nas_tune.search`; by default those of the run.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError, TrainableError, DataError: it cannot be done as asked; nothing was written.
        ResumeRefusedError: the code of the trainable changed since the retraining was begun.
        NoUsableTrialError: not one training could be completed.
    """
    opened = Run.of(run)
    decided = plan(
        opened,
        trial,
        top=top,
        seeds=seeds,
        epochs=epochs,
        baselines=baselines,
        settings=settings,
        trainable=trainable,
        metric=metric,
        mode=mode,
        seed=seed,
        new=new,
        devices=devices,
        allow_code=allow_code,
        **where,
    )
    return carry_out(decided, observers, allow_code=allow_code)


def carry_out(decided: Plan, observers: Sequence[Observer] = (), *, allow_code: bool = False) -> Retrained:
    """Do what is left of a plan, and write the report. Errors as `retrain`."""
    if not decided.is_begun:
        run_config(decided.config, observers=observers, space=decided.space, target=decided.target)
    elif not Retrained(decided.folder).finished:
        resume(
            decided.folder,
            changes=decided.changes,
            trainable=decided.target,
            allow_code=allow_code,
            observers=observers,
        )
    made = Retrained(decided.folder)
    made.write()
    return made
