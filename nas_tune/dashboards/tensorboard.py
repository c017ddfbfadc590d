"""Every epoch of every trial as TensorBoard scalars: a folder of event files that follows the ledger.

Each trial is a run of TensorBoard, `trial-000012`: its metrics by epoch, at the times when they were reported, its
decisions as hyperparameters, and its architecture as text. The trials of the ledger are written to a new folder, which
then replaces the old one by a rename, so that no entry is there twice or half. Later epochs are appended.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from nas_tune.dashboards.events import Experiment, TrialFile
from nas_tune.errors import RunFolderError, RunLockedError
from nas_tune.ledger import RunState, TrialRecord
from nas_tune.ledger.locking import lock
from nas_tune.results import Run
from nas_tune.results.decisions import TrialParameters
from nas_tune.results.reader import LedgerReader
from nas_tune.results.space import run_space
from search_spaces.notation import writer
from trainables.drafts import draft_folder, remove_abandoned

__all__ = ["Board"]


class Board:
    """The folder `tensorboard` of a run. It is a context manager that locks the folder for one writer at a time.

    Args:
        run: the run.

    Raises:
        RunLockedError: another process writes the folder.
        RunFolderError: the folder cannot be written; its old content is still there.
        LedgerDamagedError, NewerFormatError: the ledger cannot be read.
    """

    def __init__(self, run: Run) -> None:
        self.folder = run.path / "tensorboard"
        self._reader = LedgerReader(run.path)
        self._unit = run.unit
        self._decisions = TrialParameters(run.meta.get("space"))
        self._written: Callable[[Any], str] = writer(run_space(run))
        parameters = () if self._decisions.space is None else self._decisions.space.parameters
        self._experiment = Experiment(parameters, [one.metric for one in run.objectives])
        self._forget()

    def __enter__(self) -> Self:
        self._lock = _locked(self.folder.with_name("tensorboard.lock"))
        try:
            self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._close()

    @property
    def trials(self) -> int:
        """The number of trials in the folder."""
        return self._seen

    def update(self) -> str | None:
        """Write what is new in the ledger.

        Returns:
            Why the session ended, or None while it has not ended.

        Raises:
            RunFolderError: the folder cannot be written.
        """
        with _writing(self.folder), self._reader.current() as state:
            if self._reader.version[0] == self._version:
                self._take(state, self.folder)
                return state.end_reason
        self._begin()  # The ledger was replaced by its backup.
        return self.update()

    def _close(self) -> None:
        for file in self._open.values():
            file.close()
        os.close(self._lock)

    def _forget(self) -> None:
        self._open: dict[int, TrialFile] = {}
        self._epochs: dict[int, int] = {}
        self._seen = 0

    def _begin(self) -> None:
        """Write all trials of the ledger into a new folder, which then replaces the old one."""
        for file in self._open.values():
            file.close()
        self._forget()
        beside = self.folder.parent
        remove_abandoned(beside, self.folder.name)  # earlier versions called their drafts so
        with (
            _writing(self.folder),
            draft_folder(beside, "tensorboard-new") as draft,
            draft_folder(beside, "tensorboard-old") as old,
        ):
            with self._reader.current() as state:
                self._version = self._reader.version[0]
                self._take(state, draft)
            if self.folder.exists():
                self.folder.rename(old / self.folder.name)
            draft.rename(self.folder)

    def _take(self, state: RunState, folder: Path) -> None:
        for number in range(self._seen, len(state.trials)):
            self._epochs[number] = 0
        self._seen = len(state.trials)
        for number in list(self._epochs):
            self._append(state.trials[number], folder / f"trial-{number:06}")

    def _append(self, trial: TrialRecord, folder: Path) -> None:
        """Write the new epochs of a trial; only the files of running trials stay open."""
        news = trial.reports[self._epochs[trial.number] :]
        if news or trial.over:
            file = self._open.get(trial.number) or self._opened(trial, folder)
            file.reports(news)
            self._epochs[trial.number] += len(news)
            if trial.over:
                self._end(file, trial)
        if not trial.active and (done := self._open.pop(trial.number, None)):
            done.close()

    def _opened(self, trial: TrialRecord, folder: Path) -> TrialFile:
        epochs = self._epochs[trial.number]
        file = self._open[trial.number] = TrialFile(folder, epochs, self._unit)
        if epochs == 0 and not trial.searches:
            self._describe(file, trial, trial.started)
        if epochs == 0:
            reported = trial.reports[0].metrics if trial.reports else {}
            file.costs(trial.started, {name: value for name, value in trial.costs.items() if name not in reported})
        return file

    def _end(self, file: TrialFile, trial: TrialRecord) -> None:
        if trial.searches:
            # The architecture of a trial that searches is known only at its end.
            self._describe(file, trial, trial.ended or trial.started)
        file.end(trial)
        del self._epochs[trial.number]

    def _describe(self, file: TrialFile, trial: TrialRecord, when: float) -> None:
        file.describe(when, self._experiment, self._decisions.of(trial), self._written(trial.tree))


def _locked(path: Path) -> int:
    with _writing(path):
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        lock(file)
    except OSError as error:
        os.close(file)
        raise RunLockedError(
            f"{path.with_suffix('')} is being written by another `nas-tune dashboard --tensorboard`: "
            "look at what it writes, or end it first"
        ) from error
    return file


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn an OSError into a message that names `path`."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"cannot write {path}: {error}; make room, or copy the run to where you may write"
        ) from error
