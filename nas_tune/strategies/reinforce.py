"""REINFORCE (Zoph and Le, ICLR 2017, arXiv 1611.01578): a controller that learns to draw good architectures.

Each finished trial makes its actions likelier, or less likely, by as much as its reward is above a moving average.
The study's trials are the only state, so a replayed study continues as the uninterrupted one would.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.controllers import Controller
from nas_tune.strategies.decision_steps import StepBatch
from nas_tune.strategies.policy_sampler import PolicySampler

__all__ = ["ReinforceSampler"]


class ReinforceSampler(PolicySampler):
    """Proposes draws of a recurrent controller that is trained by the policy gradient of every trial.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        controller, units, rate, entropy, decay, batch: as in `PolicySampler`.
    """

    def teach(self, controller: Controller, batch: StepBatch, advantages: NDArray[np.float64]) -> None:
        """Increase the log-probabilities of the actions by as much as the reward exceeds its moving average."""
        controller.teach(
            batch,
            lambda log_probabilities: np.broadcast_to(advantages, log_probabilities.shape),
            self.entropy,
            self.rate,
        )
