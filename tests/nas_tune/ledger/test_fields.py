"""The edges of what a field of an event may hold: the last value that is taken, and the first that is refused."""

from __future__ import annotations

from typing import Any

import pytest

from nas_tune.ledger import Reported
from nas_tune.ledger.fields import is_plain_report, problem_of, rules_of

LARGEST = 2**63 - 1
SMALLEST = -(2**63)
EDGES: list[tuple[str, str, list[Any], list[Any]]] = [
    ("reported", "trial", [0, LARGEST], [-1, LARGEST + 1, True, 0.0]),
    ("asked", "seed", [0, LARGEST], [-1, LARGEST + 1]),
    ("noted", "trial", [-1, 0, LARGEST], [-2, LARGEST + 1, -1.0]),
    ("reported", "epoch", [1, LARGEST], [0, LARGEST + 1, True]),
    ("reported", "seconds", [-1, 0, 0.5, LARGEST, SMALLEST], [LARGEST + 1, SMALLEST - 1, float("inf"), float("nan")]),
    (
        "reported",
        "metrics",
        [{}, {"a": LARGEST}, {"a": SMALLEST}, {"a": float("inf")}, {"a": 1.0, "b": 0}],
        [{"a": LARGEST + 1}, {"a": SMALLEST - 1}, {"a": True}, {"a": None}, {"a b": 1}, [["a", 1]]],
    ),
    ("ended", "value", [None, SMALLEST, LARGEST, float("nan")], [SMALLEST - 1, LARGEST + 1, False]),
    ("paused", "value", [SMALLEST, 0.5], [None, SMALLEST - 1, float("nan")]),
    (
        "known",
        "curve",
        [[[1, 0.5]], [[1, SMALLEST], [2, LARGEST]]],
        [[], [[0, 0.5]], [[1, 0.5], [1, 0.5]], [[2, 0.5], [1, 0.5]], [[1, SMALLEST - 1]], [[1, float("nan")]], [[1]]],
    ),
    ("asked", "id", ["x", "x" * 256], ["", "x" * 257, "a\nb", 1]),
]


class Told:
    """An event with one field."""

    def __init__(self, name: str, value: object) -> None:
        setattr(self, name, value)


@pytest.mark.parametrize(
    ("kind", "name", "taken", "refused"), EDGES, ids=lambda part: part if type(part) is str else ""
)
def test_the_last_value_that_is_taken_and_the_first_that_is_not(
    kind: str, name: str, taken: list[Any], refused: list[Any]
) -> None:
    rules = rules_of(kind, [name])
    for value in taken:
        assert problem_of(Told(name, value), rules) is None, value
    for value in refused:
        assert str(problem_of(Told(name, value), rules)).startswith(f"{name} is "), value


@pytest.mark.parametrize(("name", "taken", "refused"), [edge[1:] for edge in EDGES if edge[0] == "reported"])
def test_the_fast_look_at_a_report_keeps_the_same_rules(name: str, taken: list[Any], refused: list[Any]) -> None:
    report = Reported(0, 1, {"accuracy": 0.5}, 0.1, "node")
    assert is_plain_report(report)
    assert not any(is_plain_report(report._replace(**{name: value})) for value in refused)
    # Seconds that are whole are left to the slow look.
    plain = [value for value in taken if name != "seconds" or type(value) is float]
    assert all(is_plain_report(report._replace(**{name: value})) for value in plain)
