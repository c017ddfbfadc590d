"""Batches of a part of the data, which a part that streams prepares ahead of the loop.

with fetched(data.train, batches) as coming:
    for inputs, targets in coming:
        ...
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from torch import Tensor

from trainables.training.batches import Batch

if TYPE_CHECKING:
    from trainables.tasks.task import Part

__all__ = ["Fetching", "batches_of", "fetched"]


@runtime_checkable
class Fetching(Protocol):
    """A part that prepares coming batches while one is used, such as images that are decoded by threads."""

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Batch, Batch]]:
        """Take batches in order. What prepares them ends when the iterator is used up or closed.

        Args:
            batches: for each, the numbers of its examples, as for `Part.rows`.

        Yields:
            What `Part.rows` returns for each.
        """


def fetched(part: Part, batches: Iterable[Tensor]) -> closing[Generator[tuple[Batch, Batch], None, None]]:
    """Take batches in order. What prepares them ends with the block.

    Args:
        part: a part of the data.
        batches: the numbers of the examples of each batch, (k,), int64, on the device of the data.

    Returns:
        A context, whose value is an iterator of inputs and targets.
    """
    return closing(batches_of(part, batches))


def batches_of(part: Part, batches: Iterable[Tensor]) -> Generator[tuple[Batch, Batch], None, None]:
    """Take batches in order; close the iterator, or drop it, where it is not used up.

    Args:
        part: a part of the data.
        batches: as for `fetched`.

    Yields:
        The inputs and targets of each batch.
    """
    if isinstance(part, Fetching):
        yield from part.fetched(batches)
    else:
        yield from map(part.rows, batches)
