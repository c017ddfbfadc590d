"""Which tests stand near a module or name what is in it: found by reading, so that no run of the suite is needed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.sampling import PACKAGES

__all__ = ["Near"]

_MOST = 24
"""Files of a group that are asked at most, but of the golden tests, which are asked last: of those all."""


class Near:
    """The test files of a copy of the project, by what they test.

    Args:
        root: the copy.
    """

    def __init__(self, root: Path) -> None:
        self._texts = {
            path.relative_to(root).as_posix(): path.read_text(encoding="utf-8")
            for path in sorted((root / "tests").rglob("test_*.py"))
        }
        modules = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
        self._code = {path.relative_to(root).as_posix(): path.read_text(encoding="utf-8") for path in modules}

    def of(self, module: str, source: str) -> Iterator[Sequence[str]]:
        """Groups of test files for a module with this source, the likeliest first.

        First comes the file with the module's name, then those of its folder that name it, the rest of its folder,
        files of other folders that name it, the own files of modules that import it, and last the golden tests of its
        package, which run most modules.
        """
        own = _own(module)
        golden = self.golden(module)
        folder = self._nearest(Path(own).parent)
        names = _names(module, source)
        beside = [file for file in self._texts if file.startswith(f"{folder}/") and file not in (own, *golden)]
        elsewhere = [file for file in self._texts if file not in (*beside, own, *golden)]
        groups = (
            [own] if own in self._texts else [],
            [file for file in beside if names.search(self._texts[file])],
            [file for file in beside if not names.search(self._texts[file])],
            [file for file in elsewhere if names.search(self._texts[file])],
            self._of_importing(module, names),
        )
        return (group for group in (*(group[:_MOST] for group in groups), golden) if group)

    def _of_importing(self, module: str, names: re.Pattern[str]) -> list[str]:
        """The own tests of modules that import this one, without those that name it, which are asked before."""
        imported = f"from {_dotted(module)} import"
        files = [_own(other) for other, text in self._code.items() if imported in text]
        return [file for file in files if file in self._texts and not names.search(self._texts[file])]

    def golden(self, module: str) -> list[str]:
        """The golden tests of the package of a module."""
        start = Path("tests", Path(module).parts[0], "test_golden").as_posix()
        return [file for file in self._texts if file.startswith(start)]

    def _nearest(self, folder: Path) -> str:
        """The folder, or the first above it that has tests."""
        while not any(file.startswith(f"{folder.as_posix()}/") for file in self._texts):
            folder = folder.parent
        return folder.as_posix()


def _own(module: str) -> str:
    return Path("tests", module).with_name(f"test_{Path(module).name}").as_posix()


def _dotted(module: str) -> str:
    return module.removesuffix(".py").replace("/", ".")


def _names(module: str, source: str) -> re.Pattern[str]:
    """The import of the module, and the public functions and classes in it."""
    found = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return re.compile("|".join([re.escape(_dotted(module)), *(rf"\b{name}\b" for name in found if name[0] != "_")]))
