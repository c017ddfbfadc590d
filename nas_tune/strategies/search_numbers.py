"""The sampler of strategies that search by themselves (`nas_tune.config.self_search`): it numbers the searches."""

from __future__ import annotations

from optuna.study import Study

from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from search_spaces import Architecture, Space, integer

__all__ = ["SEARCHES", "SearchNumbers"]

SEARCHES = Space({"search": integer(0, 10**9)}, name="searches")
"""The space whose members are the numbers of searches."""


@several_objectives
class SearchNumbers(ArchitectureSampler):
    """Proposes the numbers of searches in turn, whatever they find.

    Args:
        space: the space `SEARCHES`.
        seed: unused.
    """

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the number of the trial."""
        return self.space.validate({"search": number})
