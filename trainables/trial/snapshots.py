"""The checkpoints of one trial on disk: whole or absent, newest first, the last two kept.

Each is a folder `epoch-000003` with the trainable's files and a `snapshot.json` that names them with their
SHA-256 and holds the epoch's metrics. It is written aside and renamed, so a kill leaves no half of one; a
torn or changed file is found by its digest and the one before is used, and so is one of another owner: a ledger
that lost its last events may give the number of a trial to another architecture.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainables.drafts import draft_name, remove_abandoned
from trainables.errors import CheckpointError

__all__ = ["Snapshot", "Snapshots", "newest"]

_KEPT = 2
_INDEX = "snapshot.json"
_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole checkpoint: what `Trainable.save` wrote, after which epoch, with that epoch's metrics."""

    epoch: int
    metrics: Mapping[str, float]
    folder: Path


class Snapshots:
    """The checkpoints below `folder`, which need not exist yet.

    `owner` says whose they are: what another owner wrote is passed over; without one, all are taken.
    """

    def __init__(self, folder: Path, owner: str | None = None) -> None:
        self.folder, self.owner = folder, owner
        self._home = _identity(_home_of(folder))

    def write(self, epoch: int, metrics: Mapping[str, float], save: Callable[[Path], None]) -> None:
        """Let `save` fill a folder for this epoch, seal it, and drop all but it and the one before it.

        Those of later epochs go too: they were damaged or another's, else the training would stand there.

        Raises:
            OSError: the disk is full or not there; what was saved before is still whole.
        """
        self._check_home()
        remove_abandoned(self.folder, _DRAFT)
        draft = self.folder / draft_name(_DRAFT)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            save(draft)
            index = {"owner": self.owner, "epoch": epoch, "metrics": dict(metrics), "files": _digests(draft)}
            (draft / _INDEX).write_text(json.dumps(index), encoding="utf-8")
            target = self.folder / f"epoch-{epoch:06d}"
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        until_now = [folder for folder in self._folders() if folder.name <= target.name]
        for folder in self._folders():
            if folder not in until_now[:_KEPT]:
                shutil.rmtree(folder, ignore_errors=True)

    def _check_home(self) -> None:
        """A folder that was there and is another one now was moved: nothing is made in its old place."""
        if self._home is not None and _identity(_home_of(self.folder)) != self._home:
            raise FileNotFoundError(f"{_home_of(self.folder)} was moved or deleted since the training began")

    def newest_first(self, notes: list[str]) -> Iterator[Snapshot]:
        """The whole checkpoints; of each damaged one, a line is added to `notes`."""
        for folder in self._folders():
            try:
                yield _read(folder, self.owner)
            except CheckpointError as error:
                notes.append(str(error))

    def remove(self) -> None:
        """Delete all of them."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*"), reverse=True)


def _home_of(folder: Path) -> Path:
    """The folder of the run to which `trials/<number>` belongs."""
    return folder.parent.parent


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def newest(folder: Path) -> Path:
    """The newest whole checkpoint below `folder`; `folder` itself, where it is one or holds none.

    Raises:
        CheckpointError: there are some, and none of them is whole.
    """
    notes: list[str] = []
    for snapshot in Snapshots(folder).newest_first(notes):
        return snapshot.folder
    if notes:
        raise CheckpointError(f"{folder} has no whole checkpoint: {'; '.join(notes)}")
    return folder


def _read(folder: Path, owner: str | None) -> Snapshot:
    try:
        index = json.loads((folder / _INDEX).read_text(encoding="utf-8"))
        epoch, metrics, files = int(index["epoch"]), dict(index["metrics"]), dict(index["files"])
        found = _digests(folder)
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"checkpoint {folder.name} cannot be read: {error!r}; it is passed over") from error
    if owner is not None and index.get("owner") != owner:
        raise CheckpointError(f"checkpoint {folder.name} is of another architecture or seed; it is passed over")
    torn = sorted(name for name in files if found.get(name) != files[name])
    if torn:
        raise CheckpointError(f"checkpoint {folder.name} is damaged ({', '.join(torn)}); it is passed over")
    return Snapshot(epoch, metrics, folder)


def _digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): _digest(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != _INDEX
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
