"""The public functions of a retraining, which the command line calls too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nas_tune.api import resume, run_config
from nas_tune.coordination.observers import Observer
from nas_tune.results import Run
from nas_tune.winners.retrain.plan import RetrainingPlan, plan
from nas_tune.winners.retrain.retrained import Retrained
from trainables.registry import TrainableTarget

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
    trainable: str | TrainableTarget | None = None,
    metric: str | None = None,
    mode: str | None = None,
    seed: int | None = None,
    new: bool = False,
    devices: int | None = None,
    allow_code: bool = False,
    observers: Sequence[Observer] = (),
    **where: Any,
) -> Retrained:
    """Train the best architectures of a run from scratch, test each once, and compare the results with the search.

    A retraining is a run in `<run>/retrain`. It may be stopped and killed at any time: the same call continues it, and
    reads it once it is finished. A call with other arguments makes `<run>/retrain-2` beside it.

    Args:
        run: the run, or its folder.
        trial: the number of the trial whose architecture to train; None for those of the `top` best.
        top: the number of trials whose architectures to train.
        seeds: the number of trainings of each.
        epochs: of each training, with a schedule of that length; by default four times those of the search.
        baselines: the number of random architectures with the cost of the first, trained alike.
        settings: of the trainable, with priority over those of the full recipe and of the run.
        trainable: replaces the run's own one: a name, "module:attribute", a class or a function.
        metric: of the test split, by which the trainings are judged; by default that of the run.
        mode: "max" or "min", if neither the run nor the trainable (by its attribute `modes`) declares it.
        seed: of the trainings and of the baselines; by default that of the run.
        new: make another retraining, even if this same one is there.
        devices: how many train each network together, by Ray: GPUs where the run's trials have any, else CPU processes;
            `resources={"devices": 2, "gpus": 1}` sets both. Another number makes another retraining.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        observers: called for every event.
        where: workers, executor, address, resources, as in `nas_tune.search`; by default those of the run.

    Returns:
        The retraining, finished, or as far as it got.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError, TrainableError, DataError: an argument, a setting or the data are wrong; nothing was written.
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


def carry_out(decided: RetrainingPlan, observers: Sequence[Observer] = (), *, allow_code: bool = False) -> Retrained:
    """Carry out the rest of a plan, and write the report.

    Args:
        decided: the plan.
        observers: called for every event.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.

    Returns:
        The retraining, finished, or as far as it got.

    Raises:
        ResumeRefusedError: the code of the trainable changed since the retraining was begun.
        NoUsableTrialError: not one training could be completed.
    """
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
