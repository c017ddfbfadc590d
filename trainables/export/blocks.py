"""The classes of a stand-alone model: equal blocks become one class, and numbers that differ become its arguments."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

from trainables.export.expressions import Bracket, Entry, Number, Piece, SourceText, form, numbers, replaced
from trainables.export.statements import Statement

__all__ = ["Definition", "ModuleSource", "defined"]

_WIDTHS = ("channels", "features", "groups", "normalized_shape", "embedding_dim", "size", "width")
_Vector = tuple[int, ...]
_Key = tuple[str, _Vector]


@dataclass(frozen=True)
class ModuleSource:
    """One module with its own numbers, as source.

    Attributes:
        name: the name of its class.
        document: the docstring of its class.
        constructor: the lines of its constructor.
        forward: the lines of its `forward`; empty where it has none.
        signature: the line `def forward(..)`; empty where it has none.
        base: the base class, such as "nn.Module".
        taken: names of its attributes, which no argument may have.
    """

    name: str
    document: str
    constructor: tuple[Statement, ...]
    forward: tuple[Statement, ...]
    signature: str
    base: str
    taken: frozenset[str]
    """Names of its attributes, which no argument may have."""

    def kind(self) -> Hashable:
        """Build a key of the block.

        Returns:
            A value that is equal for blocks that differ in numbers only.
        """
        lines = tuple((line.lead, form(line.piece)) for line in (*self.constructor, *self.forward))
        return self.name, self.base, len(self.constructor), self.signature, lines


@dataclass(frozen=True)
class Definition:
    """A class of the source.

    Attributes:
        name: the name of the class.
        document: the docstring of the class.
        arguments: the arguments of the constructor.
        stored: the arguments that `forward` reads as attributes.
        constructor: the lines of the constructor after those that store arguments.
        forward: the lines of `forward`; empty where it has none.
        signature: the line `def forward(..)`; empty where it has none.
        base: the base class, such as "nn.Module".
    """

    name: str
    document: str
    arguments: tuple[str, ...]
    stored: tuple[str, ...]
    constructor: tuple[Statement, ...]
    forward: tuple[Statement, ...]
    signature: str
    base: str


def defined(name: str, blocks: Sequence[ModuleSource]) -> tuple[Definition, list[Piece]]:
    """Merge blocks of one kind to a class.

    Args:
        name: the name of the class.
        blocks: the blocks, at least one.

    Returns:
        The class, and the call that constructs each block.
    """
    first = blocks[0]
    made, run = _columns(blocks, "constructor"), _columns(blocks, "forward")
    arguments = _Arguments(made, run, first.taken)
    constructor = _written(first.constructor, [arguments.name_of(n.role, vector) for n, vector in made])
    read = [arguments.name_of(number.role, vector) for number, vector in run]
    forward = _written(first.forward, [f"self.{name}" if name else None for name in read])
    stored = tuple(one for one in arguments.order if one in read)
    definition = Definition(
        name, first.document, tuple(arguments.order), stored, constructor, forward, first.signature, first.base
    )
    return definition, [_call(name, arguments, place) for place in range(len(blocks))]


def _written(lines: Sequence[Statement], names: Sequence[str | None]) -> tuple[Statement, ...]:
    """Replace numbers by the names of arguments; a number whose name is None stays."""
    others = iter([SourceText(name) if name else None for name in names])
    return tuple(Statement(line.lead, replaced(line.piece, others)) for line in lines)


def _columns(blocks: Sequence[ModuleSource], part: str) -> list[tuple[Number, _Vector]]:
    """Pair every number of the first block with its values in all blocks."""
    rows: list[list[Number]] = []
    for block in blocks:
        found: list[Number] = []
        for line in getattr(block, part):
            found.extend(numbers(line.piece))
        rows.append(found)
    made: list[tuple[Number, _Vector]] = []
    for place in range(len(rows[0])):
        made.append((rows[0][place], tuple(row[place].value for row in rows)))
    return made


def _call(name: str, arguments: _Arguments, place: int) -> Piece:
    items = []
    for key, argument in arguments.names.items():
        prefix = "" if key[0] == "width" else f"{argument}="
        items.append(Entry(prefix, Number(key[1][place], argument)))
    return Bracket(f"{name}(", tuple(items), ")")


class _Arguments:
    """The arguments of a class: numbers that differ between the blocks. Numbers that always agree share an argument."""

    def __init__(
        self, made: Sequence[tuple[Number, _Vector]], run: Sequence[tuple[Number, _Vector]], taken: frozenset[str]
    ) -> None:
        self._taken = taken
        found: dict[_Key, list[str]] = {}
        for number, vector in (*made, *run):
            if len(set(vector)) > 1:
                found.setdefault(self._key(number.role, vector), []).append(number.role)
        self._halves = {key: kernel for key in found if (kernel := _kernel_of(key, found)) is not None}
        self.names: dict[_Key, str] = {}
        self._name_widths([key for key in found if key[0] == "width"], found)
        for key in found:
            if key[0] != "width" and key not in self._halves:
                self._give(key, key[0])
        self.order = list(self.names.values())

    def name_of(self, role: str, vector: _Vector) -> str | None:
        """Find the expression in the arguments that replaces a number; None for a number that never differs."""
        if len(set(vector)) == 1:
            return None
        key = self._key(role, vector)
        return f"{self.names[self._halves[key]]} // 2" if key in self._halves else self.names[key]

    def _key(self, role: str, vector: _Vector) -> _Key:
        is_width = role.rstrip("_0123456789").endswith(_WIDTHS) and not role.startswith("kernel_size")
        return ("width" if is_width else role, vector)

    def _name_widths(self, keys: list[_Key], found: dict[_Key, list[str]]) -> None:
        roles = {key: set(found[key]) for key in keys}
        kind = "channels"
        for key in keys:
            if any(role.endswith("features") and role != "num_features" for role in roles[key]):
                kind = "features"
        if len(keys) == 1:
            self._give(keys[0], "groups" if roles[keys[0]] == {"groups"} else kind)
            return
        entering = [key for key in keys if any(role.startswith("in_") for role in roles[key])]
        leaving = [key for key in keys if any(role.startswith("out_") for role in roles[key])]
        first = entering[0] if entering else None
        last = next((key for key in reversed(leaving) if key != first), None)
        for key in keys:
            if key == first:
                self._give(key, f"in_{kind}")
            elif key != last:
                self._give(key, "groups" if roles[key] == {"groups"} else f"hidden_{kind}")
        if last is not None:
            self._give(last, f"out_{kind}")

    def _give(self, key: _Key, name: str) -> None:
        used = {*self.names.values(), *self._taken}
        self.names[key] = next(one for one in _numbered(name) if one not in used)


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in range(2, 10_000):
        yield f"{name}_{number}"


def _kernel_of(key: _Key, found: dict[_Key, list[str]]) -> _Key | None:
    """Find the kernel size of which a padding is always half."""
    if not key[0].startswith("padding"):
        return None
    kernels = (one for one in found if one[0].startswith("kernel_size"))
    return next((one for one in kernels if tuple(size // 2 for size in one[1]) == key[1]), None)
