"""The weights of a trial: from a training from scratch, or from the trial's own checkpoint."""

from __future__ import annotations

from contextlib import closing

from nas_tune.config.self_search import searches, self_search
from nas_tune.coordination.registrations import register_missing
from nas_tune.errors import ConfigError
from nas_tune.executors.job import trial_folder
from nas_tune.ledger import Ledger, replay
from nas_tune.results import Run
from nas_tune.session.arguments import check_flags
from nas_tune.session.evaluation import best_trial, rebuilt_trainable
from nas_tune.session.trust import check_code
from nas_tune.winners.export.facts import ChosenTraining, Source
from nas_tune.winners.retrain import Retrained
from trainables.export import Deployed, check_deployed
from trainables.protocol import Deployable, Searching, Trainable
from trainables.registry import TrainableTarget
from trainables.trial.repeated import Repeated
from trainables.trial.snapshots import Snapshots

__all__ = ["chosen", "deployed_by", "source_of"]


def chosen(run: Run, trial: int | None) -> int:
    """Choose a trial.

    Args:
        run: the search.
        trial: its number; None for the best.

    Returns:
        The number of the trial.

    Raises:
        ConfigError: there is no such trial.
        NoUsableTrialError: no trial has a value.
    """
    if trial is not None:
        run.tree(trial)  # Raises if there is no such trial.
        return trial
    return best_trial(run)


def source_of(
    run: Run,
    number: int,
    target: TrainableTarget | None,
    retrained: bool | None,
    *,
    what: str,
    allow_code: bool = False,
) -> Source:
    """Load the weights of a trial: those of a training from scratch if there is one, else those of its checkpoint.

    Args:
        run: the search.
        number: of the trial.
        target: the trainable of the run, if it cannot be imported by name.
        retrained: True for a training from scratch, False for the checkpoint; None for the former if there is one.
        what: the purpose in error messages, such as "exported".
        allow_code: import the code that the run names, although it was not begun by this user on this machine.

    Returns:
        The weights, with the trainable that has them.

    Raises:
        ConfigError: there are no weights; the message names the trials that have some.
    """
    check_flags(allow_code=allow_code, **({} if retrained is None else {"retrained": retrained}))
    found = None if retrained is False else _retrained(run, number, target, allow_code)
    if found is not None:
        return found
    if retrained:
        raise ConfigError(
            f"trial {number} was not retrained; do it first: nas-tune retrain {run.path} --trial {number}"
        )
    made = _kept(run, number, target, what, allow_code)
    origin = "the weights of the search, from its last checkpoint"
    if not isinstance(made, Repeated):
        return Source(made, run, (number,), origin, False)
    leading = run.objectives[0]
    best, count = made.best(leading.metric, leading.mode), len(made.trainings)
    several = ChosenTraining(best, count, made.words, made.report_of(best))
    value = several.reported.get(leading.metric)
    which = "the first" if value is None else f"the one with the best {leading.metric} ({value:.4f})"
    origin += f"; of the {count} trainings of the trial ({made.words}) {which}"
    return Source(made.trainings[best], run, (number,), origin, False, several=several)


def _retrained(run: Run, number: int, target: TrainableTarget | None, allow_code: bool) -> Source | None:
    """The first complete training from scratch of the trial's architecture, and the numbers of all; None without one.

    Of several retrainings the longest counts, and of those the newest.
    """
    newest_first = reversed(Retrained.all_of(run))
    longest_first = sorted(newest_first, key=lambda one: one.run.config.max_epochs, reverse=True)
    found = (_first_of(retraining, number, target, allow_code) for retraining in longest_first)
    return next((one for one in found if one), None)


def _first_of(retraining: Retrained, number: int, target: TrainableTarget | None, allow_code: bool) -> Source | None:
    places = [place for place, one in enumerate(retraining.candidates) if one.trial == number]
    trials = retraining.run.trials()
    whole = trials[(trials["state"] == "complete") & trials["arch.chosen"].isin(places)].sort_values("arch.repeat")
    if whole.empty:
        return None
    first = whole.iloc[0]
    place = int(first["arch.chosen"]), int(first["arch.repeat"])
    held = retraining.trained(*place, trainable=target, allow_code=allow_code)
    epochs = f"{retraining.run.config.max_epochs} epochs, in {retraining.path.name}"
    origin = f"trained from scratch (nas-tune retrain), the first of its seeds; {epochs}"
    numbers = tuple(int(trial) for trial in whole["trial"])
    return Source(held, retraining.run, numbers, origin, True, retraining.recipe)


def _kept(run: Run, number: int, target: TrainableTarget | None, what: str, allow_code: bool) -> Trainable:
    """The trainable of the trial, from its checkpoint. Without one, the error names the trials that have one."""
    if run.searches and (why := _no_network(run, allow_code)):
        raise ConfigError(
            f"{run.path}: its trials are searches by {run.config.strategy.name}; {why}, so no network of it can be "
            f"{what}: train one first: nas-tune retrain {run.path} --trial {number}"
        )
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        trials = replay(ledger.events()).trials
    kept = []
    for n in trials:
        if any(True for _ in Snapshots(trial_folder(run.path, n)).newest_first([])):
            kept.append(n)
    record = trials[number]
    if number in kept or (not kept and record.state == "complete"):
        # Without any checkpoint in the run, this raises with the reason.
        held = rebuilt_trainable(run, number, trainable=target, allow_code=allow_code)
        _check_found(run, number, held)
        return held
    why = f"failed ({record.failure})" if record.state == "failed" else f"is {record.state} and no checkpoint is kept"
    have = f"these can: {', '.join(map(str, kept))}" if kept else "no trial of this run can"
    raise ConfigError(f"trial {number} {why}, so it cannot be {what}; {have} (keep_checkpoints decides how many)")


def _no_network(run: Run, allow_code: bool) -> str | None:
    """Why a trial that searches by itself has no trained network of what it found; None where it has one."""
    strategy, registered = run.config.strategy.name, run.meta.get("registered", {})
    if strategy in registered.get("self_searches", {}) and not searches(strategy):
        check_code(run.meta, run.path, allow_code=allow_code)
        register_missing(registered, kinds=("self_searches",))
    if not searches(strategy):
        return "it is not installed here, and only it can tell whether it trained what it found"
    return self_search(strategy).weights


def _check_found(run: Run, number: int, held: Trainable) -> None:
    """Refuse weights of another architecture than the one that a trial found: its newest checkpoint may be damaged."""
    if not isinstance(held, Searching):
        return
    space, found, has = run.space, run.tree(number), held.architecture
    if found is None or has is None or space.validate(has).id != space.validate(found).id:
        raise ConfigError(
            f"trial {number} found {found}, and its checkpoint holds {None if has is None else has.tree}; take another "
            f"trial, or train what it found: nas-tune retrain {run.path} --trial {number}"
        )


def deployed_by(held: Trainable) -> Deployed:
    """Take the network out of a trainable, with the facts that its user needs.

    Args:
        held: the trainable.

    Returns:
        The network, with its inputs and data.

    Raises:
        ConfigError: the trainable has no `deployed()`.
    """
    if not isinstance(held, Deployable):
        raise ConfigError(
            f"{type(held).__name__} does not say how its network is used; give its class a method deployed() that "
            "returns a trainables.export.Deployed with the network and three examples of its input"
        )
    return check_deployed(held.deployed(), held)
