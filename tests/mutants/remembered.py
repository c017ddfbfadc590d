"""Which test file noticed a mutant in an earlier run: it is asked first."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.sampling import Mutant

__all__ = ["Remembered"]


class Remembered:
    """What earlier runs found.

    Args:
        path: the JSON file that keeps it; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._files: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def by(self, mutant: Mutant, copy: Path) -> Iterator[Sequence[str]]:
        """Yield the file that noticed the mutant, as a group of its own, if the copy still has it."""
        file = self._files.get(_key(mutant))
        if file is not None and (copy / file).exists():
            yield [file]

    def keep(self, mutant: Mutant, test: str | None) -> None:
        """Remember the test that noticed the mutant; nothing if none did, or if pytest itself broke."""
        if test is not None and test.startswith("tests/"):
            self._files[_key(mutant)] = test.partition("::")[0]
            self._path.write_text(json.dumps(self._files, indent=1), encoding="utf-8")


def _key(mutant: Mutant) -> str:
    return f"{mutant.module} {mutant.difference}"
