"""Reads configurations from TOML files, with the changes of `--set key=value`.

The error for a file that cannot be read has its path and the reason, and a syntax error has its line and column. All
problems with the keys are reported together (`ConfigProblems`).
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any

from nas_tune.config.component import Component
from nas_tune.config.problems import ConfigProblems, shown
from nas_tune.config.schema import SearchConfig
from nas_tune.config.text import parse_toml, read_text
from trainables.kept_data import add_place

__all__ = ["load_config"]

_COMPONENTS = ("space", "trainable", "strategy", "scheduler")


def load_config(path: str | PathLike[str], overrides: Iterable[str] = ()) -> SearchConfig:
    """Read the configuration of a TOML file and apply overrides to it, in order.

    Args:
        path: the file.
        overrides: texts of the form `a.b=c`. The value is read as TOML, else as a string. A dotted key reaches into a
            table; a component given by its name becomes a table (`strategy.population=8`) and keeps its name.

    Returns:
        The configuration.

    Raises:
        ConfigError: the file cannot be read or is not TOML.
        ConfigProblems: keys, values or overrides break a rule; one line for each.
    """
    source = str(path)
    # The file may be that of a run, whose folder then has the copy of its data.
    add_place(Path(path).absolute().parent)
    values = parse_toml(read_text(Path(path)), source)
    problems: list[str] = []
    for override in overrides:
        problems.extend(_apply(values, override))
    try:
        config = SearchConfig(**values)
    except ConfigProblems as error:
        raise ConfigProblems([*problems, *error.problems], source) from None
    if problems:
        raise ConfigProblems(problems, source)
    return config


def _apply(values: dict[str, Any], override: str) -> Iterator[str]:
    """Put one override `a.b=c` into `values`, and yield the problems with it."""
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        yield f"--set {override}: expected key=value with a dotted key, as in --set strategy.population=8"
        return
    table = values
    for depth, part in enumerate(parts[:-1]):
        inner = _table(table, part, at_top=depth == 0)
        if not isinstance(inner, dict):
            yield f"--set {override}: {'.'.join(parts[: depth + 1])} is {shown(inner)}, not a table with keys"
            return
        table[part] = table = inner
    table[parts[-1]] = _value(text.strip())


def _table(table: Mapping[str, Any], key: str, *, at_top: bool) -> object:
    """The value of `key`, as a table where it is the name of a component or is not set."""
    default = SearchConfig.model_fields[key].default if at_top and key in SearchConfig.model_fields else {}
    found = table.get(key, default)
    if isinstance(found, Component):
        found = found.plain()
    if at_top and key in _COMPONENTS and isinstance(found, str):
        return {"name": found}
    return found if key in table or isinstance(found, dict) else {}


def _value(text: str) -> object:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    value = parsed["value"]
    # No key takes a date, but the name of a run may be 2026-10-18. A text with a line break may contain other keys.
    is_text = len(parsed) > 1 or isinstance(value, dt.date | dt.time)
    return text if is_text else value
