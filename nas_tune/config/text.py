"""Reads, parses and writes TOML; errors have the path, line and column."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import accumulate
from operator import itemgetter
from pathlib import Path
from typing import Any

from nas_tune.errors import ConfigError
from search_spaces.names import did_you_mean

__all__ = ["parse_toml", "read_text", "toml_text"]

_PLACE = re.compile(r"(?P<reason>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)", re.S)


def read_text(path: Path) -> str:
    """Read a UTF-8 file.

    Args:
        path: the file.

    Returns:
        Its text, without a byte order mark.

    Raises:
        ConfigError: the file cannot be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        bad = f"byte 0x{error.object[error.start]:02x} at offset {error.start}"
        raise ConfigError(f"{path}: not UTF-8 ({bad}); save the file as UTF-8") from error
    except FileNotFoundError as error:
        raise ConfigError(f"{path}: no such file{_close_file(path)}") from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path}: a directory; give the TOML file itself{_close_file(path / '*')}") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(f"{path}: cannot be read: {reason}") from error


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Parse TOML.

    Args:
        text: the TOML.
        source: the name of the text in messages.

    Returns:
        The top table.

    Raises:
        ConfigError: the text is not TOML; the message has the line and column.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}{_place(str(error), text)}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}{_deepest(text)}: arrays or tables are nested too deeply; nest fewer") from error


def toml_text(values: Mapping[str, object]) -> str:
    """Write plain data as TOML.

    Args:
        values: the top table.

    Returns:
        The TOML.

    Raises:
        ConfigError: a value is None, which TOML cannot write.
    """
    import tomli_w  # costs 10 ms that most commands need not pay

    if path := next(_nones("", values), None):
        raise ConfigError(f"{path}: got nothing (None), which TOML cannot write; leave it out, or write JSON")
    return tomli_w.dumps(values)


def _close_file(path: Path) -> str:
    """The closest TOML file beside a missing one; for a directory, those that it holds."""
    folder = path.parent
    files = sorted(found.name for found in folder.glob("*.toml")) if folder.is_dir() else []
    if path.name == "*":
        return f" ({', '.join(files[:5])})" if files else ""
    return did_you_mean(path.name, files)


def _place(message: str, text: str) -> str:
    found = _PLACE.fullmatch(message)
    if found is None:
        return f": not TOML: {message}"
    line, column = found["line"], found["column"]
    if line is None:
        lines = text.split("\n")
        line, column = str(len(lines)), str(len(lines[-1]) + 1)
    return f", line {line}, column {column}: not TOML: {found['reason']}"


def _deepest(text: str) -> str:
    """The line and column where most brackets are open."""
    opened = accumulate({"[": 1, "{": 1, "]": -1, "}": -1}.get(character, 0) for character in text)
    place = max(enumerate(opened), key=itemgetter(1))[0]
    before = text[:place]
    return f", line {before.count(chr(10)) + 1}, column {place - before.rfind(chr(10))}"


def _nones(path: str, value: object) -> Iterator[str]:
    if value is None:
        yield path
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _nones(f"{path}.{key}" if path else key, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _nones(f"{path}.{index}", item)
