"""REINFORCE (Zoph and Le, ICLR 2017, arXiv 1611.01578): a controller that learns to draw good architectures.

Each finished trial makes its actions likelier, or less likely, by as much as its reward is above a moving average.
The study's trials are the only state, so a replayed study continues as the uninterrupted one would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.controllers import Controller
from nas_tune.strategies.decision_steps import Batch
from nas_tune.strategies.policy_sampler import PolicySampler
from search_spaces import Space

__all__ = ["ReinforceSampler"]


class ReinforceSampler(PolicySampler):
    """Proposes draws of a recurrent controller that is trained by the policy gradient of every trial.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        controller: "lstm", or "table" for one logit for each action, which is faster but ignores earlier decisions
            (default: "lstm").
        units: size of the LSTM's hidden state (default: 32).
        rate: learning rate of Adam (default: 0.01).
        entropy: weight of the entropy bonus (default: 0.005).
        decay: decay of the moving average of the rewards, which are cubed ranks (default: 0.9).
        batch: trials of an update (default: 1).
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
        batch: int = 1,
    ) -> None:
        super().__init__(
            space, seed, controller=controller, units=units, rate=rate, entropy=entropy, decay=decay, batch=batch
        )

    def teach(self, controller: Controller, batch: Batch, advantages: NDArray[np.float64]) -> None:
        """Increase the log-probabilities of the actions by as much as the reward exceeds its moving average."""
        controller.teach(
            batch,
            lambda log_probabilities: np.broadcast_to(advantages, log_probabilities.shape),
            self.entropy,
            self.rate,
        )
