"""The trained network of a trial, as its last checkpoint left it, and what it does on a split of its data."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from nas_tune.errors import ConfigError, NoUsableTrialError
from nas_tune.executors.job import trial_folder
from nas_tune.ledger import Ledger, replay
from nas_tune.objectives.objective import Objective
from nas_tune.results import Run
from nas_tune.results.pictures import keep_pictures
from nas_tune.session.arguments import check_flags
from nas_tune.session.reopening import reopened
from trainables.networks.evaluation import set_evaluating
from trainables.protocol import Evaluating, Picturing, Trainable, has_checkpoints
from trainables.registry import TrainableTarget
from trainables.trial.repeated import Repeated
from trainables.trial.snapshots import Snapshots

__all__ = ["best_training", "best_trial", "evaluate", "rebuilt_trainable", "trained"]


def trained(
    run: Run | str | Path,
    trial: int | None = None,
    *,
    trainable: TrainableTarget | None = None,
    allow_code: bool = False,
) -> Trainable:
    """Rebuild the trainable of a finished trial as its last checkpoint left it.

    Of a trial with several trainings (`repeats`, `folds`) this is the one with the best value of the leading metric of
    the run in its last epoch; the first one where no training reports that metric.

    An `ImageClassifier` has the trained `nn.Module` as its `network`. It is in evaluation mode, as is every module that
    a trainable of your own holds. Its `step` sets training mode if you train on.

    Args:
        run: the run, or its folder.
        trial: the number of the trial; None for the best one.
        trainable: the class or function that the run was started with, where that cannot be imported by name.
        allow_code: import the code that a run from elsewhere names.

    Returns:
        The trainable, set up and loaded.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: there is no such trial, its checkpoint was not kept, or the trainable has to be given.
        NoUsableTrialError: no trial has a value.
    """
    run = Run.of(run)
    return best_training(rebuilt_trainable(run, trial, trainable=trainable, allow_code=allow_code), run.objectives[0])


def rebuilt_trainable(
    run: Run, trial: int | None = None, *, trainable: TrainableTarget | None = None, allow_code: bool = False
) -> Trainable:
    """Rebuild what a finished trial ran: as `trained`, but with all trainings of a trial that has several.

    Args:
        run, trial, trainable, allow_code: see `trained`.

    Returns:
        The trainable, set up and loaded; a `Repeated` where the trial trained its architecture several times.

    Raises:
        ForeignCodeError, ConfigError, NoUsableTrialError: see `trained`.
    """
    check_flags(allow_code=allow_code)
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        meta, state = ledger.meta, replay(ledger.events())
    if trainable is None and not meta["trainable"]["registered"] and meta["trainable"]["reference"] is None:
        raise ConfigError(
            f"the trainable {run.config.trainable.name!r} was defined in a script or notebook and cannot be imported; "
            "call this from there, with trainable=..., as in nas_tune.export(run, trainable=...)"
        )
    setup = reopened(
        meta,
        [state.changes],
        space=run.given_space,
        target=trainable,
        accept_code_change=True,
        folder=run.path,
        allow_code=allow_code,
    )
    number = best_trial(run) if trial is None else trial
    if number not in state.trials:
        raise ConfigError(f"there is no trial {number}; the run has 0 to {len(state.trials) - 1}")
    job, record = setup.job(run.path.absolute()), state.trials[number]
    made = job.trainable()
    if not has_checkpoints(made):
        raise ConfigError(
            f"{setup.config.trainable.name} keeps no checkpoints, so no trained network is left; "
            "write the trainable as a class with save() and load(), or retrain by one that has them"
        )
    snapshot = next(Snapshots(trial_folder(job.run_folder, number)).newest_first([]), None)
    if snapshot is None:
        raise ConfigError(
            f"trial {number} has no checkpoint: those of the best {setup.config.keep_checkpoints} complete and "
            "stopped trials are kept (keep_checkpoints)"
        )
    made.setup(setup.asked.validate(record.asked), seed=record.seed, max_epochs=job.max_epochs)
    made.load(snapshot.folder)
    set_evaluating(made)
    return made


def best_training(made: Trainable, objective: Objective) -> Trainable:
    """Choose a training of a trial that has several.

    Args:
        made: what `rebuilt_trainable` returned.
        objective: the leading one of the run.

    Returns:
        The training with the best value in its last epoch, the first one where none reports the metric; a trainable
        that trains once, itself.
    """
    return made.trainings[made.best(objective.metric, objective.mode)] if isinstance(made, Repeated) else made


def evaluate(
    run: Run | str | Path,
    trial: int | None = None,
    split: str = "test",
    *,
    trainable: TrainableTarget | None = None,
    allow_code: bool = False,
) -> dict[str, float]:
    """Evaluate the network of a finished trial on a split of its data.

    Args:
        run, trial, trainable, allow_code: see `trained`.
        split: "test", "validation", or another split of the trainable.

    Returns:
        Metric by name.

    Raises:
        ForeignCodeError, NoUsableTrialError: see `trained`.
        ConfigError: see `trained`; or the trainable has no `evaluate`.
    """
    made = trained(run, trial, trainable=trainable, allow_code=allow_code)
    if not isinstance(made, Evaluating):
        raise ConfigError(f"{type(made).__name__} has no evaluate(split); give its class that method")
    found = dict(made.evaluate(split))
    if isinstance(made, Picturing):
        keep_pictures(Run.of(run).path, split, made.pictures(split))
    return found


def best_trial(run: Run) -> int:
    """Find the best trial of a run.

    Args:
        run: the run.

    Returns:
        The number of the trial.

    Raises:
        NoUsableTrialError: no trial has a value.
    """
    best = run.best(1)
    if best.empty:
        raise NoUsableTrialError(f"{run.path} has no trial with a value yet")
    return int(best["trial"].iloc[0])
