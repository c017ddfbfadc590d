"""The description of a run in its ledger: configuration, space, parameters, objectives, trainable, versions.

Each key that is present must have its type. The reader of a run checks which keys must be present (`REQUIRED`), since
an older ledger has fewer, and a later one may have more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nas_tune.ledger.fields import DEEPEST, EARLIEST, LATEST, depth, shown_ascii
from search_spaces.errors import NasTuneError
from search_spaces.names import is_identifier

__all__ = ["REQUIRED", "decode_meta"]

REQUIRED = ("config", "space", "parameters", "metric", "mode", "trainable")
"""The keys that every run has, whatever version wrote it."""
_DEEPEST = 2 * DEEPEST
_LARGEST = 2**63


def decode_meta(rows: Mapping[str, str]) -> dict[str, Any]:
    """Decode the description of a run and check it.

    Args:
        rows: the JSON of each key.

    Returns:
        The value of each key.

    Raises:
        NasTuneError: a value is not JSON or not of its type; the message names the key.
    """
    meta = {key: _read(key, text) for key, text in rows.items()}
    for key, (fits, expected) in _RULES.items():
        if key in meta and not fits(meta[key]):
            raise NasTuneError(f"meta: {key} is {shown_ascii(meta[key])}, expected {expected}")
    for key, (fits, expected) in _CONFIG.items():
        config = meta.get("config", {})
        if key in config and not fits(config[key]):
            raise NasTuneError(f"meta: config.{key} is {shown_ascii(config[key])}, expected {expected}")
    _check_together(meta)
    return meta


def _read(key: str, text: str) -> Any:
    try:
        value = json.loads(text, object_pairs_hook=_table)
    except ValueError as error:
        raise NasTuneError(f"meta: {key} is not JSON ({error}): {text[:80]!r}") from error
    except RecursionError as error:
        raise NasTuneError(f"meta: {key} is nested too deeply: {text[:80]!r}") from error
    if depth(value, _DEEPEST) > _DEEPEST:
        raise NasTuneError(f"meta: {key} has more than {_DEEPEST} levels: {text[:80]!r}")
    return value


def _table(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("a key occurs twice")
    return table


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value < _LARGEST


def _is_parameters(value: Any) -> bool:
    pairs = type(value) is list and all(_are_two_texts(pair) for pair in value)
    return pairs and len({name for name, _ in value}) == len(value)


def _is_objectives(value: Any) -> bool:
    pairs = type(value) is list and len(value) > 1 and all(_are_two_texts(pair) for pair in value)
    return (
        pairs
        and all(is_identifier(metric) and mode in ("max", "min") for metric, mode in value)
        and len({metric for metric, _ in value}) == len(value)
    )


def _are_two_texts(value: Any) -> bool:
    return type(value) is list and len(value) == 2 and all(map(_is_text, value))


def _is_trainable(value: Any) -> bool:
    return (
        type(value) is dict
        and type(value.get("registered")) is bool
        and (value.get("reference") is None or _is_text(value["reference"]))
        and type(value.get("settings")) is dict
    )


def _check_together(meta: Mapping[str, Any]) -> None:
    several = meta.get("objectives")
    if several and several[0] != [meta.get("metric"), meta.get("mode")]:
        leading = [meta.get("metric"), meta.get("mode")]
        raise NasTuneError(f"meta: objectives begins with {shown_ascii(several[0])}, but metric and mode are {leading}")


_Rules = Mapping[str, tuple[Callable[[Any], bool], str]]
_RULES: _Rules = {
    "config": (lambda value: type(value) is dict, "a table"),
    "space": (lambda value: value is None or type(value) is dict, "the table that describes a space"),
    "space_fingerprint": (_is_text, "a string"),
    "parameters": (_is_parameters, "a list of [name, kind], each name once"),
    "metric": (is_identifier, "the name of a metric"),
    "mode": (lambda value: value in ("max", "min"), "'max' or 'min'"),
    "objectives": (_is_objectives, "a list of two or more [metric, mode], each metric once"),
    "metrics": (lambda value: type(value) is list, "a list of declarations of metrics"),
    "trainable": (_is_trainable, "a table with registered (true or false), reference and settings"),
    "versions": (lambda value: type(value) is dict and all(map(_is_text, value.values())), "a table of strings"),
    "created": (
        lambda value: type(value) in (int, float) and EARLIEST <= value < LATEST,
        "a time in seconds since 1970",
    ),
}
_CONFIG: _Rules = {
    "seed": (_is_count, "a whole number, 0 or more"),
    "max_epochs": (lambda value: _is_count(value) and value > 0, "a whole number, at least 1"),
    "max_trials": (lambda value: value is None or _is_count(value), "a whole number, or nothing"),
    "workers": (lambda value: (value == -1 and type(value) is int) or _is_count(value), "a whole number, or -1"),
}
"""The keys of the configuration that are read without checking the whole configuration."""
