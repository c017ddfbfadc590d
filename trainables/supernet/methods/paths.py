"""The base class of single-path methods, whose steps compute one member of the space only.

A path takes options of every decision; it can make decisions of all kinds, also of values and depths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeAlias, cast

import torch
from torch import Tensor, nn

from trainables.supernet.decisions import Decision, Enclosing
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.mixing import Mix

__all__ = ["Path", "PathMethod", "enclosing_options", "even", "extreme", "reached"]

Path: TypeAlias = dict[str, tuple[int, ...]]
"""The indices of the taken options, by decision."""


class PathMethod(Method):
    """Computes one path per step, drawn evenly; outside of training the largest one. Subclasses change the draw.

    All options are equally strong: the best path is found by scores with shared weights
    (`trainables.supernet.path_search`).
    """

    mixable: ClassVar[frozenset[str]] = frozenset({"layer", "inputs", "depth", "value"})
    is_hard: ClassVar[bool] = True
    finds_by_score: ClassVar[bool] = True
    population: int = 50
    """Paths of each generation of the evolution that finds the best path."""
    generations: int = 20
    """Generations after the first."""

    def __init__(self) -> None:
        super().__init__()
        self.path: Path = {}

    def owns(self, decision: Decision) -> bool:
        return False

    def check(self, decision: Decision) -> None:
        """Accept every decision."""

    def draw(self, draws: Draws) -> None:
        self.path = {name: even(d, self.left(d), draws.host) for name, d in self.decisions.items()}

    def candidate(self, draws: Draws) -> Path:
        """Draw a path for the first generation of an evolution under limits.

        Args:
            draws: the generators.

        Returns:
            The indices of the taken options, by decision; here the path of a step.
        """
        self.draw(draws)
        return self.path

    def default_path(self) -> Path:
        """Return the path that a forward takes outside of training.

        Returns:
            The indices of the taken options, by decision.
        """
        return {name: extreme(decision, self.left(decision), largest=True) for name, decision in self.decisions.items()}

    def mixes(self) -> dict[str, Mix]:
        """Return the options of the path: the drawn one in training, otherwise the default one.

        Returns:
            The mix of every decision, by name.

        Raises:
            RuntimeError: nothing was drawn before a forward in training.
        """
        if self.training and not self.path:
            raise RuntimeError(f"{type(self).__name__} computes what was drawn; call begin_step before a forward")
        path = self.path if self.training else self.default_path()
        return {name: Mix(tuple(sorted(indices))) for name, indices in path.items()}

    def left(self, decision: Decision) -> tuple[int, ...]:
        return tuple(index for index in super().left(decision) if index in decision.members)

    def strengths(self) -> dict[str, Tensor]:
        return {name: torch.full((len(d.options),), 1 / len(d.options)) for name, d in self.decisions.items()}


def even(decision: Decision, options: Sequence[int], generator: torch.Generator) -> tuple[int, ...]:
    """Draw the options that a decision takes, all possibilities equally likely.

    Args:
        decision: the decision.
        options: the indices from which to draw.
        generator: on the CPU.

    Returns:
        The indices of the taken options, ascending.
    """
    if decision.kind != "inputs":
        return (options[int(torch.randint(len(options), (1,), generator=generator))],)
    counts = range(decision.low, decision.high + 1)
    ways = torch.tensor([math.comb(len(options), count) for count in counts], dtype=torch.float64)
    count = counts[int(torch.multinomial(ways, 1, generator=generator))] if len(counts) > 1 else decision.low
    order = torch.randperm(len(options), generator=generator).tolist()
    return tuple(sorted(options[place] for place in order[:count]))


def extreme(decision: Decision, options: Sequence[int], *, largest: bool) -> tuple[int, ...]:
    """Return the largest or the smallest of some options.

    Args:
        decision: the decision. Its options are compared by the parameters of candidates, as numbers, by the number of
            inputs, or else by their order, the first being the largest.
        options: the indices to compare.
        largest: whether to take the largest one.

    Returns:
        The indices of the taken options.
    """
    if decision.kind == "inputs":
        return tuple(options[: decision.high if largest else decision.low])
    sizes = _sizes(decision)
    return ((max if largest else min)(options, key=lambda index: sizes[index]),)


def reached(path: Mapping[str, Sequence[int]], enclosing: Enclosing) -> list[str]:
    """Find the decisions that are active on a path: all options that enclose them are taken.

    Args:
        path: the indices of the taken options, by decision.
        enclosing: the options in which each decision is, by decision.

    Returns:
        The names of the active decisions.
    """
    found: list[str] = []
    for name, around in enclosing.items():
        if all(_is_taken(path, *option) for option in around):
            found.append(name)
    return found


def _is_taken(path: Mapping[str, Sequence[int]], decision: Decision, index: int) -> bool:
    """Return whether an option (of a depth: a block) of a decision is taken on a path."""
    taken = path[decision.name]
    return index < decision.options[taken[0]] if decision.kind == "depth" else index in taken


def enclosing_options(decisions: Iterable[Decision]) -> dict[str, list[tuple[Decision, int]]]:
    """Find the options of other decisions in which each decision is, by the dotted names.

    Args:
        decisions: the decisions of a supernet.

    Returns:
        Pairs of a decision and the index of its option (or block), by the name of the decision inside.
    """
    known = list(decisions)
    enclosing: dict[str, list[tuple[Decision, int]]] = {inner.name: [] for inner in known}
    for outer in known:
        steps = range(outer.options[-1]) if outer.kind == "depth" else outer.options
        for index, step in enumerate(steps):
            for name, around in enclosing.items():
                if f"{name}.".startswith(f"{outer.name}.{step}."):
                    around.append((outer, index))
    return enclosing


def _sizes(decision: Decision) -> list[float]:
    """Return the size of each option: its parameters, its number, or minus its place if it is not a number."""
    if decision.kind == "layer":
        candidates = cast("Iterable[nn.Module]", decision.choices[0])
        found: list[float] = []
        for candidate in candidates:
            found.append(sum(weight.numel() for weight in candidate.parameters()))
        return found
    if all(isinstance(option, int | float) for option in decision.options):
        return list(decision.options)
    return [-float(index) for index in range(len(decision.options))]
