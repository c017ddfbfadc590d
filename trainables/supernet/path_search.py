"""The best architecture by what paths score with shared weights: evolution over them, as in SPOS (Guo et al. 2019,
arXiv 1904.00420).

The first generation is drawn by the method of the supernet. Of each following one half are crossings of two parents
and half mutants of one, the parents being the best fifth of all so far. No architecture is scored twice.

Under limits on costs nothing is scored that breaks one. A path over a limit is brought within it by a descent, as
random members of a limited space are (`search_spaces.algebra.limited`): it changes one decision at a time, and keeps a
change that does not move away from the limit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from search_spaces.algebra.limited import Excess
from trainables.errors import TrainableError
from trainables.supernet.methods.base import Draws
from trainables.supernet.methods.paths import Path, PathMethod, even
from trainables.supernet.supernet import Supernet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["best_path", "ranked_paths"]

MUTATION = 0.1
"""Chance of a decision to be drawn anew in a mutant."""
_CHANGES = 300
"""Changes of single decisions after which a descent gives up."""
_DESCENTS = 10
"""Descents of which one must meet the limits."""
Score = Callable[["Architecture"], float]


def best_path(
    supernet: Supernet,
    score: Score,
    draws: Draws,
    *,
    population: int = 50,
    generations: int = 20,
    excess: Excess | None = None,
) -> Architecture:
    """Find the architecture of the greatest score by evolution over paths.

    Args:
        supernet: a supernet whose method is one of paths.
        score: gives what is to be great, such as the validation accuracy of `Search.evaluate_member`.
        draws: random numbers.
        population: architectures in the first generation, and in each further one.
        generations: further generations; 0 takes the best of those drawn.
        excess: how far an architecture lies beyond limits, at most 1 if it keeps them; None for none.

    Returns:
        The best architecture of all generations.

    Raises:
        TrainableError: the method of the supernet draws no paths, or no path was found that keeps the limits.
    """
    return ranked_paths(supernet, score, draws, population=population, generations=generations, excess=excess)[0]


def ranked_paths(
    supernet: Supernet,
    score: Score,
    draws: Draws,
    *,
    population: int = 50,
    generations: int = 20,
    excess: Excess | None = None,
) -> list[Architecture]:
    """Rank all architectures that an evolution over paths scores.

    Args:
        supernet: as for `best_path`.
        score: as for `best_path`.
        draws: as for `best_path`.
        population: as for `best_path`.
        generations: as for `best_path`.
        excess: as for `best_path`.

    Returns:
        The architectures, the best first; each keeps the limits.

    Raises:
        TrainableError: as for `best_path`.
    """
    search = _Search(supernet, score, draws) if excess is None else _Limited(supernet, score, draws, excess)
    for _ in range(population):
        search.judge(search.drawn())
    for _ in range(generations):
        parents = search.best(max(2, population // 5))
        for index in range(population):
            search.judge(search.crossed(parents) if index % 2 else search.mutated(parents))
    return [search.found[known][1] for known in search.best(len(search.found))]


def _method(supernet: Supernet) -> PathMethod:
    method = supernet.method
    if not isinstance(method, PathMethod):
        raise TrainableError(f"{type(method).__name__} draws no paths; take discretize(supernet) instead")
    return method


class _Search:
    """By the id of each architecture: its score, the architecture, and the path to it."""

    def __init__(self, supernet: Supernet, score: Score, draws: Draws) -> None:
        self._supernet, self._score, self._draws, self._host = supernet, score, draws, draws.host
        self._method = _method(supernet)
        self.found: dict[str, tuple[float, Architecture, Path]] = {}

    def drawn(self) -> Path:
        self._supernet.begin_step(self._draws)
        return self._method.path

    def judge(self, path: Path) -> None:
        architecture = self._supernet.member(path)
        if architecture.id not in self.found:
            self.found[architecture.id] = (self._score(architecture), architecture, dict(path))

    def best(self, count: int) -> list[str]:
        return sorted(self.found, key=lambda known: -self.found[known][0])[:count]

    def mutated(self, parents: list[str]) -> Path:
        path = dict(self._parent(parents))
        for name, decision in self._supernet.decisions.items():
            if self._chance() < MUTATION:
                path[name] = even(decision, self._method.left(decision), self._host)
        return path

    def crossed(self, parents: list[str]) -> Path:
        first, second = self._parent(parents), self._parent(parents)
        return {name: (first if self._chance() < 0.5 else second)[name] for name in first}

    def _parent(self, parents: list[str]) -> Path:
        return self.found[parents[int(self._chance() * len(parents))]][2]

    def _chance(self) -> float:
        return float(torch.rand((), dtype=torch.float64, generator=self._host))


class _Limited(_Search):
    """Judges no path that breaks the limits."""

    def __init__(self, supernet: Supernet, score: Score, draws: Draws, excess: Excess) -> None:
        super().__init__(supernet, score, draws)
        self._excess = excess
        self._ratios: dict[str, float] = {}

    def drawn(self) -> Path:
        least = float("inf")
        for _ in range(_DESCENTS):
            path, ratio = self._descended(self._method.candidate(self._draws))
            if ratio <= 1:
                return path
            least = min(least, ratio)
        raise TrainableError(
            f"no path of the supernet was found that keeps the limits: the nearest one exceeds them {least:.3g} times; "
            "raise a limit"
        )

    def judge(self, path: Path) -> None:
        """Judge what a descent from the path ends at; where the descent fails, nothing."""
        within, ratio = self._descended(path)
        if ratio <= 1:
            super().judge(within)

    def _descended(self, path: Path) -> tuple[Path, float]:
        names, ratio = list(self._supernet.decisions), self._ratio(path)
        for _ in range(_CHANGES):
            if ratio <= 1:
                break
            name = names[int(self._chance() * len(names))]
            decision = self._supernet.decisions[name]
            changed = {**path, name: even(decision, self._method.left(decision), self._host)}
            other = self._ratio(changed)
            if other <= ratio:
                path, ratio = changed, other
        return path, ratio

    def _ratio(self, path: Path) -> float:
        architecture = self._supernet.member(path)
        if architecture.id not in self._ratios:
            self._ratios[architecture.id] = self._excess(architecture)
        return self._ratios[architecture.id]
