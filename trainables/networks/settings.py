"""The settings of a network: its size, and what else its builder takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

from trainables.networks import sized_network
from trainables.settings import check_mapping, check_number

__all__ = ["NetworkKeywords", "NetworkSettings"]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How large the networks of a space are, where their builder takes such a setting.

    None is a small size for spaces of cells (`trainables.networks.family`), and the builder's default for others.
    """

    channels: int | None = None
    """Channels of the first cells or stages."""
    cells: int | None = None
    """Cells of each stage."""
    layers: int | None = None
    """Cells of the whole network."""
    network: Mapping[str, object] | None = None
    """Further settings of the builder, such as `{"width": 0.5}` for `chain`."""

    def __post_init__(self) -> None:
        check_mapping("network", self.network)
        for name in ("channels", "cells", "layers"):
            if getattr(self, name) is not None:
                check_number(name, getattr(self, name), 1, whole=True)

    def of(self, space: object, needed: Mapping[str, object] | None = None) -> dict[str, object]:
        """The settings of the builder of a space, checked; nothing is built.

        Args:
            space: the name of a space, or a `Space`.
            needed: further settings of the builder, which those of `network` replace.

        Returns:
            The settings by name.

        Raises:
            UnknownNameError: the space has no network.
            TrainableError: the builder takes no such setting.
        """
        network = {**(needed or {}), **(self.network or {})}
        return sized_network(space, network, channels=self.channels, cells=self.cells, layers=self.layers)


class NetworkKeywords(TypedDict, total=False):
    """The types of these settings as keyword arguments."""

    channels: int | None
    cells: int | None
    layers: int | None
    network: Mapping[str, object] | None
