"""The notebooks run from top to bottom, elsewhere; their two files say the same, and what they show was computed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest

from tests.notebooks.execution import ROOT, SCRIPTS, executed

STARTS_RAY = ("01_first_search",)
by_name = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
anywhere = pytest.mark.parametrize(
    "script",
    [pytest.param(one, marks=[pytest.mark.ray] if one.stem in STARTS_RAY else [], id=one.stem) for one in SCRIPTS],
)


def test_there_are_notebooks() -> None:
    assert SCRIPTS


def test_every_notebook_has_its_pair() -> None:
    assert [path.with_suffix(".py") for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == SCRIPTS


@by_name
def test_both_files_say_the_same(script: Path) -> None:
    assert said(jupytext.read(script)) == said(notebook_of(script)), "they differ: make notebooks"


@by_name
def test_the_outputs_that_are_kept_are_those_of_one_execution(script: Path) -> None:
    cells = [cell for cell in notebook_of(script).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    kinds = {output.output_type for cell in cells for output in cell.outputs}
    assert kinds
    assert "error" not in kinds
    assert outputs(notebook_of(script), "stderr") == []


@by_name
def test_nothing_of_the_machine_is_kept(script: Path) -> None:
    notebook = notebook_of(script)
    for output in (one for cell in notebook.cells for one in cell.get("outputs", ())):
        output.get("data", {}).pop("image/png", None)  # letters in which any short name occurs by chance
    text = nbformat.writes(notebook)
    assert [
        place for place in ("/tmp", "/home", "/root", str(ROOT.parent), os.uname().nodename + "/") if place in text
    ] == []


@pytest.mark.slow
@anywhere
def test_it_runs_and_leaves_the_checkout_alone(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = files_of(ROOT / "notebooks")
    monkeypatch.setattr(os, "environ", os.environ.copy())
    notebook = executed(script, tmp_path)
    assert outputs(notebook, "stderr") == []
    assert files_of(ROOT / "notebooks") == before
    assert (tmp_path / "runs").is_dir()


def notebook_of(script: Path) -> Any:
    return nbformat.read(script.with_suffix(".ipynb"), as_version=4)


def said(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def outputs(notebook: Any, stream: str) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output.text for cell in cells for output in cell.outputs if output.get("name") == stream]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}
