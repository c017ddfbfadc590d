"""The notebooks run from top to bottom, elsewhere, and their two files say the same.

A notebook is kept as a pair: the .py is what people edit and review, the .ipynb what they open; it holds no outputs,
so that a change of the one is a change of a few lines in the other. `jupytext --to ipynb notebooks/NAME.py` writes it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "notebooks").glob("*.py"))
by_name = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def test_there_are_notebooks() -> None:
    assert SCRIPTS


def test_every_notebook_has_its_pair() -> None:
    assert [path.with_suffix(".py") for path in sorted((ROOT / "notebooks").glob("*.ipynb"))] == SCRIPTS


@by_name
def test_both_files_say_the_same(script: Path) -> None:
    ours, theirs = jupytext.read(script), nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    assert said(ours) == said(theirs), f"they differ: jupytext --to ipynb {script.relative_to(ROOT)}"


@by_name
def test_no_outputs_are_kept(script: Path) -> None:
    cells = nbformat.read(script.with_suffix(".ipynb"), as_version=4).cells
    assert not [cell.source for cell in cells if cell.get("outputs") or cell.get("execution_count")]


@pytest.mark.slow
@pytest.mark.ray
@by_name
def test_it_runs_and_leaves_the_checkout_alone(script: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The kernel is another process: it must find the packages, and keep its own files out of the home folder.
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    before = files_of(ROOT / "notebooks")
    notebook = executed(script, tmp_path)
    assert outputs(notebook, "stderr") == []
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")
    assert files_of(ROOT / "notebooks") == before
    assert (tmp_path / "runs").is_dir()


def executed(script: Path, folder: Path) -> Any:
    """The notebook with the outputs of a run in `folder`; a cell that raises raises here."""
    notebook = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    return client.execute()


def said(notebook: Any) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in notebook.cells]


def outputs(notebook: Any, stream: str) -> list[str]:
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [output.text for cell in cells for output in cell.outputs if output.get("name") == stream]


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}
