"""One session of a run: from an open ledger to a closed one, whatever ends it.

The driver owns what must be given back: the ledger, the signals, the backup. It is the same for a new run and a
resumed one: both are a ledger and what is still to do.
"""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nas_tune.config import SearchConfig
from nas_tune.coordination.coordinator import Coordinator
from nas_tune.coordination.interrupts import Interrupted, Interrupts
from nas_tune.coordination.observers import Audience, Observer
from nas_tune.errors import ConfigError, NasTuneError, NoUsableTrialError, RunFolderError
from nas_tune.executors.base import Executor
from nas_tune.executors.job import trial_folder
from nas_tune.ledger import Ended, Event, Ledger, RunState, SessionStarted, TrialRecord, backup_path, ledger_path
from nas_tune.ledger.filesystem import is_network_folder
from nas_tune.objectives.limits import Limit
from nas_tune.objectives.objective import Objective
from nas_tune.results.ranking import contending, final_scores, pareto, ranked
from nas_tune.session.limit_checks import limit_remarks
from nas_tune.session.search_setup import SearchSetup
from nas_tune.session.versions import version_changes, versions
from trainables.trial.snapshots import Snapshots

__all__ = ["check_storage", "drive", "last_versions"]

_MANY = 3
"""Objectives up to which fronts tell trials apart."""


class Backup:
    """Copies the ledger to `target` from time to time. As an observer it may fail without the end of the run.

    Args:
        ledger: the open ledger.
        target: the file of the copy.
        seconds: the least time between two copies.
    """

    def __init__(self, ledger: Ledger, target: Path, seconds: float) -> None:
        self._ledger, self._target, self._seconds = ledger, target, seconds
        self._last = time.monotonic()

    def on_event(self, event: Event, state: RunState) -> None:
        """Copy if the last copy is old enough.

        Args:
            event: any event.
            state: of the run after it.
        """
        if time.monotonic() - self._last >= self._seconds:
            self.copy()

    def copy(self) -> None:
        """Copy now."""
        self._last = time.monotonic()
        self._ledger.backup(self._target)


class CheckpointKeeper:
    """Deletes the checkpoints of trials that are over and not among the best `keep`.

    The order is that of `Run.best`, among complete trials and stopped ones that trained as long. The best `keep`
    complete ones are kept too: a longer training that ends may put stopped ones behind them. With several objectives
    what was deleted cannot come back, though it would be among the best again when its neighbours on the front are
    gone.

    Args:
        folder: of the run.
        keep: the number of trials whose checkpoints are kept.
        objectives: those of the run, the leading one first.
        limits: those of the run.
    """

    def __init__(self, folder: Path, keep: int, objectives: Sequence[Objective], limits: Sequence[Limit] = ()) -> None:
        self._folder, self._keep, self._objectives, self._limits = folder, keep, objectives, limits
        self._kept: set[int] = set()
        self._known: dict[int, TrialRecord] = {}

    def on_event(self, event: Event, state: RunState) -> None:
        """Rank a trial that ends, and delete the checkpoints of the trial that it displaces.

        Args:
            event: any event; only the end of a trial counts.
            state: of the run after it.
        """
        if isinstance(event, Ended):
            self.place(state.trials[event.trial])

    def place(self, record: TrialRecord) -> None:
        """Rank a trial that is over.

        Args:
            record: of the trial.
        """
        if final_scores(record, self._objectives) is None:
            self.remove(record.number)
            return
        self._known[record.number] = record
        # A resume meets trials again whose checkpoints were deleted long ago.
        candidates = {*self._kept, record.number} if self._folder_of(record.number).exists() else self._kept
        order = ranked(self._known.values(), self._objectives, limits=self._limits)
        # Once a longer training has come to its end, nobody asks for a stopped one's network.
        usable = candidates & {*(contending(self._known.values(), self._objectives, self._limits) or order)}
        able = [number for number in order if number in usable]
        complete = [number for number in able if self._known[number].state == "complete"]
        kept = {*able[: self._keep], *complete[: self._keep]}
        for number in candidates - kept:
            self.remove(number)
        self._kept = kept
        # What is on the front decides who is alone there, and the last of each length what is behind it.
        front = pareto(self._known.values(), self._objectives, self._limits) if len(self._objectives) > 1 else []
        counting = {*kept, *front, *{self._known[number].epochs: number for number in order}.values()}
        self._known = {number: self._known[number] for number in counting}

    def _folder_of(self, trial: int) -> Path:
        return trial_folder(self._folder, trial)

    def remove(self, trial: int) -> None:
        """Delete the checkpoints of a trial.

        Args:
            trial: its number.
        """
        folder = self._folder_of(trial)
        if folder.exists():
            Snapshots(folder).remove()


def check_storage(folder: Path, config: SearchConfig) -> None:
    """Refuse a storage in which the copy of the ledger would take the ledger's own place.

    Args:
        folder: of the run.
        config: its configuration, of which `storage` counts.

    Raises:
        ConfigError: it is the folder that holds the run folder.
    """
    if any(target.resolve() == ledger_path(folder).resolve() for target in _storage(folder, config)):
        raise ConfigError(
            f"storage: {config.storage!r} is where the run folder {folder} itself lies, so the copy of the ledger "
            "would replace the ledger; name another folder, best on another disk"
        )


def last_versions(ledger: Ledger) -> dict[str, str]:
    """Read the versions of Python and of the packages in the last session of a run.

    Args:
        ledger: of the run.

    Returns:
        Version by name, as `versions` gives them; empty before the first session.
    """
    found: dict[str, str] = {}
    for event, _ in ledger.events(kind=SessionStarted.kind):
        if isinstance(event, SessionStarted):
            found = event.versions
    return found


