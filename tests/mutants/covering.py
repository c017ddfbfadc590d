"""Which tests run a line of the packages, found by running the suite once under coverage."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage

from tests.mutants.sampling import PACKAGES, QUICK

__all__ = ["Covering"]


class Covering:
    """The tests of a copy of the project, by the lines that they run.

    Args:
        root: the copy. The suite runs there once, unless `data` has what an earlier run found.
        data: the file of coverage's data.
    """

    def __init__(self, root: Path, data: Path) -> None:
        self._root = root
        if not data.exists():
            self._run(data)
        self._data = coverage.CoverageData(str(data))
        self._data.read()
        self._files = {Path(name).relative_to(root).as_posix(): name for name in self._data.measured_files()}

    def of(self, module: str, line: int, most: int) -> Sequence[str]:
        """Node ids of tests that run the line: those of its own room first.

        A line that is run at import only is given to the tests of its room.
        """
        name = self._files.get(module)
        if name is None:
            return self._mirrored(module)
        tests = {context.partition("|")[0] for context in self._data.contexts_by_lineno(name).get(line, [])} - {""}
        if not tests:
            return self._mirrored(module)
        return sorted(tests, key=lambda test: (-_kinship(module, test), test))[:most]

    def _mirrored(self, module: str) -> list[str]:
        """The tests that stand where the module does: its own file, or else the nearest folder with tests."""
        own = Path("tests", module).with_name(f"test_{Path(module).name}")
        if (self._root / own).exists():
            return [own.as_posix()]
        folder = own.parent
        while not any((self._root / folder).glob("**/test_*.py")):
            folder = folder.parent
        return [folder.as_posix()]

    def _run(self, data: Path) -> None:
        quickly = ["-q", "-n", "2", "--dist", "loadfile", "-m", QUICK, "-p", "no:cacheprovider"]
        measured = [f"--cov={package}" for package in PACKAGES]
        subprocess.run(
            [sys.executable, "-m", "pytest", *quickly, "--cov-context=test", "--cov-report=", *measured],
            cwd=self._root,
            env={**os.environ, "PYTHONPATH": str(self._root), "COVERAGE_FILE": str(data)},
            check=True,
        )


def _kinship(module: str, test: str) -> int:
    """How many folders a test has in common with a module, one more if it bears its name."""
    folders, file = Path(module).parent.parts, Path(test.partition("::")[0])
    shared = sum(one == other for one, other in zip(folders, file.parent.parts[1:], strict=False))
    return 2 * shared + (file.stem == f"test_{Path(module).stem}")
