"""`enas_micro`: the micro space of ENAS (Pham, Guan, Zoph, Le and Dean 2018, 1802.03268), normal and reduction.

A cell has five blocks. A block applies one of 5 operations to each of two earlier values, and adds the results. The
output concatenates the loose ends. Repositories that build on DARTS print the paper's cells with all blocks
concatenated: `get("enas_micro", concat="all")` reads those.

The authors write a member as an arc, first the normal cell, then the reduction cell. Each block is four numbers: input
and operation of its left side, input and operation of its right side.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import BlockSpace
from search_spaces.catalogue.genotype import INPUTS, CellEdges
from search_spaces.catalogue.literal import read_number
from search_spaces.errors import ArchitectureError

__all__ = ["CODES", "OPERATIONS", "EnasMicroSpace", "space"]

OPERATIONS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
CODES = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
"""The operations by their numbers in the arcs of ENAS."""
_NUMBERS = 4
"""The numbers of a block in an arc."""


class EnasMicroSpace(BlockSpace):
    """The cells of ENAS, with genotypes and with the arcs that ENAS writes."""

    def from_arc(self, text: str) -> Architecture:
        """Read the member of an arc `0 2 0 0 0 4 ..`.

        Args:
            text: the numbers, separated by white space: first the normal cell, then the reduction cell.

        Returns:
            The member.

        Raises:
            ArchitectureError: it is not text, has another number of numbers, or a number is out of its range; the
                message
                gives the index of that number.
        """
        if not isinstance(text, str):
            kind = type(text).__name__
            raise ArchitectureError("", f"{text!r:.60} is a {kind}; give the text of an arc, such as 0 2 0 0 ..")
        numbers = text.split()
        each = _NUMBERS * self.blocks
        if len(numbers) != 2 * each:
            said = f"{len(numbers)} numbers; two cells of {self.blocks} blocks have {2 * each}"
            raise ArchitectureError("", f"{said}; give all of them, or take the space of another size")
        starts = {"normal": 0, "reduce": each}
        return self.from_cells({kind: self._read_cell(numbers, start, kind) for kind, start in starts.items()})

    def to_arc(self, architecture: object) -> str:
        """Write a member as an arc; the inverse of `from_arc`.

        Args:
            architecture: a member, or its tree.

        Returns:
            The numbers, one line for each cell.

        Raises:
            ArchitectureError: it is not a member, or it has an operation without a number in `CODES`.
        """
        lines: list[str] = []
        for cell in self.to_cells(architecture).values():
            numbers: list[int] = []
            for block in cell:
                for operation, source in block:
                    numbers += [source, _code(operation)]
            lines.append(" ".join(map(str, numbers)))
        return "\n".join(lines)

    def _read_cell(self, numbers: Sequence[str], start: int, kind: str) -> CellEdges:
        """The cell whose numbers begin at index `start`; `kind` is for errors."""
        cell: CellEdges = []
        for index in range(INPUTS, INPUTS + self.blocks):
            place = start + _NUMBERS * (index - INPUTS)
            block: list[tuple[str, int]] = []
            for side, at in (("left", place), ("right", place + 2)):
                path = f"{kind}.block_{index}.{side}"
                source = read_number(numbers, at, index, f"{path}.input")
                code = read_number(numbers, at + 1, len(CODES), f"{path}.op")
                block.append((CODES[code], source))
            cell.append(block)
        return cell


def _code(operation: str) -> int:
    if operation not in CODES:
        raise ArchitectureError("", f"{operation!r} has no number in an arc; it has: {', '.join(CODES)}")
    return CODES.index(operation)


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "loose") -> EnasMicroSpace:
    """Make the space of the paper, or one with other settings.

    Args:
        blocks: the number of blocks in a cell, 1 to 20.
        operations: the operations of a block, from `cells.KNOWN_OPERATIONS`.
        concat: the blocks that the output concatenates: "all", or "loose" (those that no other block takes).

    Returns:
        The space.

    Raises:
        SpaceError: a setting has a wrong value.
    """
    return EnasMicroSpace("enas_micro", blocks, operations, concat)
