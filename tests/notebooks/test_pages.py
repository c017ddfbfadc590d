"""What the pages of the site show runs as it stands: Python blocks, commands, and the files that they use."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from nas_tune.cli.app import app
from tests.notebooks.pages import PAGES, ROOT, Block, blocks_of, commands_of, links_of, why_slow

SHOWS = [page for page in PAGES if any(block.is_run for block in blocks_of(page))]
STARTS_RAY: tuple[str, ...] = ()


def named(page: Path) -> str:
    return page.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def marked(page: Path) -> list[pytest.MarkDecorator]:
    slow = [pytest.mark.slow] if why_slow(page) else []
    return [*slow, pytest.mark.ray] if named(page) in STARTS_RAY else slow


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where a page's commands run; the modules that it writes there are forgotten with it."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


@pytest.mark.parametrize("page", [pytest.param(page, marks=marked(page), id=named(page)) for page in SHOWS])
def test_what_a_page_shows_runs(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page are one story: they share a folder, and Python's names."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", [str(folder), *sys.path])
    names: dict[str, object] = {"__name__": "page"}
    for block in blocks_of(page):
        if "file" in block.marks:
            Path(block.marks["file"]).write_text(block.text, encoding="utf-8")
        elif not block.is_run:
            continue
        elif block.language == "python":
            exec(compile(block.text, f"{page}:{block.line}", "exec"), names)
        else:
            run_commands(page, block)


def run_commands(page: Path, block: Block) -> None:
    for command in commands_of(block):
        done = CliRunner().invoke(app, shlex.split(command)[1:], prog_name="nas-tune")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == int(block.marks.get("exit", 0)), f"{page}:{block.line}: {command}\n{done.output}"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_its_links_lead_somewhere(page: Path) -> None:
    targets = [page.parent / link for link in links_of(page)]
    there = [
        path.exists() or any(path.with_name(path.name + end).exists() for end in (".md", ".ipynb")) for path in targets
    ]
    assert [str(path) for path, found in zip(targets, there, strict=True) if not found] == []


def test_every_block_that_is_not_run_says_why() -> None:
    reasons = [block.marks["not run"] for page in PAGES for block in blocks_of(page) if "not run" in block.marks]
    assert all(len(reason) >= 20 for reason in reasons)


def test_every_generated_part_is_shown_on_one_page() -> None:
    shown = [part for page in PAGES for part in re.findall(r"^% generated: (.+)$", page.read_text(), re.MULTILINE)]
    assert len(shown) == len(set(shown))
