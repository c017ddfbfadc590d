"""Notebooks from top to bottom, in a folder of their own: by the tests, and for the outputs that readers see.

    make notebooks      # or: python -m tests.notebooks.execution [NAME ...]

A notebook is kept as a pair. The .py is what people edit and review; the .ipynb is made from it, with the outputs of a
real execution.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
SCRIPTS = sorted((ROOT / "notebooks").glob("[0-9]*.py"))


def executed(script: Path, folder: Path) -> Any:
    """The notebook with its outputs, run in `folder`; a cell that raises raises here."""
    # The kernel is another process: it must find the packages, and keep its own files out of the home folder.
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    (folder / ".jupyter").mkdir()
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_CONFIG_DIR"):
        os.environ[name] = str(folder / ".jupyter" / name.lower())
    notebook = jupytext.read(script)
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number:02}"
    resources = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=240, kernel_name="python3", resources=resources, record_timing=False)
    return client.execute()


def kept(notebook: Any) -> Any:
    """What goes into the .ipynb: no versions of this machine's Python."""
    notebook.metadata.pop("language_info", None)
    return notebook


def main(names: list[str]) -> None:
    for script in SCRIPTS:
        if names and script.stem not in names:
            continue
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            nbformat.write(kept(executed(script, Path(folder))), script.with_suffix(".ipynb"))
        sys.stderr.write(f"{script.stem}: {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main(sys.argv[1:])
