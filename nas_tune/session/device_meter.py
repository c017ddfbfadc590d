"""Measures the costs of architectures on the device of a search, as the gate of limits needs it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from search_spaces import Architecture
from trainables.hardware.device import Device
from trainables.hardware.measuring import measure
from trainables.protocol import Building

__all__ = ["DeviceMeter"]


class DeviceMeter:
    """Builds networks untrained and measures them: weights do not change how long a network takes.

    Args:
        trainable: builds the networks.
        device: where they run.
        names: of the quantities.
    """

    def __init__(self, trainable: Building, device: Device, names: Sequence[str]) -> None:
        self._trainable, self._device = trainable, device
        self.names = tuple(names)
        self.device = device.fingerprint()

    def measured(self, architectures: Sequence[Architecture]) -> list[Mapping[str, float]]:
        """Measure architectures in one session.

        Args:
            architectures: of the space.

        Returns:
            The value of each of `names` for each architecture.

        Raises:
            TrainableError: a network cannot be built, or does not run on the device.
        """
        subjects = {}
        for place, architecture in enumerate(architectures):
            subjects[str(place)] = lambda one=architecture: self._trainable.untrained(one)
        values: dict[str, dict[str, float]] = {name: {} for name in subjects}
        for one in measure(subjects, self._device, self.names):
            values[one.name][one.quantity] = one.value
        return list(values.values())
