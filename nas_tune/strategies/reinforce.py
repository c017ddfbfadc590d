"""REINFORCE (Zoph and Le, ICLR 2017, arXiv 1611.01578): a controller that learns to draw good architectures.

Each finished trial makes its decisions likelier, or less likely, by as much as its reward is above a moving average.
The state is nothing but the study's trials, so a replayed study continues as the uninterrupted one would.
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
    """Proposes what a recurrent controller draws, which is taught by the policy gradient of every trial.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
        controller: "lstm", or "table" for a logit an answer, which is cheaper and forgets what was decided before
            (default: "lstm").
        units: of the LSTM (default: 32).
        rate: how far Adam goes with an update (default: 0.01).
        entropy: the weight of the bonus for being undecided (default: 0.005).
        decay: what the moving average of the rewards, which are ranks cubed, keeps with each trial (default: 0.9).
        batch: how many trials are learnt with an update (default: 1).
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
        """Up the log-probabilities of the decisions, as far as the reward was better than expected."""
        controller.teach(batch, lambda told: np.broadcast_to(advantages, told.shape), self.entropy, self.rate)
