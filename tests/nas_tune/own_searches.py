"""A strategy that searches by itself, as a program brings it: a trial climbs the widths of a space."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from nas_tune.config import SearchConfig
from nas_tune.errors import ConfigError
from search_spaces import Architecture, Space
from trainables.errors import TrainableError
from trainables.export import Deployed
from trainables.registry import TrainableTarget

__all__ = ["Ladder", "Rungs", "Trained", "TrainedRungs", "train"]

WIDTHS = (1, 2, 4, 8)


class Rungs:
    """Each epoch finds the next width, up to `wide`."""

    trains_networks: ClassVar[bool] = False

    def __init__(self, *, wide: int = 8) -> None:
        if wide not in WIDTHS:
            raise TrainableError(f"wide is {wide}; it must be one of {WIDTHS}")
        self._wide, self._epoch = wide, 0

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        assert set(architecture.tree) == {"search"}
        self._epoch = 0

    def step(self) -> dict[str, float]:
        self._epoch += 1
        return {"cost": 1 / self.architecture.tree["width"]}

    @property
    def architecture(self) -> Architecture:
        width = min(WIDTHS[max(self._epoch, 1) - 1], self._wide)
        return Architecture({"width": width, "act": "relu"})

    def save(self, folder: Path) -> None:
        (folder / "rungs.json").write_text(json.dumps(self._epoch), encoding="utf-8")

    def load(self, folder: Path) -> None:
        self._epoch = json.loads((folder / "rungs.json").read_text(encoding="utf-8"))


class Ladder:
    """Climbs to the width `wide`."""

    metric, mode = "cost", "min"
    refuses: ClassVar[Mapping[str, str]] = {
        "warm_start": "knows no other run; leave it out",
        "max_retries": "never fails; leave it out",
    }
    weights: str | None = "a ladder has no weights"

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def trainable(self) -> TrainableTarget:
        return Rungs

    def check(self, config: SearchConfig, given: TrainableTarget | None) -> None:
        if config.trainable.name == "darts":
            raise ConfigError("trainable: darts is not a company for a ladder")

    def settings(self, config: SearchConfig, space: Space) -> dict[str, Any]:
        return dict(config.strategy.settings)


class TrainedRungs(Rungs):
    """Trains a network of each width that it finds, and keeps the last one."""

    def setup(self, architecture: Architecture, *, seed: int, max_epochs: int) -> None:
        super().setup(architecture, seed=seed, max_epochs=max_epochs)
        torch.manual_seed(seed)

    def step(self) -> dict[str, float]:
        found = super().step()
        width = self.architecture.tree["width"]
        self.network = nn.Sequential(nn.Linear(2, width), nn.ReLU(), nn.Linear(width, 1))
        return found

    def deployed(self) -> Deployed:
        inputs = torch.arange(6.0).view(3, 2)
        return Deployed(network=self.network, inputs=inputs, space="ladder", architecture=self.architecture.tree)

    def save(self, folder: Path) -> None:
        super().save(folder)
        save_file(self.network.state_dict(), folder / "network.safetensors")

    def load(self, folder: Path) -> None:
        super().load(folder)
        self._epoch -= 1
        self.step()
        self.network.load_state_dict(load_file(folder / "network.safetensors"))


class Trained(Ladder):
    """A ladder with a trained network on each rung."""

    weights = None
    trainable = TrainedRungs


def train(architecture: Architecture, slope: float = 1.0) -> Iterator[dict[str, float]]:
    """Wider is better, and longer too."""
    for epoch in (1, 2, 3):
        yield {"accuracy": architecture["width"] * slope * epoch / 100}
