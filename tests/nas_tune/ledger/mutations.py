"""Ledgers that somebody has changed and sealed anew: any event, any key of meta, any column, at any depth."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from nas_tune.ledger import ledger_path
from tests.nas_tune.ledger.damage import seal

__all__ = ["Mutation", "mutate", "mutations"]

Mutation = Callable[[Any], Any]
"""From what a body or a value of meta says to what it is to say."""

_ODD: list[Any] = [
    None, True, -1, 0, 1, 1.5, "x", "1", "", [], {}, [[]], [1], {"a": 1}, [["accuracy"]], 10**400, 1e300, -(2**63) - 1,
    float("nan"), float("inf"), "\ud800", "a\nb", "complete", "paused", "failed", {"x": {"x": []}}, 2**63, 2**62, 2**31,
    10**6, "../..", "https://a/b", "min", "max", "accuracy", "\x00", "a" * 300,
]  # fmt: skip
_values = st.one_of(
    st.sampled_from(_ODD),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=5,
    ),
)
_steps = st.lists(st.integers(0, 63), max_size=6)
_ways = st.sampled_from(["replace", "replace", "replace", "remove", "add", "rename", "repeat"])


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, int, list[int], str, Any]:
    """(what of the ledger, which of them, the way down, what happens there, the value)."""
    part = draw(st.sampled_from(["meta", "meta", "event", "event", "event", "column", "row"]))
    return part, draw(st.integers(0, 63)), draw(_steps), draw(_ways), draw(_values)


def mutate(folder: Path, mutation: tuple[str, int, list[int], str, Any]) -> str:
    """Change the ledger so; returns in words what was changed."""
    part, place, steps, way, value = mutation
    with closing(sqlite3.connect(ledger_path(folder))) as connection, connection:
        table, key, text = ("meta", "key", "value") if part == "meta" else ("events", "seq", "body")
        rows = connection.execute(f"SELECT {key}, {text} FROM {table} ORDER BY {key}").fetchall()
        name, before = rows[place % len(rows)]
        if part in ("meta", "event"):
            after = json.dumps(_changed(json.loads(before), steps, way, value))
            connection.execute(f"UPDATE {table} SET {text} = ? WHERE {key} = ?", (after, name))
            said = f"{table} {name}: {after[:300]}"
        else:
            said = f"event {name}: {_in_columns(connection, part, name, steps, value)}"
    seal(folder)
    return said


def _in_columns(connection: sqlite3.Connection, part: str, seq: int, steps: list[int], value: Any) -> str:
    if part == "row":
        connection.execute("DELETE FROM events WHERE seq = ?", (seq,))
        connection.execute("UPDATE events SET seq = seq - 1 WHERE seq > ?", (seq,))
        return "removed, and those behind it moved up"
    column = ("trial", "time", "kind")[sum(steps) % 3]
    fitting: dict[str, Any] = {"trial": len(steps), "time": value if type(value) is float else 1e12 * len(steps)}
    kinds = ("reported", "asked", "ended", "lost", "noted", "paused", "promoted", "retried", "x")
    made = fitting.get(column, kinds[len(steps)])
    if made != made:
        made = None if column == "trial" else 0.0
    connection.execute(f"UPDATE events SET {column} = ? WHERE seq = ?", (made, seq))
    return f"{column} = {made!r}"


def _changed(said: Any, steps: list[int], way: str, value: Any) -> Any:
    """The same with one change, as deep as there are steps."""
    if not steps or not said or not isinstance(said, dict | list):
        return value
    step, *rest = steps
    if isinstance(said, list):
        place = step % len(said)
        return [*said[:place], *_inner(said[place], rest, way, value), *said[place + 1 :]]
    key = list(said)[step % len(said)]
    if rest or way == "replace":
        return {**said, key: _changed(said[key], rest, way, value)}
    if way == "add":
        return {**said, str(value)[:20]: value}
    left = {name: inner for name, inner in said.items() if name != key}
    return left if way == "remove" else {**left, str(value)[:20]: said[key]}


def _inner(item: Any, rest: list[int], way: str, value: Any) -> list[Any]:
    if rest or way in ("replace", "rename"):
        return [_changed(item, rest, way, value)]
    return {"remove": [], "repeat": [item, item], "add": [item, value]}[way]
