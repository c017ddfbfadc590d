"""SPOS: Single Path One-Shot Neural Architecture Search with Uniform Sampling (Guo et al. 2019, arXiv 1904.00420)."""

from __future__ import annotations

from typing import ClassVar

from trainables.settings import check_number
from trainables.supernet.methods.paths import PathMethod

__all__ = ["Spos"]


class Spos(PathMethod):
    """Trains one path per step, drawn evenly; there are no architecture parameters.

    After the training of the weights, evolution searches for the path that scores best on validation images with them,
    with batch statistics recalibrated for each path. Epochs before the last only report the best of four paths.

    Args:
        population: the paths of each generation, of which the best fifth have offspring; 50 in the paper.
        generations: the generations after the first; 20 in the paper.
    """

    paper: ClassVar[str] = "arXiv 1904.00420"

    def __init__(self, population: int = 50, generations: int = 20) -> None:
        super().__init__()
        check_number("population", population, 2, whole=True)
        check_number("generations", generations, 0, whole=True)
        self.population, self.generations = population, generations
