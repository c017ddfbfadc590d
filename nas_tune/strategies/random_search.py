"""Random search (Bergstra and Bengio, JMLR 2012): the baseline that other strategies must beat."""

from __future__ import annotations

from optuna.study import Study

from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from search_spaces import Architecture

__all__ = ["RandomSearch"]


@several_objectives
class RandomSearch(ArchitectureSampler):
    """Draws every decision independently and uniformly on its scale, again if the space's rule refuses the result.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
    """

    asked_again = 200

    def propose(self, study: Study, number: int) -> Architecture:
        """Draw a member, whatever the earlier trials are."""
        return self.space.sample(self.rng)
