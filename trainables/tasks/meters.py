"""Meters that tasks are made of: means over examples, and errors of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from trainables.tasks.task import Meter
from trainables.training.batches import Batch, length
from trainables.training.parallel import Group

__all__ = ["Errors", "Joined", "Means", "Sum", "in_units"]

_CONSTANT = 1e-12
"""The variance of targets, as a share of their mean square, up to which they are constant."""

Sum = Callable[[Batch, Batch], Tensor]
"""A function of outputs and targets that returns the sum of a metric over the examples of the batch, a scalar."""


def in_units(outputs: Tensor, targets: Tensor, mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """Bring standardized outputs to the units of the targets.

    Args:
        outputs: (n, k), standardized.
        targets: (n, k), in their units.
        mean: (k,), of the training targets.
        std: (k,), standard deviation of the same.

    Returns:
        Both in units of the targets; (n,) where k is 1.
    """
    values = outputs.float() * std + mean
    return (values[:, 0], targets[:, 0]) if values.shape[1] == 1 else (values, targets)


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


class Joined:
    """Several meters as one.

    Args:
        meters: the meters; their metrics have different names.
    """

    def __init__(self, meters: Sequence[Meter]) -> None:
        self._meters = meters

    def add(self, outputs: Batch, targets: Batch) -> None:
        """Add a batch to each meter.

        Args:
            outputs: outputs of the network, detached.
            targets: the targets of the same examples.
        """
        for meter in self._meters:
            meter.add(outputs, targets)

    def merge(self, group: Group, device: torch.device) -> None:
        """Merge each meter over the processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        for meter in self._meters:
            meter.merge(group, device)

    def result(self) -> dict[str, float]:
        """Compute the metrics of all meters.

        Returns:
            The values by name.
        """
        found: dict[str, float] = {}
        for meter in self._meters:
            found |= meter.result()
        return found


class Errors:
    """Measures predictions of numbers: `rmse`, `mae`, `r2` and `loss`.

    Outputs are standardized; errors have the units of the targets. With several numbers for each example, `rmse` and
    `mae` are over all numbers, and `r2` is the mean of that of each number. `loss` is the mean squared error of
    standardized targets.

    Args:
        mean: (k,), of the training targets.
        std: (k,), standard deviation of the same.
        names: the metrics to measure.
    """

    def __init__(self, mean: Tensor, std: Tensor, names: Sequence[str]) -> None:
        self._mean, self._std, self._names = mean, std, tuple(names)
        self._type = torch.float32 if mean.device.type == "mps" else torch.float64
        self._sums = torch.zeros((4, len(mean)), dtype=self._type, device=mean.device)
        self._count = 0

    def add(self, outputs: Tensor, targets: Tensor) -> None:
        """Add a batch.

        Args:
            outputs: (n, k), standardized.
            targets: (n, k), in their own units.
        """
        wanted = (targets.to(self._type) - self._mean) / self._std
        error = outputs.to(self._type) - wanted
        self._sums += torch.stack([error.square().sum(0), error.abs().sum(0), wanted.sum(0), wanted.square().sum(0)])
        self._count += len(targets)

    def merge(self, group: Group, device: torch.device) -> None:
        """Make this the meter of all batches of all processes.

        Args:
            group: the processes that evaluate together.
            device: the device on which the processes communicate.
        """
        if group.alone:
            return
        count = torch.full_like(self._sums[:1], self._count)
        together = torch.cat((self._sums, count))
        group.sum_([together])
        self._sums, self._count = together[:4], int(together[4, 0])

    def result(self) -> dict[str, float]:
        """Compute the metrics; waits for the device.

        Returns:
            The values by name. `r2` is left out where a target is constant.
        """
        if not self._count:
            return {}
        squared, absolute, total, total_squared = self._sums.cpu() / self._count
        std = self._std.double().cpu()
        found = {
            "rmse": float((squared * std.square()).mean().sqrt()),
            "mae": float((absolute * std).mean()),
            "loss": float(squared.mean()),
        }
        spread = total_squared - total.square()
        if bool((spread > _CONSTANT * total_squared).all()):
            found["r2"] = float((1 - squared / spread).mean())
        return {name: found[name] for name in self._names if name in found}
