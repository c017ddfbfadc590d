"""Counted costs as a device has them: its precision and engine decide the bytes of weights and of values.

A trainable that only builds networks gets its costs counted here, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_spaces import Architecture
from trainables.hardware.counting import COUNTED, counted_of
from trainables.hardware.device import Device
from trainables.protocol import Building, Costing

__all__ = ["DeviceCosts"]

_OF_DEVICE = ("size", "peak_memory")


class DeviceCosts:
    """Counts costs by the trainable, and those that depend on the device from the networks that it builds.

    Args:
        trainable: counts costs.
        building: the same trainable, which builds networks.
        device: its precision and engine decide `size` and `peak_memory`.
    """

    looks_costs_up = False

    def __init__(self, trainable: Costing, building: Building, device: Device) -> None:
        self._trainable, self._building, self._device = trainable, building, device
        own = () if device == Device() else _OF_DEVICE
        self._own = [name for name in COUNTED if name in own or name not in trainable.counts]
        self.counts = [*trainable.counts, *(name for name in self._own if name not in trainable.counts)]

    def costs(self, architecture: Architecture, names: Sequence[str]) -> Mapping[str, float]:
        """Count costs of an architecture.

        Args:
            architecture: a member of the space.
            names: which costs, of `counts`.

        Returns:
            Each of them by its name.
        """
        others = [name for name in names if name not in self._own]
        found = dict(self._trainable.costs(architecture, others)) if others else {}
        own = [name for name in names if name in self._own]
        return {**found, **counted_of(lambda: self._building.untrained(architecture), own, self._device)}

    def connected(self, architecture: Architecture) -> bool:
        """Ask the trainable whether the output of a network depends on its input.

        Args:
            architecture: a member of the space.

        Returns:
            False where the trainable says that it is constant.
        """
        asked = getattr(self._trainable, "connected", None)
        return asked is None or bool(asked(architecture))
