"""Searching, resuming and reading a run from Python; the command line calls the same functions."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from nas_tune.beginnings import beginnings, enqueued, failed_of, member_of, retries
from nas_tune.config import SearchConfig
from nas_tune.config.problems import shown
from nas_tune.config.stored import stored_config
from nas_tune.driver import check_storage, drive, last_versions
from nas_tune.errors import ConfigError, LedgerDamagedError, NoUsableTrialError, ResumeRefusedError, RunFolderError
from nas_tune.executors.job import trial_folder
from nas_tune.initial_design import Progress
from nas_tune.ledger import (
    BudgetChanged,
    Event,
    Lease,
    Ledger,
    Noted,
    RunState,
    backup_path,
    damaged,
    ledger_path,
    replay,
)
from nas_tune.names import check_local
from nas_tune.objectives import declared_modes
from nas_tune.observers import Observer
from nas_tune.recipe import CHANGEABLE, Recipe, check_versions, reopened
from nas_tune.references import reference_of
from nas_tune.rerun import changed_since, way_on
from nas_tune.results import Run
from nas_tune.supernet_runs import check_enqueue
from nas_tune.trust import unkept
from search_spaces import ArchitectureError, Space
from search_spaces.names import did_you_mean
from trainables.evaluation import set_evaluating
from trainables.protocol import Evaluating, Trainable, has_checkpoints
from trainables.registry import Target
from trainables.snapshots import Snapshots

__all__ = ["evaluate", "open_run", "resume", "run_config", "search", "trained"]


def search(
    space: str | Mapping[str, Any] | Space,
    trainable: str | Mapping[str, Any] | Target = "image_classifier",
    *,
    strategy: str | Mapping[str, Any] = "auto",
    scheduler: str | Mapping[str, Any] | None = None,
    max_trials: int | None = None,
    metric: str | Sequence[str] | None = None,
    mode: str | Sequence[str] | None = None,
    max_epochs: int = 9,
    workers: int = 1,
    seed: int = 0,
    run_dir: str | Path | None = None,
    settings: Mapping[str, Any] | None = None,
    enqueue: Sequence[Any] = (),
    warm_start: Sequence[str | Path | Run] = (),
    new: bool = False,
    resume: bool = False,
    observers: Sequence[Observer] = (),
    **more: Any,
) -> Run:
    """Search `space` for the architecture whose training by `trainable` gives the best `metric`.

    Args:
        space: a registered name, "module:attribute", or a `Space`.
        trainable: a registered name, "module:attribute", a class with setup/step/save/load, or a generator function
            of an architecture that yields one dict of metrics an epoch.
        strategy: proposes architectures; a name, or a mapping with `name` and settings. With a method of
            `trainables.supernet` (`darts`, `spos`, ..) every trial is a search in a supernet.
        scheduler: stops trials early; likewise. By default "asha", for searches in a supernet "none".
        max_trials: of the whole run.
        metric: which of the reported numbers is optimized; several names for several objectives. By default
            "accuracy", for searches in a supernet "discrete_accuracy".
        mode: "max" or "min"; may be left out for accuracy, and for what the given class or function names in its
            attribute `modes`. Of several metrics one for each, or one for all.
        max_epochs: length of a full training.
        workers: trials at a time (-1: all that the machine has room for).
        seed: decides the proposals and every trial.
        run_dir: the folder of the run; by default `runs/<name>`.
        settings: of a trainable that is given as a class or function.
        enqueue: architectures (or their trees) to try before the strategy is asked.
        warm_start: other runs, whose trials the strategy knows from the start, whatever their data set or budget.
        new: where the folder holds a run already, take a fresh one beside it.
        resume: where the folder holds a run already, go on with it if it is the same search; what a resume may change
            (such as max_trials) may differ. Where there is none, begin it. So a script may be run again as it stands.
        observers: told of every event.
        more: any other key of `nas_tune.config.SearchConfig`, such as executor="inline" or resources={"gpus": 1}.

    Raises:
        ConfigError, SpaceError, UnknownNameError: refused before anything is written.
        InfeasibleError: the resources are not there.
        NoUsableTrialError: not one trial gave a value; the run and its tracebacks are on disk.
        ResumeRefusedError: `resume`, and the folder holds the run of another search; says what differs.
    """
    if not (callable(trainable) or isinstance(trainable, str | Mapping)):
        raise ConfigError(
            f"trainable: got a {type(trainable).__name__}; give its class (with settings=), a generator function, "
            "or a registered name, so that each worker can make its own"
        )
    if isinstance(space, Mapping) and "name" not in space:
        raise ConfigError(
            f"space: got a dict with the keys {', '.join(map(str, space)) or 'none'}; write Space({{..}}), with a "
            "choice(..), integer(..) or real(..) for what is to be decided; a table of the configuration needs a name"
        )
    if isinstance(observers, str) or not isinstance(observers, Iterable):
        raise ConfigError(
            f"observers: got a {type(observers).__name__}; give a list of objects with on_event(event, state)"
        )
    for observer in observers:
        if not callable(getattr(observer, "on_event", None)):
            raise ConfigError(f"observers: {observer!r} has no on_event(event, state); give an object with that method")
    if settings is not None and not isinstance(settings, Mapping):
        raise ConfigError(f"settings: got {settings!r}; give a dict of the trainable's own settings")
    given_space = space if isinstance(space, Space) else None
    target = trainable if callable(trainable) else None
    if settings and target is None:
        raise ConfigError("settings: only for a trainable given as a class or function; else put them in its table")
    if settings and "name" in settings:
        raise ConfigError("settings.name: `name` is the trainable's own key in the configuration; call it otherwise")
    values: dict[str, Any] = {
        "space": (given_space.name or "own_space") if given_space is not None else space,
        "trainable": {"name": _target_label(target), **(settings or {})} if target is not None else trainable,
        "strategy": strategy,
        "scheduler": scheduler,
        "max_trials": max_trials,
        "metric": metric,
        "mode": mode or declared_modes(target, metric),
        "max_epochs": max_epochs,
        "workers": workers,
        "seed": seed,
        "run_dir": run_dir,
        "warm_start": _folders(warm_start),
        **more,
    }
    config = SearchConfig(**{key: value for key, value in values.items() if value is not None})
    return run_config(
        config, enqueue=enqueue, new=new, resume=resume, observers=observers, space=given_space, target=target
    )


def run_config(
    config: SearchConfig,
    *,
    enqueue: Sequence[Any] = (),
    new: bool = False,
    resume: bool = False,
    observers: Sequence[Observer] = (),
    space: Space | None = None,
    target: Target | None = None,
    ranking: Progress | None = None,
) -> Run:
    """Run a configuration; `space` and `target` stand in for what it names, where they have no name to import.

    `ranking` is told how many candidates of `config.initial` are scored, of how many.
    """
    if new and resume:
        raise ConfigError("new and resume: a run is begun beside the other one, or gone on with; give one of them")
    recipe = Recipe.of(config, space, target)
    check_enqueue(config, enqueue)
    # Path.exists raises for a name that is too long or a folder that may not be looked into.
    if resume and os.path.exists(ledger_path(config.run_folder.absolute())):
        return _again(config, recipe, enqueue, observers, space, target)
    folder = _fresh_folder(config.run_folder.absolute(), new, way_on(config.run_folder.absolute(), space, target))
    check_storage(folder, config)
    first = beginnings(config, recipe.space, enqueue, recipe.design(ranking))
    meta = recipe.meta()
    if lacking := unkept(meta):
        first = [*first, Noted(-1, lacking)]
    with recipe.executor(folder) as executor:
        _make(folder)
        lease = Lease(folder)
        try:
            when = None if executor.clock is None else executor.clock()
            with closing(Ledger.create(folder, meta, first, when)) as ledger:
                _write_config(folder, config)
                drive(folder, ledger, recipe, executor, observers)
        finally:
            lease.release()
    return Run(folder, recipe.space)


def resume(
    path: str | Path,
    *,
    changes: Mapping[str, Any] | None = None,
    space: Space | None = None,
    trainable: Target | None = None,
    accept_code_change: bool = False,
    allow_code: bool = False,
    from_backup: bool = False,
    enqueue: Sequence[Any] = (),
    retry_failed: bool | str | Sequence[str] = False,
    observers: Sequence[Observer] = (),
    **more: Any,
) -> Run:
    """Go on with the run in the folder `path`: first with the trials that were cut, each from its last checkpoint.

    Args:
        changes: keys of the configuration to change, such as {"max_trials": 48}; `more` likewise.
        space, trainable: where the run was started with objects that cannot be imported by name.
        accept_code_change: go on although the trainable's source, or Optuna's major version, is not what it was.
        allow_code: import the code that the run names, although it was not begun by this user on this machine.
        from_backup: take the latest copy of the ledger; the damaged one is kept beside it.
        enqueue: architectures (or their trees) to try before the strategy is asked for more. One whose trial failed
            is tried again.
        retry_failed: try every failed trial again (True), or those that failed in one way or some ("oom", ..). Each is
            begun anew, as another attempt of its trial, and counts once among `max_trials`.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ResumeRefusedError: a change that would mix results of different searches.
        RunLockedError: another driver has the run.
        LedgerDamagedError, NewerFormatError: the ledger cannot be read; nothing was changed.
    """
    check_local(path, "run")
    folder = Path(path).absolute()
    wanted = {**(changes or {}), **more}
    if not (os.path.exists(ledger_path(folder)) or os.path.exists(backup_path(folder))):
        # Said before the lease is taken, which would leave a file where no run is.
        raise LedgerDamagedError(f"{folder} holds no run: there is no ledger; give the folder of a run")
    lease = Lease(folder)
    try:
        if from_backup:
            _restore(folder)
        with closing(Ledger.open(folder)) as ledger:
            # All of it is read, and found sound, before anything is written.
            state = replay(ledger.events())
            stored_config(folder, ledger.meta["config"], state.changes)
            _check_changes(ledger.meta["config"], wanted)
            recipe = reopened(
                ledger.meta,
                [state.changes, wanted],
                space=space,
                target=trainable,
                accept_code_change=accept_code_change,
                folder=folder,
                allow_code=allow_code,
                said=wanted,
            )
            _check_members(folder, state, recipe.asked)
            check_storage(folder, recipe.config)
            check_enqueue(recipe.config, enqueue)
            if not accept_code_change:
                check_versions(last_versions(ledger))
            more_to_try = _more_to_try(ledger, recipe.space, enqueue, retry_failed)
            with recipe.executor(folder) as executor:
                changed = [BudgetChanged(_plain(recipe.config, wanted))] if wanted else []
                if changed or more_to_try:
                    ledger.append(*changed, *more_to_try)
                drive(folder, ledger, recipe, executor, observers)
    finally:
        lease.release()
    return Run(folder, recipe.space)


def open_run(path: str | Path, *, space: Space | None = None) -> Run:
    """The run in the folder `path`, for reading; it may be running, and come from anybody.

    Nothing that the run names is imported. `space` is the one that was searched, where its own rules, texts and
    pictures are wanted.

    Raises:
        LedgerDamagedError, NewerFormatError: the ledger cannot be read.
        ConfigError: `space` is another one than that of the run.
    """
    return Run(Path(path), space)


def trained(
    run: Run, trial: int | None = None, *, trainable: Target | None = None, allow_code: bool = False
) -> Trainable:
    """The trainable of a finished trial (the best, if `trial` is None) as its last checkpoint left it.

    An `ImageClassifier` has the trained `nn.Module` as its `network`. It is in evaluation mode, as is every module that
    a trainable of your own holds (its `step` calls `train()` if you go on training it). `trainable` is given where the
    run was started with one that cannot be imported by name; `allow_code` imports what a run from elsewhere names.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: there is no such trial, its checkpoint was not kept, or the trainable has to be given.
        NoUsableTrialError: no trial has a value.
    """
    with closing(Ledger.open(run.path, readonly=True)) as ledger:
        meta, state = ledger.meta, replay(ledger.events())
    if trainable is None and not meta["trainable"]["registered"] and meta["trainable"]["reference"] is None:
        raise ConfigError(
            f"the trainable {run.config.trainable.name!r} was defined in a script or notebook and cannot be imported; "
            "call this from there, with trainable=..., as in nas_tune.export(run, trainable=...)"
        )
    recipe = reopened(
        meta,
        [state.changes],
        space=run.given_space,
        target=trainable,
        accept_code_change=True,
        folder=run.path,
        allow_code=allow_code,
    )
    number = _best(run) if trial is None else trial
    if number not in state.trials:
        raise ConfigError(f"there is no trial {number}; the run has 0 to {len(state.trials) - 1}")
    job, record = recipe.job(run.path.absolute()), state.trials[number]
    made = job.trainable()
    if not has_checkpoints(made):
        raise ConfigError(
            f"{recipe.config.trainable.name} keeps no checkpoints, so no trained network is left; "
            "write the trainable as a class with save() and load(), or retrain by one that has them"
        )
    snapshot = next(Snapshots(trial_folder(job.run_folder, number)).newest_first([]), None)
    if snapshot is None:
        raise ConfigError(
            f"trial {number} has no checkpoint: those of the best {recipe.config.keep_checkpoints} complete and "
            "stopped trials are kept (keep_checkpoints)"
        )
    made.setup(recipe.asked.validate(record.asked), seed=record.seed, max_epochs=job.max_epochs)
    made.load(snapshot.folder)
    set_evaluating(made)
    return made


def evaluate(
    run: Run,
    trial: int | None = None,
    split: str = "test",
    *,
    trainable: Target | None = None,
    allow_code: bool = False,
) -> dict[str, float]:
    """Metrics of a finished trial's network (the best, if `trial` is None) on a split of its data.

    Raises:
        ConfigError: as `trained`, or the trainable has no `evaluate`.
    """
    made = trained(run, trial, trainable=trainable, allow_code=allow_code)
    if not isinstance(made, Evaluating):
        raise ConfigError(f"{type(made).__name__} has no evaluate(split); give its class that method")
    return dict(made.evaluate(split))


def _best(run: Run) -> int:
    best = run.best(1)
    if best.empty:
        raise NoUsableTrialError(f"{run.path} has no trial with a value yet")
    return int(best["trial"].iloc[0])


def _folders(runs: Sequence[str | Path | Run]) -> list[str]:
    """What `warm_start` names, as the configuration keeps it."""
    listed = [runs] if isinstance(runs, str | Path | Run) else list(runs)
    for run in listed:
        if not isinstance(run, str | Path | Run):
            raise ConfigError(
                f"warm_start: got a {type(run).__name__}; give runs of nas_tune, or their folders. What is known from "
                "elsewhere can be tried first: enqueue=[space.from_params(trial.params)] for an Optuna trial"
            )
    return [str(run.path if isinstance(run, Run) else run) for run in listed]


def _more_to_try(
    ledger: Ledger, space: Space, enqueue: Sequence[Any], retry_failed: bool | str | Sequence[str]
) -> list[Event]:
    if not enqueue and not retry_failed:
        return []
    state = replay(ledger.events())
    again = retries(failed_of(state, retry_failed), state)
    # What is tried again already is no longer failed to the list of the wanted.
    for event in again:
        state.apply(event, 0.0)
    return [*again, *enqueued(space, enqueue, state)]


def _tried(ledger: Ledger) -> Collection[str]:
    """The ids of all architectures that have a trial, or wait for one."""
    state = replay(ledger.events())
    return state.by_architecture.keys() | state.queue.keys()


def _target_label(target: Target) -> str:
    return reference_of(target) or str(getattr(target, "__name__", type(target).__name__)).strip("<>")


def _plain(config: SearchConfig, keys: Mapping[str, Any]) -> dict[str, Any]:
    values = config.to_dict()
    return {key: values[key] for key in keys}


def _check_changes(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    for key in wanted:
        if key not in config:
            raise ConfigError(
                f"{key}: unknown key{did_you_mean(key, config)}; a resume may change: {', '.join(CHANGEABLE)}"
            )
    differs = [key for key in wanted if key not in CHANGEABLE and wanted[key] != config[key]]
    if "resources" in wanted and _devices(wanted["resources"]) != _devices(config["resources"]):
        raise ResumeRefusedError(
            f"a resume cannot change resources.devices (it was {_devices(config['resources'])}, now "
            f"{_devices(wanted['resources'])}): batch norm sees other shares, so that its trials would not compare; "
            "start a new run"
        )
    if differs:
        lines = "; ".join(f"{key} was {config[key]!r}, now {wanted[key]!r}" for key in differs)
        raise ResumeRefusedError(
            f"a resume cannot change {', '.join(differs)} ({lines}): its trials would not compare; start a new run. "
            f"What may change: {', '.join(CHANGEABLE)}"
        )


def _devices(resources: object) -> object:
    """How many train one architecture together; runs of earlier versions do not have the key: one."""
    return resources.get("devices", 1) if isinstance(resources, Mapping) else getattr(resources, "devices", 1)


def _again(
    config: SearchConfig,
    recipe: Recipe,
    enqueue: Sequence[Any],
    observers: Sequence[Observer],
    space: Space | None,
    target: Target | None,
) -> Run:
    """Go on with the run that is there, if it is of the same configuration; what it has tried is not tried again."""
    folder = config.run_folder.absolute()
    with closing(Ledger.open(folder, readonly=True)) as ledger:
        before, tried = replay(ledger.events(kind=BudgetChanged.kind)).changes, _tried(ledger)
        changes = changed_since(folder, {**ledger.meta["config"], **before}, config)
    fresh = [item for place, item in enumerate(enqueue) if member_of(recipe.space, item, place).id not in tried]
    return resume(folder, changes=changes, space=space, trainable=target, enqueue=fresh, observers=observers)


def _fresh_folder(folder: Path, new: bool, way_on: str) -> Path:
    taken = os.path.exists(ledger_path(folder))
    if taken and not new:
        raise ConfigError(f"{folder} holds a run already: {way_on}, or start beside it (new=True, --new)")
    if not taken:
        return folder
    beside = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 10_000))
    return next(candidate for candidate in beside if not candidate.exists())


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot make the run folder {folder}: {error}; name a place that can be written (run_dir)"
        ) from error


def _write_config(folder: Path, config: SearchConfig) -> None:
    """For people; the ledger holds the same for programs."""
    try:
        text = config.to_toml()
    except ConfigError:
        return
    (folder / "config.toml").write_text(text, encoding="utf-8")


def _check_members(folder: Path, state: RunState, space: Space) -> None:
    """Every architecture that a trial was asked for is one of the space's."""
    for record in state.trials.values():
        try:
            space.validate(record.asked)
        except ArchitectureError as error:
            raise damaged(folder, f"trial {record.number} was asked for {shown(record.asked)}: {error}") from error


def _restore(folder: Path) -> None:
    """Put the latest backup in the ledger's place; what was there stays beside it."""
    backup, ledger = backup_path(folder), ledger_path(folder)
    if not backup.is_file():
        raise LedgerDamagedError(f"{folder} has no backup of its ledger at {backup}")
    with closing(Ledger.open(backup.parent, readonly=True)) as whole:
        stored_config(backup.parent, whole.meta["config"], replay(whole.events()).changes)
        draft = ledger.with_name(".restored.sqlite")
        whole.backup(draft)
    for part in (ledger, ledger.with_name(f"{ledger.name}-wal"), ledger.with_name(f"{ledger.name}-shm")):
        if part.exists():
            part.rename(part.with_name(f"{part.name}.damaged"))
    draft.rename(ledger)
