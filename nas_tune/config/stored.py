"""The configuration that a ledger keeps: it was checked when it was written, so what is wrong with it is damage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas_tune.config.schema import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.ledger import damaged
from search_spaces.names import remote_problem

__all__ = ["stored_config", "without_remote"]


def stored_config(folder: Path, config: Mapping[str, Any], changes: Mapping[str, Any]) -> SearchConfig:
    """The configuration in force in the run folder: that of the start, with what resumes changed since.

    Raises:
        LedgerDamagedError: it could not have been written.
    """
    try:
        return SearchConfig(**without_remote(folder, {**config, **changes}))
    except ConfigError as error:
        raise damaged(folder, f"its configuration cannot be: {error}") from error


def without_remote(folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a stored configuration without URLs, which earlier versions took for folders of that name here.

    The run is where its folder is; of a storage there is none.
    """
    found = dict(config)
    if _is_remote(found.get("run_dir")):
        found["run_dir"] = str(folder)
    if _is_remote(found.get("storage")):
        found["storage"] = None
    return found


def _is_remote(path: object) -> bool:
    return isinstance(path, str) and remote_problem(path) is not None
