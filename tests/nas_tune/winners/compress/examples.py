"""Trainables that a command can name."""

from __future__ import annotations

from typing import Any

import torch

from tests.toys import Climber
from trainables.export import Deployed
from trainables.tasks.image_classifier import ImageClassifier

__all__ = ["Bare", "Fragile"]


class Fragile(ImageClassifier):
    """Fails in every trial but that of a space's first architecture."""

    def setup(self, architecture: Any, *, seed: int, max_epochs: int) -> None:
        if architecture["edge_0_1"] != "nor_conv_3x3":
            raise ValueError("no")
        super().setup(architecture, seed=seed, max_epochs=max_epochs)


class Bare(Climber):
    """Gives its network away, and nothing of its training."""

    def deployed(self) -> Deployed:
        return Deployed(torch.nn.Linear(2, 2), torch.zeros(3, 2), "tiny", {})
