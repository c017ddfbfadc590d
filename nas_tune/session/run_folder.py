"""The folder of a run on disk: where a new one begins, which files are in it for people, and the ledger's backup."""

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
from trainables.drafts import draft_file

__all__ = ["check_members", "fresh_folder", "has_run", "make_folder", "restore_backup", "write_config"]


def has_run(folder: Path) -> bool:
    """Check whether a folder holds a run.

    Args:
        folder: any path.

    Returns:
        False also for a name that is too long, and for a folder that cannot be read.
    """
    # Path.exists would raise there.
    return os.path.exists(ledger_path(folder))


def fresh_folder(folder: Path, new: bool, way_on: str) -> Path:
    """Choose the folder of a new run.

    Args:
        folder: the wanted folder.
        new: take one beside it if it holds a run.
        way_on: says how to go on with the run that it holds.

    Returns:
        `folder`, or the first free one of `<folder>-2`, `<folder>-3`, ..; not made yet.

    Raises:
        ConfigError: it holds a run, and `new` is False.
    """
    taken = has_run(folder)
    if taken and not new:
        raise ConfigError(f"{folder} holds a run already: {way_on}, or start beside it (new=True, --new)")
    if not taken:
        return folder
    beside = (folder.with_name(f"{folder.name}-{number}") for number in range(2, 10_000))
    return next(candidate for candidate in beside if not candidate.exists())


def make_folder(folder: Path) -> None:
    """Make the folder of a run.

    Args:
        folder: it, which may be there.

    Raises:
        RunFolderError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(
            f"cannot make the run folder {folder}: {error}; name a place that can be written (run_dir)"
        ) from error


def write_config(folder: Path, config: SearchConfig) -> None:
    """Write `config.toml` for people; the ledger holds the same for programs.

    Args:
        folder: of the run.
        config: its configuration; one that TOML cannot express is left out.
    """
    try:
        text = config.to_toml()
    except ConfigError:
        return
    (folder / "config.toml").write_text(text, encoding="utf-8")


def check_members(folder: Path, state: RunState, space: Space) -> None:
    """Check that every trial was asked for a member of the space.

    Args:
        folder: of the run, for the message.
        state: of the run.
        space: of its trials.

    Raises:
        LedgerDamagedError: a trial was asked for another architecture.
    """
    for record in state.trials.values():
        try:
            space.validate(record.asked)
        except ArchitectureError as error:
            raise damaged(folder, f"trial {record.number} was asked for {shown(record.asked)}: {error}") from error


def restore_backup(folder: Path) -> None:
    """Put the latest backup in the ledger's place; what was there stays beside it.

    Args:
        folder: of the run; the caller holds its lease.

    Raises:
        LedgerDamagedError: there is no backup, or it is damaged itself; nothing was changed.
    """
    backup, ledger = backup_path(folder), ledger_path(folder)
    if not backup.is_file():
        raise LedgerDamagedError(f"{folder} has no backup of its ledger at {backup}")
    with closing(Ledger.open(backup.parent, readonly=True)) as whole, draft_file(ledger) as draft:
        stored_config(backup.parent, whole.meta["config"], replay(whole.events()).changes)
        whole.backup(draft)
        for part in (ledger, ledger.with_name(f"{ledger.name}-wal"), ledger.with_name(f"{ledger.name}-shm")):
            if part.exists():
                part.rename(part.with_name(f"{part.name}.damaged"))
