"""The boundary around one trial: whatever a training does, what leaves here is a plain `Outcome`.

A session sets the trainable up, goes on from the trial's last whole checkpoint if there is one, runs an epoch a
call, saves after each, and turns every exception and every impossible report into a named failure. It is the one
place where a broad except is right. It knows nothing of who drives it: the inline executor, a Ray actor or the
command line.
"""

from __future__ import annotations

import hashlib
import math
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from search_spaces.names import IDENTIFIER_RULE, is_identifier
from trainables.errors import DivergedError, EndOfTraining, GroupLostError, InfeasibleArchitectureError, OutOfTime
from trainables.protocol import Searching, Telling, Trainable, has_checkpoints
from trainables.trial.bounds import LONGEST_MESSAGE, LONGEST_NOTE, LONGEST_TRACE, MOST_NOTES, cut, writable
from trainables.trial.deadline import check_time, until
from trainables.trial.snapshots import Snapshots

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["RESERVED_NAMES", "Failure", "Finding", "Outcome", "TrialSession", "is_reserved"]

RESERVED_NAMES = frozenset(
    [
        "trial",
        "state",
        "failure",
        "message",
        "value",
        "epochs",
        "architecture",
        "architecture_id",
        "found",
        "found_id",
        "seed",
        "started",
        "ended",
        "seconds",
        "time",
        "node",
        "lost",
        "traceback",
    ]
)
"""Columns of the result tables, which no metric may be called."""

_MISSED_SAVES = 3


def is_reserved(name: str) -> bool:
    """Whether a metric of that name would be a column of the tables already; SQL does not tell their case apart."""
    return name.lower() in RESERVED_NAMES or (name != "epoch" and name.lower() == "epoch")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a trial cannot go on: `kind` is error, diverged, constraint, oom, bad_result or storage.

    Or it is lost, where another of the processes that train together is gone: that is no failure of the training.
    """

    kind: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """An architecture that a training has found: its tree and its canonical id."""

    tree: Any
    id: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of `advance` came to.

    `epoch` counts from 1 and is the last one trained; `metrics` is empty where nothing was reported; `finished`
    says that there is nothing more to train; `notes` are things that a person should know; `found` is the best so far
    of a training that looks for an architecture itself. `unusable` says of what was reported and is no number why it
    is left out; where it is what a search optimizes, the search ends the trial for it. `out_of_time` says that the next
    epoch was left in the middle: what this trial reported stays, and no more comes of it in this session.
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


class _BadResultError(Exception):
    """A report that is not a flat mapping of names to numbers."""


class _StorageError(Exception):
    """Checkpoints cannot be written any more."""


class TrialSession:
    """One trial on one trainable.

    Args:
        trainable: set up here, and free for the next session afterwards.
        architecture: what to train.
        seed: decides everything random in the training.
        max_epochs: the length of a full training.
        folder: where the trial's checkpoints lie; None saves nothing.
        writes: whether to save there; of processes that train together, one does.
        ends: the time of `time.monotonic` from which no batch begins any more.
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
            self._snapshots = Snapshots(folder, _owner(architecture, seed))
        self._epoch = 0
        self._ready = False
        self._missed_saves = self._repeats = 0
        self._notes: list[str] = []
        self._left_out: set[str] = set()
        self._noted = 0

    def advance(self) -> Outcome:
        """Train the next epoch; the first call sets up, and answers with the checkpoint's epoch if there is one."""
        started = time.monotonic()
        try:
            if not self._ready:
                again = self._begin()
                if again is not None:
                    return self._outcome(again, seconds=0.0)
            return self._step(started)
        except EndOfTraining:
            return self._exhausted()
        except OutOfTime as end:
            return self._left(end, time.monotonic() - started)
        except Exception as error:  # noqa: BLE001
            return self._failed(error)

    def _left(self, end: OutOfTime, seconds: float) -> Outcome:
        """What is trained of the epoch is dropped: its value would not compare with those of whole epochs."""
        note = f"the time was up in epoch {self._epoch + 1}{end}, {seconds:.1f} seconds in all; it does not count"
        return Outcome(self._epoch, {}, notes=(*self._notes, note), out_of_time=True)

    def _begin(self) -> Mapping[str, float] | None:
        self._trainable.setup(self._architecture, seed=self._seed, max_epochs=self._max_epochs)
        self._ready = True
        return self._go_on()

    def _go_on(self) -> Mapping[str, float] | None:
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
            metrics, unusable = _numbers(self._trainable.step())
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
        """The epoch that was reported last comes again: ignored, though not for ever."""
        self._repeats += 1
        if self._repeats == 1:
            self._notes.append(f"epoch {self._epoch} was reported again; repeated epochs are ignored")
        if self._repeats > self._max_epochs:
            raise _BadResultError(
                f"epoch {self._epoch} was reported again and again; count epochs upwards, or not at all"
            )
        return self._outcome({}, seconds)

    def _save(self, snapshots: Snapshots, metrics: Mapping[str, float]) -> None:
        try:
            snapshots.write(self._epoch, metrics, self._trainable.save)
            self._missed_saves = 0
        except OSError as error:
            # A training that cannot be saved is still a training: it goes on in memory, for a while.
            self._missed_saves += 1
            self._notes.append(f"checkpoint of epoch {self._epoch} not saved: {error}")
            if self._missed_saves >= _MISSED_SAVES:
                raise _StorageError(f"{_MISSED_SAVES} checkpoints in a row could not be saved: {error}") from error

    def _outcome(self, metrics: Mapping[str, float], seconds: float) -> Outcome:
        notes = self._told()
        finished = self._epoch >= self._max_epochs
        return Outcome(self._epoch, metrics, seconds, finished, notes=notes, found=_found(self._trainable))

    def _told(self) -> tuple[str, ...]:
        """The notes since the last time, none too long, and not too many in all."""
        notes, self._notes = self._notes, []
        room = max(0, MOST_NOTES - self._noted)
        told = [cut(writable(note), LONGEST_NOTE) for note in notes[:room]]
        if len(notes) > room and self._noted <= MOST_NOTES:
            told.append(f"of one training {MOST_NOTES} notes are kept; the others are left out")
        self._noted += len(told)
        return tuple(told)

    def _exhausted(self) -> Outcome:
        if self._epoch:
            return Outcome(self._epoch, {}, finished=True, notes=self._told())
        return self._failed(_BadResultError("the training ended without a report; yield one dict an epoch"))

    def _failed(self, error: Exception) -> Outcome:
        trace = cut(writable("".join(traceback.format_exception(error))), LONGEST_TRACE)
        failure = Failure(_kind_of(error), cut(_said(error), LONGEST_MESSAGE), trace)
        if isinstance(error, _BadResultError | _StorageError):
            failure = Failure(failure.kind, str(error))
        return Outcome(self._epoch, {}, finished=True, failure=failure, notes=self._told())


