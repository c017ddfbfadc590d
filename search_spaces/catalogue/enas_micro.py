"""`enas_micro`: the micro space of ENAS (Pham, Guan, Zoph, Le and Dean 2018, 1802.03268), normal and reduction.

A cell has five blocks. A block adds two of the values before it, each through one of 5 operations. The output
concatenates the loose ends. Repositories that build on DARTS print the paper's cells with all blocks concatenated:
`get("enas_micro", concat="all")` reads those. The authors write a member as an arc: four numbers for each block, the
input and the operation of its left and of its right side, first those of the normal cell.
"""

from __future__ import annotations

from collections.abc import Sequence

from search_spaces.architecture import Architecture
from search_spaces.catalogue.cells import BlockSpace
from search_spaces.catalogue.genotype import INPUTS, Cell
from search_spaces.catalogue.literal import number_at
from search_spaces.errors import ArchitectureError

__all__ = ["CODES", "OPERATIONS", "EnasMicroSpace", "space"]

OPERATIONS = ("skip_connect", "sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3")
CODES = ("sep_conv_3x3", "sep_conv_5x5", "avg_pool_3x3", "max_pool_3x3", "skip_connect")
"""The operations by their numbers in the arcs of ENAS."""
_NUMBERS = 4
"""The count of numbers of a block in an arc."""


class EnasMicroSpace(BlockSpace):
    """The cells of ENAS, which are written as genotypes and as arcs."""

    def from_arc(self, text: str) -> Architecture:
        """Read an arc, `0 2 0 0 0 4 ..`.

        Args:
            text: numbers, separated by white space.

        Returns:
            The member.

        Raises:
            ArchitectureError: the arc is malformed; the message has the number, from 0, where it breaks.
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
        """Write the arc of a member.

        Args:
            architecture: a member.

        Returns:
            A line for each cell.

        Raises:
            ArchitectureError: it has an operation without a number in arcs.
        """
        lines = []
        for cell in self.to_cells(architecture).values():
            sides = [side for block in cell for side in block]
            lines.append(" ".join(f"{source} {_code(operation)}" for operation, source in sides))
        return "\n".join(lines)

    def _read_cell(self, numbers: Sequence[str], start: int, kind: str) -> Cell:
        cell: Cell = []
        for index in range(INPUTS, INPUTS + self.blocks):
            place = start + _NUMBERS * (index - INPUTS)
            sides = ((place, "left"), (place + 2, "right"))
            cell.append([_read_side(numbers, at, index, f"{kind}.block_{index}.{side}") for at, side in sides])
        return cell


def _read_side(numbers: Sequence[str], place: int, index: int, path: str) -> tuple[str, int]:
    source = number_at(numbers, place, index, f"{path}.input")
    return CODES[number_at(numbers, place + 1, len(CODES), f"{path}.op")], source


def _code(operation: str) -> int:
    if operation not in CODES:
        raise ArchitectureError("", f"{operation!r} has no number in an arc; it has: {', '.join(CODES)}")
    return CODES.index(operation)


def space(blocks: int = 5, operations: Sequence[str] = OPERATIONS, concat: str = "loose") -> EnasMicroSpace:
    """Make the space of the paper, or one with other settings (see `BlockSpace`).

    Args:
        blocks: their number in each cell.
        operations: all of `OPERATIONS`, or some of them.
        concat: the concatenated blocks: the "loose" ends, or "all".

    Returns:
        The space.
    """
    return EnasMicroSpace("enas_micro", blocks, operations, concat)
