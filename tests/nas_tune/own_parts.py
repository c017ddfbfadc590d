"""A strategy, a scheduler and a method that a driver registers; importable by workers, and not by their names."""

from __future__ import annotations

from nas_tune.schedulers import NeverPauses, Score, Verdict
from nas_tune.strategies import RandomSearch
from search_spaces import Space
from trainables.supernet.methods.base import Method

__all__ = ["FirstEpoch", "Seventh", "Warm"]


class Seventh(RandomSearch):
    """Random search from another seed."""

    def __init__(self, space: Space, seed: int, plus: int = 7) -> None:
        super().__init__(space, seed=seed + plus)


class FirstEpoch(NeverPauses):
    """One epoch is enough."""

    def __init__(self, max_epochs: int) -> None:
        del max_epochs

    def observe(self, trial: int, epoch: int, score: Score) -> Verdict:
        return Verdict.STOP

    def forget(self, trial: int) -> None:
        """Nothing is kept."""


class Warm(Method):
    """DARTS under another name."""
