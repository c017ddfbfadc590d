"""Random search (Bergstra and Bengio, JMLR 2012): the baseline that other strategies must beat."""

from __future__ import annotations

from optuna.study import Study

from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from search_spaces import Architecture

__all__ = ["RandomSearch"]


@several_objectives
class RandomSearch(ArchitectureSampler):
    """Every decision is drawn independently, even on its scale; what the space's rule refuses is drawn again."""

    asked_again = 200

    def propose(self, study: Study, number: int) -> Architecture:
        """Whatever came before."""
        return self.space.sample(self.rng)
