"""What the pages of the site show runs as it stands: Python blocks, commands, and the files that they use."""

from __future__ import annotations

import os
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas_tune.cli.app import app
from nas_tune.config import SearchConfig
from nas_tune.config.self_search import SELF_SEARCHES
from nas_tune.dashboards.server import Server
from tests.notebooks.given import GIVEN
from tests.notebooks.pages import (
    PAGES,
    README,
    ROOT,
    Block,
    blocks_of,
    commands_of,
    given_of,
    indented_of,
    links_of,
    why_slow,
)
from tests.registries import kept
from trainables.__main__ import main as trainables_main
from trainables.export.formats import FORMATS
from trainables.networks.nb201 import build_nb201

SHOWS = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]
STARTS_RAY = ("guides/limits",)


def named(page: Path) -> str:
    return page.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def cases() -> Iterator[object]:
    """A page, and whether its long blocks run: a page that has some is tested without them, too."""
    for page in SHOWS:
        shown = [block for block in blocks_of(page) if block.is_run]
        long = [block for block in shown if "long" in block.marks]
        ray = [pytest.mark.ray] if named(page) in STARTS_RAY else []
        slow = [pytest.mark.slow, *ray]
        if not why_slow(page) and len(long) < len(shown):
            yield pytest.param(page, False, id=named(page), marks=ray)
        if why_slow(page) or long:
            yield pytest.param(page, True, id=f"{named(page)}-whole" if long else named(page), marks=slow)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a page's commands run; the modules that it writes there are forgotten with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    with kept(FORMATS, SELF_SEARCHES):
        yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.fixture(autouse=True)
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dashboard takes any free port, and is ended by Ctrl-C as soon as it answers."""
    hold = Server.__init__

    def pressed(server: Server) -> None:
        server._http.server_close()
        raise KeyboardInterrupt

    monkeypatch.setattr(Server, "__init__", lambda self, page, port: hold(self, page, 0))
    monkeypatch.setattr(Server, "serve", pressed)
    monkeypatch.setattr("nas_tune.dashboards.viewer.has_tensorboard", lambda: False)


@pytest.fixture
def _small_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page need not train networks of 15 cells to show what it shows."""
    monkeypatch.setitem(build_nb201.__kwdefaults__, "cells", 1)


@pytest.mark.usefixtures("_small_networks")
@pytest.mark.parametrize(("page", "whole"), list(cases()))
def test_what_a_page_shows_runs(page: Path, whole: bool, folder: Path) -> None:
    """The blocks of a page are one story: they share a folder, and Python's names."""
    for name in given_of(page):
        GIVEN[name](folder)
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks_of(page):
        if "file" in block.marks:
            Path(block.marks["file"]).write_text(block.text, encoding="utf-8")
        elif not block.is_run or ("long" in block.marks and not whole):
            continue
        elif block.language == "python":
            exec(compile(block.text, f"{page}:{block.line}", "exec"), names)
        elif "tried" in block.marks:
            Path("tried.toml").write_text(block.text, encoding="utf-8")
            changes = " ".join(f"--set {one}" for one in block.marks["tried"].split())
            run_command(f"nas-tune search tried.toml {changes}", 0, f"{page}:{block.line}")
        else:
            run_commands(page, block)


def run_commands(page: Path, block: Block) -> None:
    for command in commands_of(block):
        run_command(command, int(block.marks.get("exit", 0)), f"{page}:{block.line}: {command}")


def run_command(command: str, code: int, place: str) -> None:
    """Run one line as a shell would, but in this process; what follows `>` is a file."""
    words = shlex.split(command)
    into = words[words.index(">") + 1] if ">" in words else os.devnull
    words = words[: words.index(">")] if ">" in words else words
    if words[0] == "python":
        assert trainables_main(words[3:]) == code, place
        return
    done = CliRunner().invoke(app, words[1:], prog_name="nas-tune")
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == code, f"{place}\n{done.output}"
    Path(into).write_text(done.stdout, encoding="utf-8")


@pytest.mark.slow
@pytest.mark.ray
def test_the_commands_of_the_readme_run_in_their_order(folder: Path) -> None:
    """A command that is shown twice runs once."""
    for name in ("configurations", "photos", "digits", "new_digits", "others"):
        GIVEN[name](folder)
    run = set()
    for block in indented_of(README):
        for command in commands_of(block):
            if command not in run:
                run_command(command, 130 if command == "nas-tune dashboard runs/digits" else 0, f"README: {command}")
            run.add(command)
    assert len(run) >= 15


def test_every_command_stands_in_a_fence() -> None:
    """What is indented only would not be run."""
    found = [f"{named(page)}: {one}" for page in PAGES for block in indented_of(page) for one in commands_of(block)]
    assert found == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_its_configurations_are_valid(page: Path) -> None:
    for block in blocks_of(page):
        values = tomllib.loads(block.text) if block.language == "toml" else {}
        if "space" in values:
            SearchConfig(**values)


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_its_links_lead_somewhere(page: Path) -> None:
    targets = [page.parent / link for link in links_of(page)]
    there = [
        path.exists() or any(path.with_name(path.name + end).exists() for end in (".md", ".ipynb")) for path in targets
    ]
    assert [str(path) for path, found in zip(targets, there, strict=True) if not found] == []


def test_every_block_that_is_not_run_says_why() -> None:
    marks = ("not run", "long")
    reasons = [block.marks[one] for page in PAGES for block in blocks_of(page) for one in marks if one in block.marks]
    assert all(len(reason) >= 20 for reason in reasons)


def test_every_generated_part_is_shown_on_one_page() -> None:
    shown = [part for page in PAGES for part in re.findall(r"^% generated: (.+)$", page.read_text(), re.MULTILINE)]
    assert len(shown) == len(set(shown))


def test_every_decision_says_why_what_was_rejected_and_what_it_costs() -> None:
    decisions = [page for page in PAGES if page.parent.name == "decisions" and page.stem != "index"]
    index = (ROOT / "notebooks" / "concepts" / "decisions" / "index.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"^[a-z-]+$", index, re.MULTILINE)) == sorted(page.stem for page in decisions)
    for page in decisions:
        parts = re.findall(r"^\*\*(.+?)\.\*\* \S", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Decided", "Why", "Rejected", "What it costs you"], page.name
