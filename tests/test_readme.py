"""The front door tells the truth: its tree names every room, its example runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def folders_of_the_tree() -> set[str]:
    """Paths of the tree's folders: a package stands at the left, its rooms are indented below it."""
    found, package = set(), ""
    for line in README.partition("## The tree")[2].splitlines():
        if top := re.match(r"    (\w+/) ", line):
            package = top[1]
        elif rooms := re.match(r"      ((?:\S+/ )+)", line):
            found.update(f"{package}{room}" for room in rooms[1].split())
    return found


def test_the_tree_names_every_room_and_no_other() -> None:
    packages = ("search_spaces", "trainables", "nas_tune")
    rooms = {
        f"{path.parent.parent.name}/{path.parent.name}/"
        for one in packages
        for path in ROOT.glob(f"{one}/*/__init__.py")
    }
    assert folders_of_the_tree() == rooms


def test_what_it_shows_and_links_is_here() -> None:
    targets = re.findall(r'src="([^"]+)"', README) + re.findall(r"\]\(([^)#:]+)\)", README)
    assert len(targets) >= 8
    assert [target for target in targets if not (ROOT / target).is_file()] == []


def test_every_command_that_it_types_is_one() -> None:
    from typer.main import get_command

    from nas_tune.cli.app import app

    typed = set(re.findall(r"(?:^    |; |`)nas-tune ([a-z]+)", README, flags=re.MULTILINE))
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    assert typed <= known
    assert known <= typed, "a command that the README does not show"


@pytest.mark.ray
def test_the_example_runs_as_it_stands(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(import nas_tune.*?)```", README, flags=re.DOTALL)
    (tmp_path / "example.py").write_text(example)
    command = [sys.executable, "example.py"]
    done = subprocess.run(
        command, cwd=tmp_path, env={**_environment()}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "accuracy" in done.stdout
    assert len(done.stdout.splitlines()) == 4
    assert (tmp_path / "runs" / "own" / "ledger.sqlite").is_file()


def test_the_module_with_choices_runs_as_it_stands() -> None:
    import torch

    (example,) = re.findall(r"```python\n(import search_spaces.nn as nn.*?)```", README, flags=re.DOTALL)
    made: dict[str, Any] = {}
    exec(example, made)
    assert made["space"].size == 2 * 2 * 3 * 2
    assert made["network"](torch.rand(2, 1, 8, 8)).shape == (2, 10)


def _environment() -> dict[str, str]:
    import os

    return {**os.environ, "PYTHONPATH": str(ROOT)}