def _found(trainable: Trainable) -> Finding | None:
    architecture = trainable.architecture if isinstance(trainable, Searching) else None
    return None if architecture is None else Finding(architecture.tree, architecture.id)


def _owner(architecture: Architecture, seed: int) -> str:
    return hashlib.sha256(f"{seed} {architecture.to_json()}".encode()).hexdigest()


def _said(error: Exception) -> str:
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001 -- its own text is a stranger's code too
        text = f"its text cannot be told, that raised {type(second).__name__}"
    return writable(f"{type(error).__name__}: {text}")


def _kind_of(error: Exception) -> str:
    named = {
        DivergedError: "diverged",
        GroupLostError: "lost",
        InfeasibleArchitectureError: "constraint",
        _BadResultError: "bad_result",
        _StorageError: "storage",
    }
    if type(error) in named:
        return named[type(error)]
    # torch.OutOfMemoryError by name: this module does not import torch.
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "oom"
    return "error"


def _next_epoch(metrics: dict[str, float], last: int) -> int:
    """The epoch that a report is for: its own `epoch` if it has one, which may be the last one's, else the next."""
    own = metrics.pop("epoch", None)
    if own is None:
        return last + 1
    if not (float(own).is_integer() and own >= max(1, last)):
        raise _BadResultError(f"epoch {own:g} was reported after epoch {last}; epochs are whole and increase from 1")
    return int(own)


def _numbers(report: object) -> tuple[dict[str, float], dict[str, str]]:
    """The numbers of a report by name; and what is wrong with each that is none."""
    if not isinstance(report, Mapping) or not report:
        raise _BadResultError(
            f"an epoch reported {_shown(report)}; it must be a dict of metric names to numbers, not empty"
        )
    numbers: dict[str, float] = {}
    unusable: dict[str, str] = {}
    for given, value in report.items():
        name = _metric_name(given)
        try:
            numbers[name] = _number(name, value)
        except _BadResultError as error:
            unusable[name] = str(error)
    _refuse_equal_names([*numbers, *unusable])
    if not numbers or "epoch" in unusable:
        raise _BadResultError(unusable.get("epoch") or next(iter(unusable.values())))
    return numbers, unusable


def _refuse_equal_names(names: Sequence[str]) -> None:
    """SQL and many file formats do not tell names apart that differ only in case."""
    known: dict[str, str] = {}
    for name in names:
        other = known.setdefault(name.lower(), name)
        if other != name:
            raise _BadResultError(f"metrics are called {other!r} and {name!r}, which differ only in case; rename one")


def _metric_name(name: object) -> str:
    if not is_identifier(name):
        raise _BadResultError(f"a metric is called {_shown(name)}; {IDENTIFIER_RULE}")
    if is_reserved(str(name)):
        raise _BadResultError(f"a metric is called {name!r}, which is a column of the result tables; rename it")
    return str(name)


def _number(name: str, value: object) -> float:
    plain = value
    size = getattr(value, "numel", None) or getattr(value, "size", None)
    if hasattr(value, "item") and size is not None and (size() if callable(size) else size) == 1:
        plain = value.item()
    if isinstance(plain, bool) or not isinstance(plain, int | float):
        raise _BadResultError(f"metric {name!r} is {_shown(value)}; a number or a one-element tensor is needed")
    try:
        return plain if isinstance(plain, int) and abs(plain) < 2**53 else float(plain)
    except OverflowError:
        raise _BadResultError(
            f"metric {name!r} is {_shown(value)}, larger than any float; report a smaller one"
        ) from None


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} of type {type(value).__name__}"
