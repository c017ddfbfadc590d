"""A seeded sample of small changes to the code, as many from each room as it has places to change.

A place is drawn by its own text, so that a sample keeps nearly all of its mutants when other code is edited.

The changes are cosmic-ray's, of each kind those that a person could write by mistake: a comparison with the other
edge, plus for minus, a number that is one off, True for False, `and` for `or`, a loop that is not run. Annotations and
the imports for them (`if TYPE_CHECKING`) are left alone, since nothing that runs depends on them, and so are the stars
of signatures and of dict displays, which cosmic-ray takes for products and powers. So is `strict=True` of a `zip`: it
asserts that two lists of our own are as long as each other, and no input makes it fail, or it would be a bug.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from parso.python.tree import Operator
from parso.tree import Node

__all__ = ["PACKAGES", "QUICK", "Mutant", "sample"]

PACKAGES = ("search_spaces", "trainables", "nas_tune")
QUICK = "not ray and not slow"
"""The tests that are asked. Ray's take seconds each, and what they show is tested without Ray too."""
_COMPARISONS = (
    "Eq_NotEq",
    "NotEq_Eq",
    "Lt_LtE",
    "LtE_Lt",
    "Gt_GtE",
    "GtE_Gt",
    "Lt_Gt",
    "Gt_Lt",
    "Is_IsNot",
    "IsNot_Is",
)
_ARITHMETIC = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv", "Pow_Mul")
_OTHERS = (
    "AddNot",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_Delete_USub",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
)
OPERATORS = (
    *(f"core/ReplaceComparisonOperator_{name}" for name in _COMPARISONS),
    *(f"core/ReplaceBinaryOperator_{name}" for name in _ARITHMETIC),
    *(f"core/{name}" for name in _OTHERS),
)
_OWN = Path(__file__).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Mutant:
    """One change of a module: its `source` and what became of it."""

    module: str
    line: int
    operator: str
    source: str
    changed: str

    @property
    def difference(self) -> str:
        """The lines that differ, as of `diff`."""
        lines = difflib.unified_diff(self.source.splitlines(), self.changed.splitlines(), lineterm="", n=0)
        return "\n".join(f"    {line}" for line in list(lines)[3:])

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator.rpartition('/')[2]}"


@dataclass(frozen=True)
class _Place:
    """Where a module can be changed, and by which operators: (name, the number of the place for that operator).

    The name of the place holds the text of its line and not the line's number, which changes with the code above it.
    """

    path: Path
    name: str
    line: int
    ways: tuple[tuple[str, int], ...]


def sample(root: Path, count: int, seed: int, begin: Sequence[str] = (), known: Path | None = None) -> list[Mutant]:
    """`count` mutants of the packages below `root`, each of another place; the same for the same code and seed.

    Args:
        root: the project.
        count: how many, if there are so many places.
        seed: which of all.
        begin: how the paths of modules begin that are changed; all modules, if it is empty.
        known: a JSON file that keeps the places of modules: to find them all takes a minute.
    """
    kept = _KnownPlaces(known)
    found = [path for package in PACKAGES for path in sorted((root / package).rglob("*.py"))]
    modules = [path for path in found if path.relative_to(root).as_posix().startswith(tuple(begin) or "")]
    places = [place for path in modules for place in kept.of(root, path)]
    kept.write()
    drawn = sorted(places, key=lambda place: _number(seed, place.name))[:count]
    chosen = sorted(drawn, key=lambda place: (found.index(place.path), place.line))
    return [made for place in chosen if (made := _mutant(root, place, seed)) is not None]


class _KnownPlaces:
    """The places of modules, by what is in the module and by what finds them.

    Args:
        file: keeps them; None keeps nothing.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._before = json.loads(file.read_text(encoding="utf-8")) if file is not None and file.exists() else {}
        self._now: dict[str, list[Any]] = {}

    def of(self, root: Path, path: Path) -> list[_Place]:
        texts = (path.relative_to(root).as_posix(), path.read_text(encoding="utf-8"), _OWN)
        key = hashlib.sha256("\0".join(texts).encode()).hexdigest()
        found = self._before.get(key) or [[one.name, one.line, one.ways] for one in _places(root, path)]
        self._now[key] = found
        return [_Place(path, name, line, tuple((of, place) for of, place in ways)) for name, line, ways in found]

    def write(self) -> None:
        if self._file is not None:
            self._file.write_text(json.dumps({**self._before, **self._now}), encoding="utf-8")


def _number(seed: int, name: str) -> int:
    """A number below 2 ** 64 that is drawn for the name, the same in every process."""
    return int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()[:8])


def _mutant(root: Path, place: _Place, seed: int) -> Mutant | None:
    """The module changed at the place; None where the operator leaves it as it was."""
    operator, occurrence = place.ways[_number(seed, f"the way of {place.name}") % len(place.ways)]
    source = place.path.read_text(encoding="utf-8")
    changed = mutate_code(source, cosmic_ray.plugins.get_operator(operator)(), occurrence)
    if changed is None or changed == source:
        return None
    return Mutant(place.path.relative_to(root).as_posix(), place.line, operator, source, changed)


def _places(root: Path, path: Path) -> Iterator[_Place]:
    source = path.read_text(encoding="utf-8")
    lines, module = source.splitlines(), path.relative_to(root).as_posix()
    silent, nodes = _annotations(source), list(ast_nodes(get_ast(source)))
    ways: dict[tuple[tuple[int, int], tuple[int, int]], list[tuple[str, int]]] = {}
    for name in OPERATORS:
        operator = cosmic_ray.plugins.get_operator(name)()
        positions = ((node, *position) for node in nodes for position in operator.mutation_positions(node))
        for occurrence, (node, start, end) in enumerate(positions):
            if not (_is_plain_star(node) or _is_strict_zip(node)) and not any(
                first <= start <= last for first, last in silent
            ):
                ways.setdefault((start, end), []).append((name, occurrence))
    alike = Counter[str]()
    for ((line, column), end), known in sorted(ways.items()):
        text = lines[line - 1]
        name = f"{module} {text.strip()} {column - (len(text) - len(text.lstrip()))} {end[1] - column}"
        alike[name] += 1
        yield _Place(path, f"{name} {alike[name]}", line, tuple(known))


def _is_plain_star(node: Node) -> bool:
    """Whether this is the star before keyword-only parameters, or those before what a dict display takes in."""
    if not isinstance(node, Operator) or node.parent is None or node.value not in ("*", "**"):
        return False
    return node.parent.type in ("parameters", "lambdef", "atom", "dictorsetmaker")


def _is_strict_zip(node: Node) -> bool:
    """Whether this is the True of `zip(.., strict=True)`."""
    argument = node.parent
    if argument is None or argument.type != "argument" or argument.get_code().strip() != "strict=True":
        return False
    call = argument.parent if argument.parent.type == "trailer" else argument.parent.parent
    return call.get_previous_sibling().get_code().strip() == "zip"


def _annotations(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations, and the conditions of imports for them, begin and end, as (line, column)."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for one in (getattr(node, "annotation", None), getattr(node, "returns", None), getattr(node, "test", None)):
            is_condition = isinstance(one, ast.Name) and one.id == "TYPE_CHECKING"
            if isinstance(one, ast.expr) and (one is not getattr(node, "test", None) or is_condition):
                end = (one.end_lineno or one.lineno, one.end_col_offset or one.col_offset)
                found.append(((one.lineno, one.col_offset), end))
    return found
