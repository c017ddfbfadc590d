"""Searching, resuming and reading a run from Python; the command line calls the same functions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nas_tune.config import SearchConfig
from nas_tune.config.names import check_local
from nas_tune.config.self_search import check_enqueue
from nas_tune.config.stored import stored_config
from nas_tune.coordination.observers import Observer
from nas_tune.errors import ConfigError, LedgerDamagedError
from nas_tune.ledger import BudgetChanged, Event, Lease, Ledger, Noted, RunState, backup_path, replay
from nas_tune.results import Run
from nas_tune.session.arguments import check_flags, check_trainable, configuration, listed, listed_observers, named_task
from nas_tune.session.description import describe_run
from nas_tune.session.driver import check_storage, drive, last_versions
from nas_tune.session.initial_design import Progress
from nas_tune.session.measured_limits import measured_first
from nas_tune.session.own_networks import Given, space_of_run
from nas_tune.session.reopening import reopened
from nas_tune.session.rerun import changed_since, check_changes, way_on
from nas_tune.session.run_folder import check_members, fresh_folder, has_run, make_folder, restore_backup, write_config
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.trust import unkept
from nas_tune.session.versions import check_versions
from nas_tune.session.warm_start import enqueued, failed_of, first_events, member_of, retries
from trainables.kept_data import bring
from trainables.registry import TrainableTarget

if TYPE_CHECKING:
    from trainables.tasks.task import Task

__all__ = ["open_run", "resume", "run_config", "search"]


def search(
    space: str | Mapping[str, Any] | Given,
    trainable: str | Mapping[str, Any] | TrainableTarget | None = None,
    *,
    task: str | Mapping[str, Any] | type[Task] | None = None,
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
    enqueue: Sequence[Any] | None = (),
    warm_start: Sequence[str | Path | Run] | None = (),
    new: bool = False,
    resume: bool = False,
    observers: Sequence[Observer] | None = (),
    **more: Any,
) -> Run:
    """Search `space` for the architecture whose training by `trainable` gives the best `metric`.

    Args:
        space: a registered name, "module:attribute", or a `Space`; a class or an instance of `torch.nn.Module` with
            choices of `search_spaces.nn`; or `(Space, builder)` with a function of an architecture that builds its
            network. A class and a builder get those of the arguments that the data decide, such as `num_classes`, that
            their signature has.
        trainable: a registered name, "module:attribute", a class with setup/step/save/load, or a generator function
            of an architecture that yields one dict of metrics an epoch. By default "learner" where there is a task or
            data, else "image_classifier".
        task: what is learned: a registered name, "module:attribute", a class that follows `trainables.tasks.task.Task`,
            or a mapping with `name` and settings. Where it is left out and `data` is given, the data decide. Settings
            of the task may be given beside it, as in `task="regression", data="heights.npz", target="height"`.
        strategy: proposes architectures; a name, or a mapping with `name` and settings. With a method of
            `trainables.supernet` (`darts`, `spos`, ..) every trial is a search in a supernet.
        scheduler: stops trials early; given as the strategy is. By default "asha", for searches in a supernet "none".
        max_trials: of the whole run.
        metric: which of the reported numbers is optimized; several names for several objectives. By default
            the primary metric of the task; without a task "accuracy", for searches in a supernet "discrete_accuracy".
        mode: "max" or "min"; may be left out for accuracy, for the metrics of a task, and for what the given class or
            function names in its attribute `modes`. Of several metrics one for each, or one for all.
        max_epochs: length of a full training.
        workers: trials at a time (-1: all that the machine has room for).
        seed: decides the proposals and every trial.
        run_dir: the folder of the run; by default `runs/<name>`.
        settings: of a trainable that is given as a class or function.
        enqueue: architectures (or their trees) to try before the strategy is asked.
        warm_start: other runs, whose trials the strategy knows from the start, whatever their data set or budget.
        new: where the folder holds a run already, take a fresh one beside it.
        resume: where the folder holds a run already, go on with it if it is the same search; what a resume may change
            (such as max_trials) may differ. Where there is none, begin it. So a script may be run again unchanged.
        observers: objects whose `on_event(event, state)` is called with every event.
        more: any other key of `nas_tune.config.SearchConfig`, such as executor="inline" or resources={"gpus": 1}.

    Returns:
        The run, which has ended or was stopped by its budget.

    Raises:
        ConfigError, SpaceError, UnknownNameError: refused before anything is written.
        InfeasibleError: the resources are not there.
        NoUsableTrialError: not one trial gave a value; the run and its tracebacks are on disk.
        ResumeRefusedError: `resume`, and the folder holds the run of another search; says what differs.
    """
    keys = {
        "task": named_task(task),
        "strategy": strategy,
        "scheduler": scheduler,
        "max_trials": max_trials,
        "metric": metric,
        "mode": mode,
        "max_epochs": max_epochs,
        "workers": workers,
        "seed": seed,
        "run_dir": run_dir,
        **more,
    }
    return run_config(
        configuration(space, trainable, settings, warm_start, keys),
        enqueue=enqueue,
        new=new,
        resume=resume,
        observers=observers,
        space=None if isinstance(space, str | Mapping) else space,
        target=trainable if callable(trainable) else None,
    )


def run_config(
    config: SearchConfig,
    *,
    enqueue: Sequence[Any] | None = (),
    new: bool = False,
    resume: bool = False,
    observers: Sequence[Observer] | None = (),
    space: Given | None = None,
    target: TrainableTarget | None = None,
    ranking: Progress | None = None,
) -> Run:
    """Run the search of a configuration.

    Args:
        config: the whole configuration.
        enqueue: architectures (or their trees) to try before the strategy proposes.
        new: where the folder holds a run already, take a fresh one beside it.
        resume: where the folder holds a run already, go on with it if it is the same search.
        observers: objects whose `on_event(event, state)` is called with every event.
        space: replaces the space that `config` names, where that cannot be imported; as in `search`.
        target: replaces the trainable that `config` names, where that cannot be imported.
        ranking: called with the number of candidates of `config.initial` that are scored, and of all.

    Returns:
        The run.

    Raises:
        ConfigError, SpaceError, UnknownNameError: refused before anything is written.
        InfeasibleError: the resources are not there.
        NoUsableTrialError: not one trial gave a value; the run and its tracebacks are on disk.
        ResumeRefusedError: `resume`, and the folder holds the run of another search; says what differs.
    """
    check_flags(new=new, resume=resume)
    enqueue, observers = listed("enqueue", enqueue), listed_observers(observers)
    if new and resume:
        raise ConfigError(
            "new and resume exclude each other: new starts another run, resume continues the old one; give one"
        )
    setup = SearchSetup.of(config, space, target)
    check_enqueue(config, enqueue)
    folder = config.run_folder.absolute()
    if resume and has_run(folder):
        return _go_on(folder, config, space=space, target=target, enqueue=enqueue, observers=observers)
    folder = fresh_folder(folder, new, way_on(folder, space, target))
    check_storage(folder, config)
    meta = describe_run(setup)
    first = first_events(config, setup.space, enqueue, setup.design(ranking), setup.gate, meta["trainable"])
    first = [*measured_first(setup, first), *first]
    if lacking := unkept(meta):
        first = [*first, Noted(-1, lacking)]
    with setup.executor(folder) as executor:
        make_folder(folder)
        bring(config.trainable.settings.get("data"), folder)
        lease = Lease(folder)
        try:
            when = None if executor.clock is None else executor.clock()
            with closing(Ledger.create(folder, meta, first, when)) as ledger:
                write_config(folder, config)
                drive(folder, ledger, setup, executor, observers)
        finally:
            lease.release()
    return Run(folder, setup.space)


def resume(
    path: str | Path | Run,
    *,
    changes: Mapping[str, Any] | None = None,
    space: Given | None = None,
    trainable: TrainableTarget | None = None,
    accept_code_change: bool = False,
    allow_code: bool = False,
    from_backup: bool = False,
    enqueue: Sequence[Any] | None = (),
    retry_failed: bool | str | Sequence[str] = False,
    observers: Sequence[Observer] | None = (),
    **more: Any,
) -> Run:
    """Go on with a run: first with the trials that were cut, each from its last checkpoint.

    Args:
        path: the folder of the run; or the run itself.
        changes: keys of the configuration to change, such as {"max_trials": 48}.
        space: the space, the module or the pair of a space and a builder, where the run was started with one that
            cannot be imported by name.
        trainable: likewise.
        accept_code_change: go on although the source of the trainable, or the major version of Optuna, has changed.
        allow_code: import the code that the run names, although this user did not begin it on this machine.
        from_backup: take the latest copy of the ledger; the damaged one is kept beside it.
        enqueue: architectures (or their trees) to try before the strategy proposes more. One whose trial failed is
            tried again.
        retry_failed: try every failed trial again (True), or those that failed in certain ways ("oom", ..). Each begins
            again, as another attempt of its trial, and counts once among `max_trials`.
        observers: objects whose `on_event(event, state)` is called with every event.
        more: keys of the configuration to change, as `changes`.

    Returns:
        The run.

    Raises:
        ForeignCodeError: the run comes from elsewhere, and names code that is not given here.
        ConfigError: an argument or a key has a value that cannot be.
        ResumeRefusedError: a change would mix results of different searches.
        RunLockedError: another driver has the run.
        LedgerDamagedError, NewerFormatError: the ledger cannot be read; nothing was changed.
        NoUsableTrialError: the run still has no trial with a value.
    """
    path = path.path if isinstance(path, Run) else path
    check_local(path, "run")
    check_flags(accept_code_change=accept_code_change, allow_code=allow_code, from_backup=from_backup)
    if changes is not None and not isinstance(changes, Mapping):
        raise ConfigError(f"changes: got {changes!r}; give a dict of keys of the configuration")
    if trainable is not None:
        check_trainable(trainable)
    return _go_on(
        Path(path).absolute(),
        {**(changes or {}), **more},
        space=space,
        target=trainable,
        accept_code_change=accept_code_change,
        allow_code=allow_code,
        from_backup=from_backup,
        enqueue=listed("enqueue", enqueue),
        retry_failed=retry_failed,
        observers=listed_observers(observers),
    )


def open_run(path: str | Path, *, space: Given | None = None) -> Run:
    """Open the run in a folder for reading; it may be running, and come from anybody.

    Nothing that the run names is imported.

    Args:
        path: the folder of the run.
        space: the space that was searched, where its own rules, texts and pictures are wanted; or the module, or the
            pair of a space and a builder, where a script defines it and the winner is to be trained or exported.

    Returns:
        The run.

    Raises:
        LedgerDamagedError, NewerFormatError: the ledger cannot be read.
        ConfigError: `space` is another one than that of the run.
    """
    return Run(path) if space is None else Run(path, space_of_run(space, Run(path).meta))


def _go_on(
    folder: Path,
    asked: Mapping[str, Any] | SearchConfig,
    *,
    space: Given | None,
    target: TrainableTarget | None,
    enqueue: Sequence[Any],
    observers: Sequence[Observer],
    accept_code_change: bool = False,
    allow_code: bool = False,
    from_backup: bool = False,
    retry_failed: bool | str | Sequence[str] = False,
) -> Run:
    """Go on with a run.

    What is `asked` are the keys to change, or the whole configuration of a search that is asked for again: then what it
    has tried is not tried again.
    """
    if not (has_run(folder) or os.path.exists(backup_path(folder))):
        # Said before the lease is taken, which would leave a file where no run is.
        raise LedgerDamagedError(f"{folder} holds no run: there is no ledger; give the folder of a run")
    lease = Lease(folder)
    try:
        if from_backup:
            restore_backup(folder)
        with closing(Ledger.open(folder)) as ledger:
            # All of it is read, and found sound, before anything is written.
            state, meta = replay(ledger.events()), ledger.meta
            stored_config(folder, meta["config"], state.changes)
            if isinstance(asked, SearchConfig):
                wanted: Mapping[str, Any] = changed_since(folder, {**meta["config"], **state.changes}, asked)
            else:
                wanted = asked
            check_changes(meta["config"], wanted)
            setup = reopened(
                meta,
                [state.changes, wanted],
                space=space_of_run(space, meta),
                target=target,
                accept_code_change=accept_code_change,
                folder=folder,
                allow_code=allow_code,
                said=wanted,
            )
            check_members(folder, state, setup.asked)
            check_storage(folder, setup.config)
            check_enqueue(setup.config, enqueue)
            if not accept_code_change:
                check_versions(last_versions(ledger))
            more_to_try = _more_to_try(state, setup, enqueue, retry_failed, only_new=wanted is not asked)
            with setup.executor(folder) as executor:
                values = setup.config.to_dict()
                changed = [BudgetChanged({key: values[key] for key in wanted})] if wanted else []
                measured = measured_first(setup, (one for one, _ in ledger.events())) if "limits" in wanted else []
                if changed or measured or more_to_try:
                    ledger.append(*changed, *measured, *more_to_try)
                drive(folder, ledger, setup, executor, observers)
    finally:
        lease.release()
    return Run(folder, setup.space)


def _more_to_try(
    state: RunState,
    setup: SearchSetup,
    enqueue: Sequence[Any],
    retry_failed: bool | str | Sequence[str],
    *,
    only_new: bool,
) -> list[Event]:
    """The events by which a resumed run tries more; `state` is not used after that.

    With `only_new` architectures that have a trial, or wait for one, are passed over.
    """
    if only_new:
        tried = state.by_architecture.keys() | state.queue.keys()
        enqueue = [item for place, item in enumerate(enqueue) if member_of(setup.space, item, place).id not in tried]
    again = retries(failed_of(state, retry_failed), state)
    # What is tried again already is no longer failed to the list of the wanted.
    for event in again:
        state.apply(event, 0.0)
    return [*again, *enqueued(setup.space, enqueue, state, setup.gate)]
