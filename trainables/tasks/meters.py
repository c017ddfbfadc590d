"""Meters that tasks are made of: means over examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from trainables.training.batches import Batch, length
from trainables.training.parallel import Group

__all__ = ["Means", "Sum"]

Sum = Callable[[Batch, Batch], Tensor]
"""A function of outputs and targets that returns the sum of a metric over the examples of the batch, a scalar."""


class Means:
    """Measures metrics that are means over examples, such as accuracy and mean absolute error.

    Args:
        sums: for each metric the function that sums it over a batch.
        names: the metrics to measure; all of `sums` by default.
    """

    def __init__(self, sums: Mapping[str, Sum], names: Sequence[str] | None = None) -> None:
        self._sums = {name: sums[name] for name in sums if names is None or name in names}
        self._totals: dict[str, Tensor] = {}
        self._count = 0

    def add(self, outputs: Batch, targets: Batch) -> None:
        """Add a batch.

        Args:
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """
        for name, summed in self._sums.items():
            one = summed(outputs, targets)
            before = self._totals.get(name)
            self._totals[name] = one if before is None else before + one
        self._count += length(targets)

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        if group.alone or not self._sums:
            return
        parts = [torch.tensor(float(self._count), dtype=torch.float64, device=device)]
        for name in self._sums:
            total = self._totals.get(name)
            parts.append(torch.zeros((), dtype=torch.float64, device=device) if total is None else total.double())
        together = torch.stack(parts)
        group.sum_([together])
        count, *totals = together.unbind()
        self._count = int(count)
        self._totals = dict(zip(self._sums, totals, strict=True))

    def result(self) -> dict[str, float]:
        """Compute the means; waits for the device.

        Returns:
            The mean over all examples by the name of the metric; nothing where no example was added.
        """
        if not self._count:
            return {}
        return {name: float(total) / self._count for name, total in self._totals.items()}
