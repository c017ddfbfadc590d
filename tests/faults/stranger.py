"""Runs as a stranger would send them: every name in the ledger leads to code that leaves a mark."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import nas_tune
from nas_tune.ledger import ledger_path
from tests.nas_tune.ledger.damage import seal
from tests.toys import Climber, tiny_space

__all__ = ["ASKED", "EVIL", "Stranger", "changed", "edit"]

EVIL = "evilmod"
ASKED: dict[str, Any] = {
    "metric": ["accuracy", "distance"],
    "mode": ["max", "min"],
    "strategy": "random",
    "max_trials": 4,
    "max_epochs": 2,
    "executor": "inline",
}
"""The search of the run that all copies are of."""
_SOURCE = """
from pathlib import Path
from search_spaces import Space, choice

MARKS = Path({marks!r})
(MARKS / "imported").touch()


def _mark(name):
    (MARKS / name).touch()


class Evil(Space):
    def __init_subclass__(cls):
        _mark("subclassed")

    @classmethod
    def _rebuilt(cls, tree, **rules):
        _mark("rebuilt")
        return super()._rebuilt(tree, **rules)

    def graphs(self, architecture):
        _mark("drawn")
        return super().graphs(architecture)

    def to_string(self, architecture):
        _mark("written")
        return "evil"


class State:
    @classmethod
    def from_spec(cls, state):
        _mark("state")
        return cls()

    def to_spec(self):
        return {{}}

    def __call__(self, architecture):
        _mark("ruled")
        return True


def rule(architecture):
    _mark("ruled")
    return True


def space():
    _mark("space")
    return Space({{"op": choice("a", "b", "c"), "wide": choice(True, False)}}, name="tiny")


def build(architecture, **settings):
    _mark("built")
    raise RuntimeError("built")


def train(architecture, *, seed=0, max_epochs=3):
    _mark("trained")
    for epoch in range(max_epochs):
        yield {{"accuracy": 0.5}}


class Task:
    def __init__(self, **settings):
        _mark("made")
    def setup(self, architecture, *, seed, max_epochs):
        _mark("set up")
    def step(self):
        return {{"accuracy": 0.5}}
    def save(self, folder):
        pass
    def load(self, folder):
        pass
"""


class Stranger:
    """A folder with an evil module in it, a finished run, and copies of that run with evil names."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.marks = folder, folder / "marks"
        self.marks.mkdir()
        (folder / f"{EVIL}.py").write_text(_SOURCE.format(marks=str(self.marks)))
        self.made = nas_tune.search(tiny_space(), Climber, **ASKED, run_dir=folder / "runs" / "good")

    def run(self, name: str, *changes: tuple[str, Any]) -> Path:
        """A copy of the run whose meta is another at these dotted places."""
        target = self.folder / "runs" / name
        shutil.copytree(self.made.path / "trials", target / "trials")
        with (
            closing(sqlite3.connect(ledger_path(self.made.path))) as theirs,
            closing(sqlite3.connect(ledger_path(target))) as ours,
        ):
            theirs.backup(ours)
        edit(target, *changes)
        return target

    def marked(self) -> list[str]:
        """What was done that must not be."""
        return sorted(mark.name for mark in self.marks.iterdir())


def edit(folder: Path, *changes: tuple[str, Any]) -> None:
    """Change the meta of a ledger at dotted places, and its checksums with it, as a stranger would."""
    with closing(sqlite3.connect(ledger_path(folder))) as ledger, ledger:
        for place, value in changes:
            key, _, rest = place.partition(".")
            row = ledger.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
            found = changed(json.loads(row[0]) if row else {}, rest, value)
            ledger.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(found)))
    seal(folder)


def changed(document: Any, place: str, value: Any) -> Any:
    """A document with another value at a dotted place."""
    if not place:
        return value
    key, _, rest = place.partition(".")
    inner: Mapping[str, Any] = document if isinstance(document, Mapping) else {}
    return {**inner, key: changed(inner.get(key), rest, value)}