def drive(
    folder: Path, ledger: Ledger, setup: SearchSetup, executor: Executor, observers: Sequence[Observer] = ()
) -> None:
    """Run what is left of the run in `folder` until it is done, stopped or interrupted.

    Args:
        folder: of the run; the caller holds its lease.
        ledger: of the run, open for writing.
        setup: of the run.
        executor: where the trials run; the caller has entered it.
        observers: called with every event.

    Raises:
        NoUsableTrialError: it ended without a single value.
        KeyboardInterrupt, SystemExit: a SIGINT or a SIGTERM, after everything was written.
    """
    before = last_versions(ledger)
    if executor.clock is not None:
        executor.clock.now = max((when for _, when in ledger.events()), default=0.0)
        ledger.clock = executor.clock
    ledger.append(SessionStarted(socket.gethostname(), os.getpid(), dict(versions())))
    targets = [backup_path(folder), *_storage(folder, setup.config)]
    backups = [Backup(ledger, target, setup.config.backup_seconds) for target in targets]
    try:
        with Interrupts() as interrupts:
            clock = executor.clock or time.monotonic
            coordinator = _coordinator(folder, ledger, setup, observers, backups, interrupts, clock)
            _remark(coordinator, folder, setup, version_changes(before, versions()))
            _run(coordinator, executor, backups)
    except Interrupted as interrupt:
        # Wherever it came: also while the ledger was replayed, or while the session was being left.
        stopped = interrupt.as_exit()
        stopped.add_note(f"the search was stopped; go on with nas_tune.resume({os.fspath(folder)!r})")
        raise stopped from None
    _check_usable(coordinator)


def _coordinator(
    folder: Path,
    ledger: Ledger,
    setup: SearchSetup,
    observers: Sequence[Observer],
    backups: Sequence[Backup],
    interrupts: Interrupts,
    clock: Callable[[], float],
) -> Coordinator:
    keeper = CheckpointKeeper(folder, setup.config.keep_checkpoints, setup.objectives, setup.limits)
    coordinator = Coordinator(
        ledger,
        space=setup.asked,
        proposer=setup.proposer(),
        scheduler=setup.scheduler(),
        objective=setup.objectives,
        declared=setup.metrics,
        budget=setup.budget,
        seed=setup.config.seed,
        at_end=setup.at_end,
        searches=setup.searches,
        limits=setup.limits,
        gate=setup.gate,
        batch=setup.config.batch,
        audience=Audience(observers, own=[*backups, keeper]),
        interrupts=interrupts,
        clock=clock,
    )
    for record in coordinator.state.trials.values():
        if record.over:
            keeper.place(record)
        elif record.attempts > 1 and not record.reports:
            # It begins anew, whatever a kill left of the attempt before.
            keeper.remove(record.number)
    return coordinator


def _remark(coordinator: Coordinator, folder: Path, setup: SearchSetup, upgraded: Sequence[str]) -> None:
    """Say what a person may not expect of this run."""
    size, asked = setup.asked.size, setup.config.max_trials
    if size is not None and asked is not None and asked > size and coordinator.state.sessions == 1:
        coordinator.note(f"max_trials = {asked} is bounded by the space: {size} architectures")
    queued, room = len(coordinator.state.queue), max(0, (asked or math.inf) - len(coordinator.state.trials))
    if queued > room:
        coordinator.note(f"max_trials = {asked} has room for {room} of the {queued} enqueued architectures")
    objectives = len(setup.objectives)
    if objectives > _MANY and coordinator.state.sessions == 1:
        coordinator.note(
            f"{objectives} objectives: with more than {_MANY} nearly every trial is on the front, so that little is "
            "selected; search for those that matter, and report the others as metrics"
        )
    if upgraded:
        coordinator.note(f"since the last session: {', '.join(upgraded)}; what is found from here on may differ")
    known = {text for _, text in coordinator.state.notes}
    for line in (*setup.about(), *limit_remarks(setup)):
        if line not in known:
            coordinator.note(line)
    if not any(text.startswith("control ") for text in known):
        for line in setup.controls():
            coordinator.note(line)
    if is_network_folder(folder):
        coordinator.note(f"{folder} lies on a network file system: the ledger is written without WAL, which is slower")


def _run(coordinator: Coordinator, executor: Executor, backups: Sequence[Backup]) -> None:
    try:
        executor.run(coordinator)
    except Interrupted:
        coordinator.stop("interrupted")
        raise
    except NasTuneError:
        coordinator.stop("failed")
        raise
    finally:
        coordinator.close()
        for backup in backups:
            try:
                backup.copy()
            except RunFolderError as error:
                coordinator.note(str(error))


def _storage(folder: Path, config: SearchConfig) -> list[Path]:
    return [ledger_path(Path(config.storage).expanduser() / folder.name)] if config.storage else []


def _check_usable(coordinator: Coordinator) -> None:
    counts = coordinator.state.counts
    if counts["complete"] or counts["pruned"] or coordinator.state.paused:
        return
    if coordinator.stopping == "time" and not counts["failed"]:
        raise NoUsableTrialError(
            f"max_seconds = {coordinator.budget.max_seconds:g} was up before any trial had trained one whole epoch, "
            "and a part of one gives no value that compares; resume the run with more (--set max_seconds=..), or make "
            "epochs shorter: a smaller network, fewer images"
        )
    cause = coordinator.first_cause() or next(
        (record for record in coordinator.state.trials.values() if record.state == "failed"), None
    )
    said = f": trial {cause.number} failed ({cause.failure}): {cause.message}" if cause else ""
    raise NoUsableTrialError(f"the search ended without a usable trial, {counts['failed']} failed{said}")
