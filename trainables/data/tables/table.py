"""A loaded table: three parts on a device, and what the training rows decided about columns and target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from trainables.data.chosen import Rows
from trainables.data.parts import part_named
from trainables.data.streaming import MappedRows, read_ahead
from trainables.data.tables.encoding import Encoding
from trainables.data.tables.scaling import Scaling
from trainables.data.tables.target import Target

__all__ = ["Inputs", "TableData", "TablePart", "inputs_of"]

Inputs = Tensor | dict[str, Tensor]
"""Numbers (n, columns), float32; or a dict of `numbers` and `categories` (n, columns), int64, or of the latter."""


@dataclass(frozen=True)
class TablePart:
    """The rows of one part.

    Attributes:
        numbers: (n, columns), float32, as they are in the table; NaN where one is missing. Folds share one tensor, and
            streamed ones are on the disk.
        categories: (n, columns), int64, codes, likewise.
        targets: (n,): numbers of classes, int64; or values, float32. Of several for each row (n, k): 0 or 1 for each
            class, uint8; or values.
    """

    numbers: Rows | MappedRows
    categories: Rows | MappedRows
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def is_streamed(self) -> bool:
        """Whether the rows are on the disk."""
        return isinstance(self.numbers, MappedRows) or isinstance(self.categories, MappedRows)

    def chosen(self, index: Tensor) -> TablePart:
        """Choose rows; streamed ones stay on the disk.

        Args:
            index: (k,), int64, numbers of rows in any order.

        Returns:
            A part of these rows.
        """
        return TablePart(self.numbers[index], self.categories[index], self.targets[index])

    def rows(self, index: Tensor) -> tuple[Inputs, Tensor]:
        """Take rows.

        Args:
            index: (k,), int64, numbers of rows in any order.

        Returns:
            The inputs as they are in the table, and the targets.
        """
        inputs = inputs_of(self.numbers.index_select(0, index), self.categories.index_select(0, index))
        return inputs, self.targets.index_select(0, index)

    def fetched(self, batches: Iterable[Tensor]) -> Iterator[tuple[Inputs, Tensor]]:
        """Take batches in order. Streamed rows are read ahead.

        Args:
            batches: for each, the numbers of its rows, (k,), int64.

        Yields:
            What `rows` returns for each.
        """
        for numbers, categories, targets in read_ahead((self.numbers, self.categories, self.targets), batches):
            yield inputs_of(numbers, categories), targets


@dataclass(frozen=True)
class TableData:
    """A table in three parts, on a device.

    Attributes:
        name: the path of the data.
        train: the rows for training.
        validation: the rows for validation; none where training uses them too.
        test: the rows for the test.
        encoding: how columns become numbers and codes.
        scaling: how numbers are scaled.
        target: what is predicted.
        groups: the number of the group of each row, (n,), by the name of the part; empty without groups.
        notes: for people, on the columns, the target and the split.
    """

    name: str
    train: TablePart
    validation: TablePart
    test: TablePart
    encoding: Encoding
    scaling: Scaling
    target: Target
    groups: Mapping[str, Tensor] = field(default_factory=dict)
    notes: Sequence[str] = ()

    @property
    def device(self) -> torch.device:
        """The device of the rows."""
        return self.train.targets.device

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes in the order of their numbers; empty for a regression."""
        return self.target.classes

    @property
    def multi_label(self) -> bool:
        """Whether a row may have several classes."""
        return self.target.multi_label

    def split(self, name: str) -> TablePart:
        """Look up a part.

        Args:
            name: "train", "validation" or "test".

        Returns:
            The part, with at least one row.

        Raises:
            DataError: there is no such part, or it has no row.
        """
        part: TablePart = part_named(self, name, "row")
        return part

    def arguments(self) -> Mapping[str, Any]:
        """Return what a network for these rows is built with.

        Returns:
            `num_features`, the number of inputs that are numbers; `num_classes`, the number of outputs, which is that
            of the numbers for a regression; and `cardinalities`, the numbers of codes, where there are categories.
        """
        outputs = len(self.classes) or len(self.target.mean)
        codes = {"cardinalities": self.encoding.cardinalities} if self.encoding.categories else {}
        return {"num_classes": outputs, "num_features": self.scaling.width, **codes}

    def normalize(self, inputs: Inputs) -> Inputs:
        """Scale the numbers.

        Args:
            inputs: as `TablePart.rows` returns them.

        Returns:
            The same with scaled numbers, and a column behind them for each number that may be missing.
        """
        if not isinstance(inputs, dict):
            return self.scaling.scaled(inputs)
        if "numbers" not in inputs:
            return inputs
        return {**inputs, "numbers": self.scaling.scaled(inputs["numbers"])}

    def example(self) -> Inputs:
        """Return the inputs of the first training row, as networks take them.

        Returns:
            Scaled inputs whose dimension 0 is 1.
        """
        return self.normalize(self.train.rows(torch.zeros(1, dtype=torch.int64, device=self.device))[0])


def inputs_of(numbers: Tensor, categories: Tensor) -> Inputs:
    """Combine numbers and codes to the inputs of a network.

    Args:
        numbers: (n, columns), float32.
        categories: (n, columns), int64.

    Returns:
        The numbers alone where there are no categories, else a dict; of the latter alone where there are no numbers.
    """
    if not categories.shape[1]:
        return numbers
    return {"numbers": numbers, "categories": categories} if numbers.shape[1] else {"categories": categories}
