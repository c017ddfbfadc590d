"""The checkpoints of one trial on disk: whole or absent, newest first, the last two kept.

Each is a folder such as `epoch-000003`. It has the trainable's files and a `snapshot.json`, which lists these files
with their SHA-256 and holds the metrics of the epoch. It is written aside and renamed, so a killed process leaves no
partial checkpoint. A torn or changed file has another digest; the checkpoint before is used then. A checkpoint of
another owner is skipped, too: a ledger that lost its last events may give the number of a trial to another
architecture.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from trainables.drafts import draft_folder
from trainables.errors import CheckpointError

__all__ = ["Snapshot", "Snapshots", "newest"]

_KEPT = 2
_INDEX = "snapshot.json"
_DRAFT = "draft"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A whole checkpoint.

    Attributes:
        epoch: the epoch after which it was written, counted from 1.
        metrics: the metrics of that epoch, by name.
        folder: the folder that `Trainable.save` has filled.
    """

    epoch: int
    metrics: Mapping[str, float]
    folder: Path


class Snapshots:
    """The checkpoints of one trial.

    Args:
        folder: the folder of the checkpoints, which need not exist yet.
        owner: identifies the training; checkpoints of another owner are skipped. None accepts all.
    """

    def __init__(self, folder: Path, owner: str | None = None) -> None:
        self.folder, self.owner = folder, owner
        self._home = _identity(_home_of(folder))

    def write(self, epoch: int, metrics: Mapping[str, float], save: Callable[[Path], None]) -> None:
        """Write a checkpoint, and delete all others except the newest one of an earlier epoch.

        Those of later epochs are deleted, too: they are damaged or of another owner, or the training would have gone on
        from there.

        Args:
            epoch: the epoch that was trained last, counted from 1.
            metrics: its metrics by name.
            save: writes the state of the training into an existing folder.

        Raises:
            FileNotFoundError: the folder of the run was moved or deleted.
            OSError: the disk is full or not there. Earlier checkpoints are still whole.
        """
        if self._home is not None and _identity(_home_of(self.folder)) != self._home:
            # The run was moved: its old place must not come into being again.
            raise FileNotFoundError(f"{_home_of(self.folder)} was moved or deleted since the training began")
        with draft_folder(self.folder, _DRAFT) as draft:
            save(draft)
            index = {"owner": self.owner, "epoch": epoch, "metrics": dict(metrics), "files": _digests(draft)}
            (draft / _INDEX).write_text(json.dumps(index), encoding="utf-8")
            target = self.folder / f"epoch-{epoch:06d}"
            shutil.rmtree(target, ignore_errors=True)
            draft.rename(target)
        until_now = [folder for folder in self._folders() if folder.name <= target.name]
        for folder in self._folders():
            if folder not in until_now[:_KEPT]:
                shutil.rmtree(folder, ignore_errors=True)

    def newest_first(self, notes: list[str]) -> Iterator[Snapshot]:
        """Read the index of each checkpoint and check its files.

        Args:
            notes: a line is appended for each checkpoint that is damaged or of another owner.

        Yields:
            The whole checkpoints, newest first.
        """
        for folder in self._folders():
            try:
                yield _read(folder, self.owner)
            except CheckpointError as error:
                notes.append(str(error))

    def remove(self) -> None:
        """Delete all checkpoints of the trial."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(self.folder.glob("epoch-*"), reverse=True)


def _home_of(folder: Path) -> Path:
    """Return the folder of the run, of which `folder` is `trials/<number>`."""
    return folder.parent.parent


def _identity(folder: Path) -> tuple[int, int] | None:
    """Return device and inode of a folder: they tell whether the path still leads to the same folder."""
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def newest(folder: Path) -> Path:
    """Find the newest whole checkpoint below a folder.

    Args:
        folder: the folder of a trial's checkpoints, or that of one checkpoint.

    Returns:
        The folder of the newest whole checkpoint; `folder` itself if it has none below it.

    Raises:
        CheckpointError: there are checkpoints, and none is whole.
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
    """Return the SHA-256 of each file below a checkpoint's folder but the index, by its path in the folder."""
    digests = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != _INDEX:
            with path.open("rb") as file:
                digests[path.relative_to(folder).as_posix()] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests
