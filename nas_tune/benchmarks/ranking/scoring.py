"""The scores of a sample of architectures: by shared weights, by counting, by zero-cost proxies and by trainings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from search_spaces import Architecture
from trainables.costs.zero_cost import PROXIES
from trainables.errors import TrainableError
from trainables.supernet.estimator import Chosen, Scorer, spread_rows
from trainables.tasks.learner import Learner
from trainables.tasks.task import Task

__all__ = ["COUNTED", "PROXY_NAMES", "Progress", "Score", "counted", "is_maximized", "proxy_scores", "shared_scores"]

FloatArray = NDArray[np.float64]
Progress = Callable[[Sequence[Architecture], str], Iterable[Architecture]]
"""Yields the architectures of a list, and may show how many are done."""

COUNTED = ("parameters", "macs")
"""The scores that are counted."""
PROXY_NAMES = tuple(name for name in PROXIES if name not in COUNTED)
"""The zero-cost proxies that are more than counting."""
_LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Score:
    """A score of every architecture of a sample.

    Attributes:
        name: such as "shared_loss", "parameters" or "naswot".
        values: as they were computed, (n,).
        is_max: whether more of it is better.
        seconds: of CPU time for all of them.
        supernet: whose weights score; None for the others.
    """

    name: str
    values: FloatArray
    is_max: bool = True
    seconds: float = 0.0
    supernet: str | None = None

    @property
    def worth(self) -> FloatArray:
        """The values, greater ones better."""
        return self.values if self.is_max else -self.values


def is_maximized(task: Task) -> bool:
    """Tell whether more of the primary metric of a task is better.

    Args:
        task: the task.

    Returns:
        False for a loss.
    """
    return any(one.name == task.primary and one.mode == "max" for one in task.metrics)


def shared_scores(
    scorer: Scorer, label: str, architectures: Sequence[Architecture], images: int | None, progress: Progress
) -> list[Score]:
    """Score architectures with the weights of a supernet, on examples for validation.

    Args:
        scorer: the supernet.
        label: of the supernet.
        architectures: n members of its space.
        images: the number of examples, always the same; None for all.
        progress: wraps the loop.

    Returns:
        The primary metric of the task, and its loss where it reports one.
    """
    task, validation = scorer.task, scorer.data.validation
    part = validation if images is None else Chosen(validation, spread_rows(validation, images, scorer.data.device))
    started = time.process_time()
    metrics = [scorer.score(one, part) for one in progress(architectures, f"shared weights of {label}")]
    seconds = time.process_time() - started
    modes = {task.primary: is_maximized(task)}
    if _LOSS in metrics[0]:
        modes.setdefault(_LOSS, False)
    found = []
    for name, is_max in modes.items():
        values = np.array([one.get(name, np.nan) for one in metrics], np.float64)
        found.append(Score(f"shared_{name}", values, is_max, seconds, label))
    return found


def counted(learner: Learner, architectures: Sequence[Architecture], progress: Progress) -> list[Score]:
    """Count parameters and multiply-accumulates.

    Args:
        learner: builds the networks.
        architectures: members of its space.
        progress: wraps the loop.

    Returns:
        A score for each of `COUNTED`.
    """
    started = time.process_time()
    costs = [learner.costs(one, COUNTED) for one in progress(architectures, "parameters and MACs")]
    seconds = time.process_time() - started
    return [Score(name, np.array([one[name] for one in costs]), seconds=seconds) for name in COUNTED]


def proxy_scores(
    learner: Learner, architectures: Sequence[Architecture], names: Sequence[str], seed: int, progress: Progress
) -> tuple[list[Score], Mapping[str, str]]:
    """Compute zero-cost proxies of untrained networks.

    Args:
        learner: builds the networks.
        architectures: members of its space.
        names: of `PROXY_NAMES`.
        seed: of the examples and the initial weights.
        progress: wraps the loops.

    Returns:
        The scores, and by name why a proxy cannot be computed for these networks.
    """
    found: list[Score] = []
    refused: dict[str, str] = {}
    for name in names:
        started = time.process_time()
        try:
            values = [learner.zero_cost(one, name, seed=seed) for one in progress(architectures, name)]
        except TrainableError as error:
            refused[name] = str(error)
            continue
        found.append(Score(name, np.array(values), seconds=time.process_time() - started))
    return found, refused
