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

    What an earlier run found is taken, of another commit too: lines are found again by their text.

    Args:
        root: the copy. The suite runs there once, unless an earlier run is known.
        folder: where the data of runs are kept.
        commit: of the copy.
    """

    def __init__(self, root: Path, folder: Path, commit: str) -> None:
        self._root, self._before = root, commit
        known = sorted(folder.glob("coverage-*"), key=lambda file: file.stat().st_mtime)
        data = known[-1] if known else folder / f"coverage-{commit}"
        if not data.exists():
            self._run(data)
        self._before = data.name.removeprefix("coverage-")
        self._data = coverage.CoverageData(str(data))
        self._data.read()
        measured = root.with_name(root.name.partition("-")[0] + f"-{self._before[:12]}")
        self._files = {Path(name).relative_to(measured).as_posix(): name for name in self._data.measured_files()}

    def of(self, module: str, line: int, most: int) -> Sequence[str]:
        """Node ids of tests that run the line: those of its own room first.

        A line that is run at import only is given to the tests of its room.
        """
        name = self._files.get(module)
        if name is None:
            return self._mirrored(module)
        by_line = self._data.contexts_by_lineno(name)
        # Without their parameters, which may have other names by now: pytest refuses all if it does not know one.
        ran = by_line.get(self._then(module, line), [])
        tests = {context.partition("|")[0].partition("[")[0] for context in ran}
        tests = {test for test in tests if test and self._has(test)}
        if not tests:
            return self._mirrored(module)
        return sorted(tests, key=lambda test: (-_kinship(module, test), test))[:most]

    def _then(self, module: str, line: int) -> int:
        """The number of the line in the commit that was measured: of the lines with its text, the nearest."""
        text = (self._root / module).read_text(encoding="utf-8").splitlines()[line - 1]
        show = ["git", "show", f"{self._before}:{module}"]
        before = subprocess.run(show, capture_output=True, text=True, check=False).stdout.splitlines()
        places = [place for place, one in enumerate(before, 1) if one.strip() == text.strip()]
        return min(places, key=lambda place: abs(place - line), default=line)

    def _has(self, test: str) -> bool:
        """Whether the copy still has the test."""
        file, _, name = test.partition("::")
        path = self._root / file
        return path.exists() and f"def {name.rpartition('::')[2]}(" in path.read_text(encoding="utf-8")

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
