"""Proximal policy optimization (Schulman et al., 2017, arXiv 1707.06347) of a controller that draws architectures.

As `reinforce`, but a batch of trials is learnt several times over, and a decision is not made likelier, or less likely,
beyond a clipped ratio to what it was before the batch. There is no critic: the baseline is a moving average.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.errors import ConfigError
from nas_tune.strategies.controllers import Controller
from nas_tune.strategies.decision_steps import Batch
from nas_tune.strategies.policy_sampler import PolicySampler
from search_spaces import Space

__all__ = ["PPOSampler"]


class PPOSampler(PolicySampler):
    """Proposes what a recurrent controller draws, which is taught by the clipped objective of each batch of trials.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        controller: "lstm", or "table" for a logit an answer, which is cheaper and forgets what was decided before
            (default: "lstm").
        units: of the LSTM (default: 32).
        rate: how far Adam goes with an update (default: 0.01).
        entropy: the weight of the bonus for being undecided (default: 0.005).
        decay: what the moving average of the rewards, which are ranks cubed, keeps with each trial (default: 0.9).
        batch: how many trials are learnt at a time (default: 5).
        epochs: how many updates a batch gives (default: 4).
        clip: how far the ratio of a decision's probabilities may get from 1 (the paper's epsilon; default: 0.2).
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
        super().__init__(
            space,
            seed,
            controller=controller,
            units=units,
            rate=rate,
            entropy=entropy,
            decay=decay,
            batch=batch,
            others=(epochs, clip),
        )
        self.epochs, self.clip = epochs, clip

    def teach(self, controller: Controller, batch: Batch, advantages: NDArray[np.float64]) -> None:
        """Up the clipped ratio, `epochs` times; its slope is 0 where the ratio has gone far enough."""
        before = controller.log_probabilities(batch)

        def weigh(told: NDArray[np.float64]) -> NDArray[np.float64]:
            ratio = np.exp(told - before)
            inside = np.where(advantages > 0.0, ratio < 1.0 + self.clip, ratio > 1.0 - self.clip)
            return advantages * ratio * inside

        for _ in range(self.epochs):
            controller.teach(batch, weigh, self.entropy, self.rate)
