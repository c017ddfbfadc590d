"""Limits on the costs of the architectures that a supernet is searched for.

    limits = PathLimits({"macs": 5e6, "latency": 2.0}, learner, Device())
    ranked = ranked_paths(supernet, score, draws, excess=limits.excess)
    found = limits.chosen(ranked)

The costs are those of the network that is trained by itself afterwards, whatever the size of the supernet. Costs that
are counted keep paths over a limit from being scored. Costs that are measured are dear, so they judge the end only: the
architectures are measured in the order of their scores until one keeps the limits. A network with at least as many
multiply-accumulates as one that was more than a fifth over a measured limit is passed over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from trainables.costs.quantities import QUANTITIES, read_value, write_value
from trainables.hardware.device import Device
from trainables.hardware.device_costs import DeviceCosts
from trainables.hardware.engines import check_device
from trainables.hardware.measuring import check_quantities, measure
from trainables.settings import check_name

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from trainables.tasks.learner import Learner

__all__ = ["PathLimits"]

_MEASURED = 30
"""The most architectures that are measured to find one within the limits."""
_FAR = 1.2
"""The ratio to a measured limit from which larger networks are passed over."""
_SIZE = "macs"


class PathLimits:
    """Judges architectures by bounds on their costs.

    Args:
        bounds: by the name of a quantity; a number in its kept unit, or a text with a unit.
        costing: counts costs, and builds the networks that are measured.
        device: where they are measured; None for the default.

    Raises:
        TrainableError: a name is no quantity, or a bound is none.
    """

    def __init__(self, bounds: Mapping[str, object], costing: Learner, device: Device | None = None) -> None:
        for name in bounds:
            check_name("limits", name, tuple(QUANTITIES))
        self.bounds = {name: read_value(name, bound) for name, bound in bounds.items()}
        self.costing, self.device = costing, device or Device()
        self._counter = DeviceCosts(costing, costing, self.device)
        self.measured = [name for name in self.bounds if name not in self._counter.counts]
        """The limited quantities that are measured."""
        self.notes: list[str] = []
        """For a person; whoever reads them empties the list."""
        self._counted = [name for name in self.bounds if name in self._counter.counts]
        self._costs: dict[str, dict[str, float]] = {}
        self._values: dict[str, dict[str, float]] = {}

    def check(self) -> None:
        """Check that the limited quantities can be found here.

        Raises:
            TrainableError: a quantity cannot be measured, or the device is missing.
        """
        if self.measured:
            check_quantities(self.measured, self.device)
            check_device(self.device)

    def limited_by(self, bounds: Mapping[str, object]) -> PathLimits:
        """Make other limits of the same networks, with what is counted and measured already.

        Args:
            bounds: as for the class.

        Returns:
            The limits.
        """
        other = PathLimits(bounds, self.costing, self.device)
        other._costs, other._values = self._costs, self._values
        return other

    def excess(self, architecture: Architecture) -> float:
        """Compute how far an architecture lies beyond the limits on counted costs.

        Args:
            architecture: a member of the space.

        Returns:
            The greatest ratio; at most 1 if all are kept, 0 without such limits.
        """
        return self._ratio(self._count(architecture, self._counted), self._counted) if self._counted else 0.0

    def costs(self, architecture: Architecture) -> dict[str, float]:
        """List the costs of an architecture.

        Args:
            architecture: a member of the space.

        Returns:
            All counted costs, and those that were measured, by name.
        """
        names = dict.fromkeys([*self.costing.counts, *self._counted])
        return {**self._count(architecture, list(names)), **self._values.get(architecture.id, {})}

    def chosen(self, ranked: Sequence[Architecture]) -> Architecture:
        """Choose the best architecture that keeps the limits on measured costs.

        Args:
            ranked: architectures that keep the others, the best first.

        Returns:
            The first one that keeps them. Where none of those that were measured does, the nearest one, with a note.
        """
        if not self.measured:
            return ranked[0]
        nearest, least, too_large, count = ranked[0], float("inf"), float("inf"), 0
        for architecture in ranked:
            size = self._count(architecture, [_SIZE])[_SIZE]
            if count == _MEASURED or size >= too_large:
                continue
            count += 1
            ratio = self._ratio(self.measure(architecture), self.measured)
            if ratio <= 1:
                return architecture
            if ratio < least:
                nearest, least = architecture, ratio
            if ratio > _FAR:
                too_large = size
        wanted = ", ".join(f"{name} {write_value(name, self.bounds[name])}" for name in self.measured)
        self.notes.append(
            f"none of {count} measured architectures keeps the limits ({wanted}): the nearest one exceeds them "
            f"{least:.3g} times; raise a limit, or limit macs too"
        )
        return nearest

    def measure(self, architecture: Architecture) -> dict[str, float]:
        """Measure the limited quantities of an architecture, once.

        Args:
            architecture: a member of the space.

        Returns:
            Each of `measured` by its name.
        """
        values = self._values.setdefault(architecture.id, {})
        missing = [name for name in self.measured if name not in values]
        if missing:
            found = measure({"found": lambda: self.costing.untrained(architecture)}, self.device, missing)
            values.update({one.quantity: one.value for one in found})
        return values

    def _count(self, architecture: Architecture, names: Sequence[str]) -> dict[str, float]:
        """Count some costs, each once for an architecture: some are dear, such as the peak of memory."""
        known = self._costs.setdefault(architecture.id, {})
        missing = [name for name in names if name not in known]
        if missing:
            known.update(self._counter.costs(architecture, missing))
        return {name: known[name] for name in names}

    def _ratio(self, costs: Mapping[str, float], names: Sequence[str]) -> float:
        ratios = []
        for name in names:
            is_less_better = QUANTITIES[name].metric.mode == "min"
            bound, value = self.bounds[name], costs[name]
            ratios.append(value / bound if is_less_better else bound / max(value, 1e-12))
        return max(ratios)
