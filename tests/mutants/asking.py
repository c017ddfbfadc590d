"""Runs groups of tests against a copy of the project, each in a fork of a process that has the libraries already.

A new interpreter spends seconds on importing torch and the like before its first test, more than most tests take.
"""

from __future__ import annotations

import compileall
import os
import re
import resource
import sys
from collections.abc import Collection, Sequence
from multiprocessing import get_context
from pathlib import Path
from py_compile import PycInvalidationMode

import pytest

from tests.mutants.sampling import PACKAGES, QUICK

__all__ = ["compiled", "fault", "prepared"]

LIBRARIES = ["numpy", "optuna", "pandas", "PIL.Image", "pyarrow.parquet", "pydantic", "pytest", "scipy.ndimage"]
LIBRARIES += ["scipy.stats", "torch", "torchvision.ops", "typer.testing"]
"""Ray stays out, since it starts threads, and a fork has but one; hypothesis too, which pytest wants to import."""
LONGEST = 120
"""Seconds of a test; what takes longer hangs."""
SECONDS = 1800
"""Of a group of tests: for what hangs before the first of them."""
MEMORY = 8 * 2**30
"""Bytes that the tests of a mutant may take; a loop without end would take all of the machine's."""
_PASSED = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
"""Nothing is collected where all the tests are of Ray or slow ones."""
_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_forks = get_context("forkserver")


def prepared() -> None:
    """Let what is forked have the libraries; before the first call of `fault`."""
    _forks.set_forkserver_preload([*LIBRARIES, "tests.mutants.asking"])


def compiled(copy: Path) -> None:
    """Compile the packages of a copy. What is changed later is told by its text, and compiled when it is imported."""
    for package in PACKAGES:
        compileall.compile_dir(copy / package, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)


def fault(copy: Path, tests: Sequence[str], without: Collection[str] = ()) -> str | None:
    """Run these test files in the copy as it is, up to the first failure.

    Args:
        copy: the copy of the project.
        tests: paths of the files, relative to the copy.
        without: node ids of tests that are left out.

    Returns:
        The test that fails, or what else went wrong; None if all pass.
    """
    output = copy / "asked.log"
    process = _forks.Process(target=_asked, args=(str(copy), str(output), list(tests), sorted(without)))
    process.start()
    process.join(SECONDS)
    if process.is_alive():
        process.kill()
        process.join()
    ended = process.exitcode
    process.close()
    if ended in _PASSED:
        return None
    failed = _FAILED.search(output.read_text(encoding="utf-8", errors="replace"))
    return failed[1] if failed is not None else f"pytest ended with {ended}"


def _asked(copy: str, output: str, tests: list[str], without: list[str]) -> None:
    """Run the tests with nothing of the project imported but from the copy."""
    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.chdir(copy)
    os.environ["PYTHONPATH"] = copy
    sys.path[:] = [copy, *(place for place in sys.path if place and not (Path(place) / "tests/mutants").exists())]
    for name in [name for name in sys.modules if name.partition(".")[0] in ("tests", "__mp_main__", *PACKAGES)]:
        del sys.modules[name]
    sys.dont_write_bytecode = True
    written = os.open(output, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
    for stream in range(3):
        os.dup2(written, stream)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-m", QUICK, f"--timeout={LONGEST}"]
    os._exit(pytest.main([*options, *(f"--deselect={test}" for test in without), *tests]))
