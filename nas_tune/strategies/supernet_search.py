"""What asks where a trial is a whole search in a supernet: it counts them."""

from __future__ import annotations

from optuna.study import Study

from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from search_spaces import Architecture, Space, integer

__all__ = ["SEARCHES", "SearchNumbers"]

SEARCHES = Space({"search": integer(0, 10**9)}, name="searches")
"""The numbers of searches."""


@several_objectives
class SearchNumbers(ArchitectureSampler):
    """Asks for one search after the other, whatever they find."""

    def propose(self, study: Study, number: int) -> Architecture:
        """The next number."""
        return self.space.validate({"search": number})
