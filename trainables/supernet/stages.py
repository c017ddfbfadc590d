"""A search in stages, each with its own supernet; most methods have one stage.

A stage begins with new weights, a new architecture to learn, and the options that the previous stage kept.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trainables.errors import TrainableError
from trainables.supernet.methods.base import SearchStage
from trainables.supernet.search import Search
from trainables.supernet.selection import strongest_options

__all__ = ["StagedSearch"]

Kept = dict[str, tuple[int, ...]]
MakeSearch = Callable[[SearchStage, Kept, int], Search]
"""Makes the search of a stage, with the options that are left, for so many epochs."""


class StagedSearch:
    """A search over all stages, among which the epochs are divided evenly.

    Args:
        make: makes the search of a stage.
        stages: the stages of the method.
        epochs: epochs of all stages together.

    Raises:
        TrainableError: there are fewer epochs than stages.
    """

    def __init__(self, make: MakeSearch, stages: tuple[SearchStage, ...], epochs: int) -> None:
        if epochs < len(stages):
            raise TrainableError(
                f"{epochs} epochs for the {len(stages)} stages of the method; give at least {len(stages)}"
            )
        self._make, self._stages = make, stages
        self._ends = [epochs * (index + 1) // len(stages) for index in range(len(stages))]
        self._stage = 0
        self._kept: Kept = {}
        self.search = self._begun()

    @property
    def epoch(self) -> int:
        """Epochs behind the search, of all stages."""
        return self._ends[self._stage] - self.search.epochs + self.search.epoch

    @property
    def stage(self) -> SearchStage:
        """The one that the search is in."""
        return self._stages[self._stage]

    @property
    def is_over(self) -> bool:
        """Whether all epochs are trained."""
        return self.epoch == self._ends[-1]

    def go_on(self) -> Search:
        """Begin the next stage where the present one has ended.

        Returns:
            The search that trains the next epoch.
        """
        if self.search.epoch == self.search.epochs:
            self._stage += 1
            options = self._stages[self._stage].options
            self._kept = self._kept if options is None else strongest_options(self.search.supernet, options)
            self.search = self._begun()
        return self.search

    def _begun(self) -> Search:
        begin = self._ends[self._stage - 1] if self._stage else 0
        return self._make(self._stages[self._stage], self._kept, self._ends[self._stage] - begin)

    def state_dict(self) -> dict[str, object]:
        """The stage, what is left in it, and the search.

        Returns:
            The number of the stage, the options that are left in it, and the state of its search.
        """
        kept = {name: list(left) for name, left in self._kept.items()}
        return {"stage": self._stage, "kept": kept, "search": self.search.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where a state was taken. Torch raises its own errors for a state of another search.

        Args:
            state: what `state_dict` of an equal search gave.
        """
        if state["stage"] != self._stage:
            self._stage = state["stage"]
            self._kept = {name: tuple(left) for name, left in state["kept"].items()}
            self.search = self._begun()
        self.search.load_state_dict(state["search"])
