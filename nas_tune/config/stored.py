"""The configuration that a ledger keeps: it was checked when it was written, so what is wrong with it is damage."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nas_tune.config.schema import SearchConfig
from nas_tune.errors import ConfigError
from nas_tune.ledger import damaged

__all__ = ["stored_config"]


def stored_config(folder: Path, config: Mapping[str, Any], changes: Mapping[str, Any]) -> SearchConfig:
    """The configuration in force in the run folder: that of the start, with what resumes changed since.

    Raises:
        LedgerDamagedError: it could not have been written.
    """
    try:
        return SearchConfig(**{**config, **changes})
    except ConfigError as error:
        raise damaged(folder, f"its configuration cannot be: {error}") from error
