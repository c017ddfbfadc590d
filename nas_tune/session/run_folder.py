"""The folder of a run on disk: where a new one begins, what lies in it for people, and the ledger's backup."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from nas_tune.config import SearchConfig
from nas_tune.config.problems import shown
from nas_tune.config.stored import stored_config
from nas_tune.errors import ConfigError, LedgerDamagedError, RunFolderError
from nas_tune.ledger import Ledger, RunState, backup_path, damaged, ledger_path, replay
from search_spaces import ArchitectureError, Space

__all__ = ["check_members", "fresh_folder", "has_run", "make_folder", "restore", "write_config"]


def has_run(folder: Path) -> bool:
    """Whether the folder holds a run; for a name that is too long, or a folder that is locked, it does not."""
    # Path.exists would raise there.
    return os.path.exists(ledger_path(folder))


def fresh_folder(folder: Path, new: bool, way_on: str) -> Path:
    """Where a run begins: the folder, or with `new` one beside it, if it is taken.

    Raises:
        ConfigError: it holds a run; `way_on` says how to go on with that.
    """
    taken = has_run(folder)
    if taken and not new:
        raise ConfigError(f"{folder} holds a run already: {way_on}, or start beside it (new=True, --new)")
    if not taken:
        return folder
    beside = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 10_000))
    return next(candidate for candidate in beside if not candidate.exists())


def make_folder(folder: Path) -> None:
    """Make the folder of a run; `RunFolderError` where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot make the run folder {folder}: {error}; name a place that can be written (run_dir)"
        ) from error


def write_config(folder: Path, config: SearchConfig) -> None:
    """Write the configuration for people; the ledger holds the same for programs."""
    try:
        text = config.to_toml()
    except ConfigError:
        return
    (folder / "config.toml").write_text(text, encoding="utf-8")


def check_members(folder: Path, state: RunState, space: Space) -> None:
    """Hold the trials against the space; `LedgerDamagedError` if one was asked for what is no member."""
    for record in state.trials.values():
        try:
            space.validate(record.asked)
        except ArchitectureError as error:
            raise damaged(folder, f"trial {record.number} was asked for {shown(record.asked)}: {error}") from error


def restore(folder: Path) -> None:
    """Put the latest backup in the ledger's place; what was there stays beside it.

    Raises:
        LedgerDamagedError: there is no backup, or it is damaged itself; nothing was changed.
    """
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
