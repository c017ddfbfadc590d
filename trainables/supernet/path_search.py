"""The best architecture by what paths score with shared weights: evolution over them, as in SPOS (Guo et al. 2019,
arXiv 1904.00420).

The first generation is drawn by the method of the supernet. Of each following one half are crossings of two parents
and half mutants of one, the parents being the best fifth of all so far. No architecture is scored twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from trainables.errors import TrainableError
from trainables.supernet.methods.base import Draws
from trainables.supernet.methods.paths import Path, PathMethod, even
from trainables.supernet.supernet import Supernet

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["best_path"]

MUTATION = 0.1
"""Chance of a decision to be drawn anew in a mutant."""
Score = Callable[["Architecture"], float]


def best_path(
    supernet: Supernet, score: Score, draws: Draws, *, population: int = 50, generations: int = 20
) -> Architecture:
    """Find the architecture of the greatest score by evolution over paths.

    Args:
        supernet: a supernet whose method is one of paths.
        score: gives what is to be great, such as the validation accuracy of `Search.evaluate_member`.
        draws: random numbers.
        population: architectures in the first generation, and in each further one.
        generations: further generations; 0 takes the best of those drawn.

    Returns:
        The best architecture of all generations.

    Raises:
        TrainableError: the method of the supernet draws no paths.
    """
    search = _Search(supernet, score, draws)
    for _ in range(population):
        supernet.begin_step(draws)
        search.judge(_method(supernet).path)
    for _ in range(generations):
        parents = search.best(max(2, population // 5))
        for index in range(population):
            search.judge(search.crossed(parents) if index % 2 else search.mutated(parents))
    return search.found[search.best(1)[0]][1]


def _method(supernet: Supernet) -> PathMethod:
    method = supernet.method
    if not isinstance(method, PathMethod):
        raise TrainableError(f"{type(method).__name__} draws no paths; take discretize(supernet) instead")
    return method


class _Search:
    """By the id of each architecture: its score, the architecture, and the path to it."""

    def __init__(self, supernet: Supernet, score: Score, draws: Draws) -> None:
        self._supernet, self._score, self._host = supernet, score, draws.host
        self._method = _method(supernet)
        self.found: dict[str, tuple[float, Architecture, Path]] = {}

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
