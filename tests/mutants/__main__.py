"""How much of what is changed in the code the tests notice: python -m tests.mutants --count 130 --seed 0 [MODULES..]

Works in a copy of the last commit, in the folder `.mutants`, and prints of each mutant which test notices it, or the
change that survives. A mutant counts as noticed if a test fails, hangs or cannot be collected. Asked are the tests near
the changed module, those that name what is in it, and the golden tests of its package. With `--coverage` it is those
that run the changed line, at most `--most` of them, and the golden tests: that sees further, and needs one run of the
suite before, which takes long and is kept in `.mutants`, for later commits too. Some survivors compute the same as the
code (the first of a tie, a bound that is never met): `equivalent.toml` lists them with the reason, and they are not
counted. Others are noticed by a test further away: read them before you count them. The test file that noticed a mutant
is remembered in `.mutants` and asked first the next time, so that a second run is much faster.

A test that fails without a change too, as a kept number may on another processor, notices nothing: it is left out, and
named at the end.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from queue import SimpleQueue

from tests.mutants.asking import compiled, fault, prepared
from tests.mutants.equivalent import Equivalent
from tests.mutants.near import Near
from tests.mutants.remembered import Remembered
from tests.mutants.sampling import Mutant, sample

HERE = Path(__file__).parents[2]
WORK = HERE / ".mutants"
_FIRST = 40
"""Tests that are asked before the golden ones."""


def main() -> int:
    parser = argparse.ArgumentParser(description="how much of what is changed in the code the tests notice")
    parser.add_argument("--count", type=int, default=130, help="mutants to try")
    parser.add_argument("--seed", type=int, default=0, help="which of all mutants")
    parser.add_argument("--coverage", action="store_true", help="ask the tests that run the changed line")
    parser.add_argument("--most", type=int, default=150, help="tests to ask of each, with --coverage")
    parser.add_argument("--processes", type=int, default=2, help="mutants that are tried at a time")
    parser.add_argument("modules", nargs="*", help="how the paths of the modules begin that are changed")
    asked = parser.parse_args()
    head = ["git", "rev-parse", "HEAD"]
    commit = subprocess.run(head, cwd=HERE, check=True, capture_output=True, text=True).stdout.strip()
    folders = [_copy(commit, str(number)) for number in range(asked.processes)]
    first = folders[0]
    tests = _covering(first, commit, asked.most) if asked.coverage else _near(first)
    drawn = sample(first, asked.count, asked.seed, asked.modules, WORK / "places.json")
    equivalent = Equivalent(first)
    mutants = [mutant for mutant in drawn if mutant not in equivalent]
    if not mutants:
        parser.error(f"no module begins with {' or '.join(asked.modules)}, or none of it can be changed")
    prepared()
    if (found := fault(first, ["tests/search_spaces/graphs"])) is not None:
        parser.error(f"the tests fail without a change: {found}")
    noticed = Remembered(WORK / "noticed.json")
    asking = _Asking()
    copies = SimpleQueue[Path]()
    for folder in folders:
        copies.put(folder)

    def tried(mutant: Mutant) -> str | None:
        copy = copies.get()
        try:
            groups = chain(noticed.by(mutant, copy), tests(mutant))
            return next((found for group in groups if (found := asking.noticed(mutant, copy, group))), None)
        finally:
            copies.put(copy)

    survivors = 0
    with ThreadPoolExecutor(asked.processes) as pool:
        for number, (mutant, found) in enumerate(zip(mutants, pool.map(tried, mutants), strict=True), 1):
            survivors += found is None
            print(f"{number}/{len(mutants)} {mutant} {f'noticed by {found}' if found else 'SURVIVED'}", flush=True)
            if found is None:
                print(mutant.difference, flush=True)
            noticed.keep(mutant, found)
    for test in sorted(asking.failing):
        print(f"{test} fails without a change, and was left out")
    for entry in equivalent.outdated:
        print(f"equivalent.toml lists what the code no longer has: {entry}")
    print(
        f"{len(mutants) - survivors} of {len(mutants)} mutants noticed ({1 - survivors / len(mutants):.1%}); "
        f"{len(drawn) - len(mutants)} more compute the same as the code"
    )
    return 0


def _near(root: Path) -> Callable[[Mutant], Iterable[Sequence[str]]]:
    """The groups of tests that are asked of a mutant, by what they name."""
    near = Near(root)
    return lambda mutant: near.of(mutant.module, mutant.source)


def _covering(root: Path, commit: str, most: int) -> Callable[[Mutant], Iterable[Sequence[str]]]:
    """The tests that are asked of a mutant, by the lines that they run."""
    from tests.mutants.covering import Covering

    covering, near = Covering(root, WORK, commit), Near(root)

    def asked(mutant: Mutant) -> Iterable[Sequence[str]]:
        ran = covering.of(mutant.module, mutant.line, most)
        return (group for group in (ran[:_FIRST], near.golden(mutant.module), ran[_FIRST:]) if group)

    return asked


def _copy(commit: str, name: str) -> Path:
    """The project as of the commit, in a new folder: an older one may hold the mutant of a run that was killed."""
    folder = WORK / f"{name}-{commit[:12]}"
    for old in WORK.glob(f"{name}-*"):
        shutil.rmtree(old)
    folder.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=HERE, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    compiled(folder)
    return folder


class _Asking:
    """Asks tests of mutants, and leaves out those that fail without a change: `failing`."""

    def __init__(self) -> None:
        self.failing: set[str] = set()
        self._passing: set[str] = set()

    def noticed(self, mutant: Mutant, copy: Path, tests: Sequence[str]) -> str | None:
        """The test among these that notices the mutant; None if they all pass with it."""
        while (found := self._found(mutant, copy, tests)) is not None and not self._passes(found, copy):
            self.failing.add(found)
        return found

    def _found(self, mutant: Mutant, copy: Path, tests: Sequence[str]) -> str | None:
        path = copy / mutant.module
        path.write_text(mutant.changed, encoding="utf-8")
        try:
            return fault(copy, tests, self.failing)
        finally:
            path.write_text(mutant.source, encoding="utf-8")

    def _passes(self, test: str, copy: Path) -> bool:
        """Whether the test passes without a change; a file that cannot be collected, or a crash, is no test."""
        if "::" in test and test not in self._passing and fault(copy, [test]) is not None:
            return False
        self._passing.add(test)
        return True


if __name__ == "__main__":
    sys.exit(main())
