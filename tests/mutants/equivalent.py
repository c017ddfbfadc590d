"""The mutants that compute the same as the code, as `equivalent.toml` lists them: no test can notice them."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.mutants.sampling import Mutant

__all__ = ["Equivalent"]


class Equivalent:
    """The list of a copy of the project.

    Args:
        root: the copy.
    """

    def __init__(self, root: Path) -> None:
        text = (root / "tests/mutants/equivalent.toml").read_text(encoding="utf-8")
        entries = tomllib.loads(text).get("mutant", [])
        self._changes = {(entry["module"], entry["line"], entry["changed"]) for entry in entries}
        self._root = root

    def __contains__(self, mutant: Mutant) -> bool:
        removed, added = [], []
        for line in mutant.difference.splitlines():
            side = removed if line.strip().startswith("-") else added
            side.append(line.strip()[1:].strip())
        return (mutant.module, "\n".join(removed), "\n".join(added)) in self._changes

    @property
    def outdated(self) -> list[str]:
        """The entries whose line is no longer in its module."""
        found = []
        for module, line, _ in sorted(self._changes):
            path = self._root / module
            lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
            if not any(one.strip() == line.partition("\n")[0] for one in lines):
                found.append(f"{module}: {line}")
        return found
