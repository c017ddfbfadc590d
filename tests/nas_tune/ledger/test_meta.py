"""The edges of what the meta of a ledger may hold: the last value that is taken, and the first that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nas_tune.errors import NasTuneError
from nas_tune.ledger.fields import EARLIEST, LATEST
from nas_tune.ledger.meta import decode_meta

LARGEST = 2**63 - 1
EDGES: dict[str, tuple[list[Any], list[Any]]] = {
    "created": ([EARLIEST, 0, LATEST - 1], [EARLIEST - 1, LATEST, True, "0"]),
    "mode": (["max", "min"], ["best", None]),
    "parameters": ([[], [["a", "b"], ["c", "b"]]], [[["a", "b"], ["a", "c"]], [["a"]], [["a", 1]], {}]),
    "versions": ([{}, {"torch": "2"}], [{"torch": 2}, []]),
    "trainable": (
        [
            {"registered": True, "reference": None, "settings": {}},
            {"registered": False, "reference": "a:b", "settings": {}},
        ],
        [
            {"registered": 1, "reference": None, "settings": {}},
            {"registered": True, "reference": 1, "settings": {}},
            {},
        ],
    ),
    "config.seed": ([0, LARGEST], [-1, LARGEST + 1, 0.0, True]),
    "config.max_epochs": ([1, LARGEST], [0, -1, LARGEST + 1]),
    "config.max_trials": ([None, 0, LARGEST], [-1, 1.0]),
    "config.workers": ([-1, 0, 1, LARGEST], [-2, LARGEST + 1, -1.0, None]),
}


def decoded(key: str, value: object) -> None:
    """A meta with this value alone, read."""
    name, _, inner = key.partition(".")
    decode_meta({name: json.dumps({inner: value} if inner else value)})


@pytest.mark.parametrize("key", EDGES)
def test_the_last_value_that_is_taken_and_the_first_that_is_not(key: str) -> None:
    taken, refused = EDGES[key]
    for value in taken:
        decoded(key, value)
    for value in refused:
        with pytest.raises(NasTuneError, match=f"meta: {key} is .*, expected"):
            decoded(key, value)


@pytest.mark.parametrize(
    ("objectives", "why"),
    [
        ([["a", "max"], ["b", "min"]], ""),
        ([["a", "max"]], "objectives is"),
        ([["a", "max"], ["a", "min"]], "objectives is"),
        ([["a", "max"], ["b", "most"]], "objectives is"),
        (
            [["b", "min"], ["a", "max"]],
            r"objectives begins with \['b', 'min'\].*, but metric and mode are \['a', 'max'\]",
        ),
    ],
)
def test_the_first_objective_is_the_metric(objectives: list[list[str]], why: str) -> None:
    rows = {"metric": '"a"', "mode": '"max"', "objectives": json.dumps(objectives)}
    if not why:
        assert decode_meta(rows)["objectives"] == objectives
        return
    with pytest.raises(NasTuneError, match=why):
        decode_meta(rows)
