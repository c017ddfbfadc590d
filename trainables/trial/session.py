"""The boundary around one trial: every call returns a plain `Outcome`, whatever the training does.

A session sets the trainable up, goes on from the trial's last whole checkpoint if there is one, runs one epoch per
call, saves after each, and turns every exception and every impossible report into a named failure. It is the one
place where a broad except is right. It does not depend on its caller: the inline executor, a Ray actor or the command
line.
"""

from __future__ import annotations

import hashlib
import math
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainables.errors import DivergedError, EndOfTraining, GroupLostError, InfeasibleArchitectureError, OutOfTime
from trainables.protocol import Searching, Telling, Trainable, has_checkpoints
from trainables.trial.bounds import LONGEST_MESSAGE, LONGEST_NOTE, LONGEST_TRACE, MOST_NOTES, cut, writable
from trainables.trial.deadline import check_time, until
from trainables.trial.reports import BadResultError, reported_numbers
from trainables.trial.snapshots import Snapshots

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["Failure", "Finding", "Outcome", "TrialSession"]

_MISSED_SAVES = 3
"""Failed saves in a row after which a trial fails."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The reason why a trial cannot go on.

    Attributes:
        kind: "error", "diverged", "constraint", "oom", "bad_result", "storage", or "lost" if another of the processes
            that train together is gone, which is not a failure of the training.
        message: the type and the text of the error.
        traceback: where it was raised; empty for a bad report and for a failure of the storage.
    """

    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """An architecture that a training has found.

    Attributes:
        tree: the decisions as a nested value.
        id: the canonical id.
    """

    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one call of `TrialSession.advance`.

    Attributes:
        epoch: the last epoch trained, counted from 1; 0 before the first.
        metrics: numbers by name; empty if nothing was reported.
        seconds: wall-clock time of the epoch, in seconds.
        finished: whether the training is over.
        failure: the reason if the trial cannot go on.
        notes: remarks for the user.
        found: the best architecture so far, of a training that searches for one.
        unusable: by name, why a reported value is not a number and is left out. If the objective of a search is among
            them, the search ends the trial.
        out_of_time: whether the deadline passed within the next epoch. Earlier reports of this trial stay, and this
            session adds none.
    """

    epoch: int
    metrics: Mapping[str, float]
    seconds: float = 0.0
    finished: bool = False
    failure: Failure | None = None
    notes: tuple[str, ...] = ()
    found: Finding | None = None
    unusable: Mapping[str, str] = field(default_factory=dict)
    out_of_time: bool = False


class _StorageError(Exception):
    """Checkpoints cannot be written any more."""


class TrialSession:
    """One trial on one trainable.

    Args:
        trainable: the session sets it up; afterwards the next session may use it.
        architecture: the architecture to train.
        seed: decides everything random in the training.
        max_epochs: the length of a full training, in epochs.
        folder: the folder of the trial's checkpoints; None saves nothing.
        writes: whether to save there; of several processes that train together, one does.
        ends: the deadline on the clock of `time.monotonic`, in seconds; from then on no batch begins.
    """

    def __init__(
        self,
        trainable: Trainable,
        architecture: Architecture,
        *,
        seed: int,
        max_epochs: int,
        folder: Path | None = None,
        writes: bool = True,
        ends: float = math.inf,
    ) -> None:
        self._trainable, self._writes, self._ends = trainable, writes, ends
        self._architecture = architecture
        self._seed = seed
        self._max_epochs = max_epochs
        self._snapshots: Snapshots | None = None
        if folder is not None and has_checkpoints(trainable):
            owner = hashlib.sha256(f"{seed} {architecture.to_json()}".encode()).hexdigest()
            self._snapshots = Snapshots(folder, owner)
        self._epoch = 0
        self._ready = False
        self._missed_saves = self._repeats = 0
        self._notes: list[str] = []
        self._left_out: set[str] = set()
        self._noted = 0

    def advance(self) -> Outcome:
        """Train the next epoch. The first call sets the trainable up; if there is a checkpoint, it only restores that.

        Returns:
            The outcome: metrics, a failure, or the end of the training. No exception of the training passes.
        """
        started = time.monotonic()
        try:
            if not self._ready:
                self._trainable.setup(self._architecture, seed=self._seed, max_epochs=self._max_epochs)
                self._ready = True
                restored = self._load_newest()
                if restored is not None:
                    return self._outcome(restored, seconds=0.0)
            return self._step(started)
        except EndOfTraining:
            if self._epoch:
                return Outcome(self._epoch, {}, finished=True, notes=self._new_notes())
            return self._failed(BadResultError("the training ended without a report; yield one dict an epoch"))
        except OutOfTime as end:
            # A part of an epoch is dropped: its value would not compare with those of whole epochs.
            seconds = time.monotonic() - started
            note = f"the time was up in epoch {self._epoch + 1}{end}, {seconds:.1f} seconds in all; it does not count"
            return Outcome(self._epoch, {}, notes=(*self._notes, note), out_of_time=True)
        except Exception as error:  # noqa: BLE001
            return self._failed(error)

    def _load_newest(self) -> Mapping[str, float] | None:
        """Load the newest checkpoint that can be loaded, and return its metrics; None if there is no such one."""
        if self._snapshots is None:
            return None
        for snapshot in self._snapshots.newest_first(self._notes):
            try:
                self._trainable.load(snapshot.folder)
            except Exception as error:  # noqa: BLE001
                # A checkpoint costs at most a training from scratch, never the trial.
                self._notes.append(f"checkpoint of epoch {snapshot.epoch} rejected: {error!r}")
                # What a half-done load left behind must not leak into the training.
                self._trainable.setup(self._architecture, seed=self._seed, max_epochs=self._max_epochs)
                continue
            self._epoch = snapshot.epoch
            return snapshot.metrics
        return None

    def _step(self, started: float) -> Outcome:
        with until(self._ends):
            check_time()
            metrics, unusable = reported_numbers(self._trainable.step())
        for name in unusable.keys() - self._left_out:
            self._notes.append(f"{unusable[name]}; it is left out")
        self._left_out |= unusable.keys()
        if isinstance(self._trainable, Telling):
            self._notes.extend(map(str, self._trainable.notes()))
        epoch = _next_epoch(metrics, self._epoch)
        seconds = time.monotonic() - started
        if epoch == self._epoch:
            return self._repeated(seconds)
        self._epoch = epoch
        if self._snapshots is not None and self._writes:
            self._save(self._snapshots, metrics)
        return replace(self._outcome(metrics, seconds), unusable=unusable)

    def _repeated(self, seconds: float) -> Outcome:
        """Ignore a second report of the same epoch; raise when there are too many of them."""
        self._repeats += 1
        if self._repeats == 1:
            self._notes.append(f"epoch {self._epoch} was reported again; repeated epochs are ignored")
        if self._repeats > self._max_epochs:
            raise BadResultError(
                f"epoch {self._epoch} was reported again and again; count epochs upwards, or not at all"
            )
        return self._outcome({}, seconds)

    def _save(self, snapshots: Snapshots, metrics: Mapping[str, float]) -> None:
        try:
            snapshots.write(self._epoch, metrics, self._trainable.save)
            self._missed_saves = 0
        except OSError as error:
            # A training goes on in memory when a save fails, until several saves in a row have failed.
            self._missed_saves += 1
            self._notes.append(f"checkpoint of epoch {self._epoch} not saved: {error}")
            if self._missed_saves >= _MISSED_SAVES:
                raise _StorageError(f"{_MISSED_SAVES} checkpoints in a row could not be saved: {error}") from error

    def _outcome(self, metrics: Mapping[str, float], seconds: float) -> Outcome:
        notes = self._new_notes()
        finished = self._epoch >= self._max_epochs
        found = self._trainable.architecture if isinstance(self._trainable, Searching) else None
        finding = None if found is None else Finding(found.tree, found.id)
        return Outcome(self._epoch, metrics, seconds, finished, notes=notes, found=finding)

    def _new_notes(self) -> tuple[str, ...]:
        """Return the notes since the last call, each cut to its limit; a training has a limited number of notes."""
        notes, self._notes = self._notes, []
        room = max(0, MOST_NOTES - self._noted)
        kept = [cut(writable(note), LONGEST_NOTE) for note in notes[:room]]
        if len(notes) > room and self._noted <= MOST_NOTES:
            kept.append(f"of one training {MOST_NOTES} notes are kept; the others are left out")
        self._noted += len(kept)
        return tuple(kept)

    def _failed(self, error: Exception) -> Outcome:
        trace = cut(writable("".join(traceback.format_exception(error))), LONGEST_TRACE)
        failure = Failure(_kind_of(error), cut(_message_of(error), LONGEST_MESSAGE), trace)
        if isinstance(error, BadResultError | _StorageError):
            failure = Failure(failure.kind, str(error))
        return Outcome(self._epoch, {}, finished=True, failure=failure, notes=self._new_notes())


def _message_of(error: Exception) -> str:
    """Return the type and the text of an exception, without lone surrogates."""
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 -- `__str__` of an exception is foreign code too
        text = f"its text cannot be read: str() raised {type(second).__name__}"
    return writable(f"{type(error).__name__}: {text}")


def _kind_of(error: Exception) -> str:
    """Return the kind of failure of an exception, by its class."""
    named = {
        DivergedError: "diverged",
        GroupLostError: "lost",
        InfeasibleArchitectureError: "constraint",
        BadResultError: "bad_result",
        _StorageError: "storage",
    }
    if type(error) in named:
        return named[type(error)]
    # torch.OutOfMemoryError by name: this module does not import torch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "oom"
    return "error"


def _next_epoch(metrics: dict[str, float], last: int) -> int:
    """Return the epoch of a report: its entry `epoch`, which may equal the last one, or the next one without it."""
    own = metrics.pop("epoch", None)
    if own is None:
        return last + 1
    if not (float(own).is_integer() and own >= max(1, last)):
        raise BadResultError(f"epoch {own:g} was reported after epoch {last}; epochs are whole and increase from 1")
    return int(own)
