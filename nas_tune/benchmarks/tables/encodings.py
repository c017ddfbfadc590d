"""The encodings of architectures in a table's column, by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nas_tune.errors import ConfigError
from search_spaces import Architecture, Space
from search_spaces.names import did_you_mean

__all__ = ["ENCODINGS", "reader"]

ENCODINGS = ("string", "genotype", "json")
"""The space's own string form, its genotype form, and the tree as JSON."""
_METHODS = {"string": "from_string", "genotype": "from_genotype"}


def reader(space: Space, encoding: str) -> Callable[[str], Architecture]:
    """Make a function that reads architectures.

    Args:
        space: of the architectures.
        encoding: one of `ENCODINGS`.

    Returns:
        The function from a text to a member of `space`.

    Raises:
        ConfigError: the encoding is unknown, or the space has no such form.
    """
    if encoding not in ENCODINGS:
        known = ", ".join(ENCODINGS)
        raise ConfigError(f"encoding {encoding!r} is unknown{did_you_mean(encoding, ENCODINGS) or ';'} known: {known}")
    if encoding == "json":
        return lambda text: space.validate(Architecture.from_json(text))
    read: Any = getattr(space, _METHODS[encoding], None)
    if read is None:
        raise ConfigError(f"space {space.name} has no {encoding} form; write the column as json")
    return read  # type: ignore[no-any-return]
