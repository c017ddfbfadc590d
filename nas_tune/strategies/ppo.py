"""Proximal policy optimization (Schulman et al., 2017, arXiv 1707.06347) of a controller that draws architectures.

Unlike `reinforce`, it makes several updates with a batch of trials, and the ratio of an action's probability to that
before the batch is clipped. There is no critic: the baseline is a moving average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.controllers import Controller
from nas_tune.strategies.decision_steps import StepBatch
from nas_tune.strategies.policy_sampler import PolicySampler
from search_spaces import Space

__all__ = ["PPOSampler"]


class PPOSampler(PolicySampler):
    """Proposes draws of a recurrent controller that is trained by the clipped objective of each batch of trials.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        controller, units, rate, entropy, decay: as in `PolicySampler`.
        batch: trials of a batch (default: 5).
        epochs: updates with each batch (default: 4).
        clip: how far the ratio of an action's probabilities may be from 1 (the paper's epsilon; default: 0.2).
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        controller: str = "lstm",
        units: int = 32,
        rate: float = 0.01,
        entropy: float = 0.005,
        decay: float = 0.9,
        batch: int = 5,
        epochs: int = 4,
        clip: float = 0.2,
    ) -> None:
        if epochs < 1:
            raise ConfigError(f"strategy.epochs is {epochs}; a batch is learnt at least once")
        if not 0.0 < clip < 1.0:
            raise ConfigError(f"strategy.clip is {clip}; it lies between 0 and 1, such as 0.2")
        super().__init__(space, seed, controller, units, rate, entropy, decay, batch)
        self._settings += (epochs, clip)
        self.epochs, self.clip = epochs, clip

    def teach(self, controller: Controller, batch: StepBatch, advantages: NDArray[np.float64]) -> None:
        """Increase the clipped ratio in `epochs` updates; a ratio beyond the clip has no gradient."""
        before = controller.log_probabilities(batch)

        def weigh(log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
            ratio = np.exp(log_probabilities - before)
            inside = np.where(advantages > 0.0, ratio < 1.0 + self.clip, ratio > 1.0 - self.clip)
            return advantages * ratio * inside

        for _ in range(self.epochs):
            controller.teach(batch, weigh, self.entropy, self.rate)
