"""A meter for metrics that need all outputs at once, such as the area under a ROC curve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from trainables.training.parallel import Group

__all__ = ["GatheringMeter", "Whole", "rows_of_all"]

Whole = Callable[[Tensor, Tensor], float | None]
"""A function of all outputs (n, ...) and all targets (n, ...) that returns a metric, or None where it has no value."""


class GatheringMeter:
    """Keeps the outputs and targets of all batches, and computes metrics of them at the end.

    Args:
        functions: for each metric the function that computes it.
        names: the metrics to measure; all of `functions` by default.
    """

    def __init__(self, functions: Mapping[str, Whole], names: Sequence[str] | None = None) -> None:
        self._functions = {name: functions[name] for name in functions if names is None or name in names}
        self._outputs: list[Tensor] = []
        self._targets: list[Tensor] = []

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """
        if self._functions:
            self._outputs.append(outputs.float())
            self._targets.append(targets)

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        if group.alone or not self._functions:
            return
        self._outputs = [rows_of_all(torch.cat(self._outputs), group, device)]
        self._targets = [rows_of_all(torch.cat(self._targets), group, device)]

    def result(self) -> dict[str, float]:
        """Compute the metrics; waits for the device.

        Returns:
            The values by name, without those that have no value; nothing where no example was added.
        """
        if not self._outputs:
            return {}
        outputs, targets = torch.cat(self._outputs).cpu(), torch.cat(self._targets).cpu()
        values = {name: function(outputs, targets) for name, function in self._functions.items()}
        return {name: value for name, value in values.items() if value is not None}


def rows_of_all(mine: Tensor, group: Group, device: torch.device) -> Tensor:
    """Gather the rows of all processes in the order of their ranks.

    Args:
        mine: (k, ...), the rows of this process; k may differ from process to process.
        group: the processes.
        device: the device on which the processes communicate.

    Returns:
        The rows of all, (n, ...), on that device.
    """
    # Each process adds its own rows to zeros, at its own place.
    counts = torch.zeros(group.size, dtype=torch.int64, device=device)
    counts[group.rank] = len(mine)
    group.sum_([counts])
    start = int(counts[: group.rank].sum())
    together = torch.zeros((int(counts.sum()), *mine.shape[1:]), dtype=mine.dtype, device=device)
    together[start : start + len(mine)] = mine.to(device)
    group.sum_([together])
    return together
