"""The configuration in a ledger. It was checked when it was written, so a problem with it means a damaged ledger."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas_tune.config.schema import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.ledger import damaged
from search_spaces.names import remote_problem
from trainables.kept_data import add_place

__all__ = ["stored_config", "without_remote"]


def stored_config(folder: Path, config: Mapping[str, Any], changes: Mapping[str, Any]) -> SearchConfig:
    """Make the configuration in force from what the ledger of a run holds.

    Args:
        folder: the folder of the run, for messages.
        config: the keys at the start of the run.
        changes: the keys that resumes have changed since.

    Returns:
        The configuration.

    Raises:
        LedgerDamagedError: the keys break a rule, so this package cannot have written them.
    """
    add_place(folder.absolute())
    try:
        return SearchConfig(**without_remote(folder, {**config, **changes}))
    except ConfigError as error:
        raise damaged(folder, f"its configuration cannot be: {error}") from error


def without_remote(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """Remove URLs from a stored configuration; earlier versions took them for local folders of that name.

    Args:
        folder: the folder of the run.
        config: the keys of the configuration.

    Returns:
        A copy in which a URL as `run_dir` is replaced by the folder, and a URL as `storage` by None.
    """
    found = dict(config)
    if _is_remote(found.get("run_dir")):
        found["run_dir"] = str(folder)
    if _is_remote(found.get("storage")):
        found["storage"] = None
    return found


def _is_remote(path: object) -> bool:
    return isinstance(path, str) and remote_problem(path) is not None
