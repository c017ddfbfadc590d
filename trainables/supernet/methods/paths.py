"""What the methods of single paths share: a step computes one member of the space, and nothing of the others.

A path says of every decision which options it takes; it can decide all kinds of them, values and depths too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, TypeAlias

import torch
from torch import Tensor, nn

from trainables.supernet.decisions import Decision
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.mixing import Mix

__all__ = ["Path", "PathMethod", "above", "even", "extreme", "reached"]

Path: TypeAlias = dict[str, tuple[int, ...]]
"""By decision, the indices of the options that are taken."""
Above: TypeAlias = Mapping[str, Sequence[tuple[Decision, int]]]
"""By decision, the options of others in which it stands."""


class PathMethod(Method):
    """A path a step, drawn evenly; out of training the largest one. What subclasses change: how it is drawn.

    Strengths are even: which architecture is best, shared weights tell (`trainables.supernet.path_search`).
    """

    mixable: ClassVar[frozenset[str]] = frozenset({"layer", "inputs", "depth", "value"})
    is_hard: ClassVar[bool] = True
    finds_by_score: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self.path: Path = {}

    def owns(self, decision: Decision) -> bool:
        return False

    def check(self, decision: Decision) -> None:
        """Paths can take every decision."""

    def draw(self, draws: Draws) -> None:
        self.path = {name: even(d, self.left(d), draws.host) for name, d in self.decisions.items()}

    def usual(self) -> Path:
        """The path out of training."""
        return {name: extreme(decision, self.left(decision), largest=True) for name, decision in self.decisions.items()}

    def mixes(self) -> dict[str, Mix]:
        if self.training and not self.path:
            raise RuntimeError(f"{type(self).__name__} computes what was drawn; call begin_step before a forward")
        path = self.path if self.training else self.usual()
        return {name: Mix(tuple(sorted(indices))) for name, indices in path.items()}

    def left(self, decision: Decision) -> tuple[int, ...]:
        return tuple(index for index in super().left(decision) if index in decision.members)

    def strengths(self) -> dict[str, Tensor]:
        return {name: torch.full((len(d.options),), 1 / len(d.options)) for name, d in self.decisions.items()}


def even(decision: Decision, options: Sequence[int], generator: torch.Generator) -> tuple[int, ...]:
    """What a decision takes of `options`, all possibilities equally likely; `generator` is on the CPU."""
    if decision.kind != "inputs":
        return (options[_below(len(options), generator)],)
    counts = range(decision.low, decision.high + 1)
    ways = torch.tensor([math.comb(len(options), count) for count in counts], dtype=torch.float64)
    count = counts[int(torch.multinomial(ways, 1, generator=generator))] if len(counts) > 1 else decision.low
    order = torch.randperm(len(options), generator=generator).tolist()
    return tuple(sorted(options[place] for place in order[:count]))


def extreme(decision: Decision, options: Sequence[int], *, largest: bool) -> tuple[int, ...]:
    """The largest of `options` or the smallest: by number, by parameters of the candidates, by how many inputs."""
    if decision.kind == "inputs":
        return tuple(options[: decision.high if largest else decision.low])
    sizes = _sizes(decision)
    return ((max if largest else min)(options, key=lambda index: sizes[index]),)


def reached(path: Mapping[str, Sequence[int]], above: Above) -> list[str]:
    """The decisions that count on `path`: those that stand in nothing, or in what is taken."""
    return [name for name, around in above.items() if all(_takes(path, *outer) for outer in around)]


def above(decisions: Iterable[Decision]) -> dict[str, list[tuple[Decision, int]]]:
    """By decision, the options of others in which it stands, as names tell."""
    known = list(decisions)
    return {inner.name: [found for outer in known for found in _around(outer, inner.name)] for inner in known}


def _around(outer: Decision, name: str) -> list[tuple[Decision, int]]:
    steps = range(outer.options[-1]) if outer.kind == "depth" else outer.options
    return [(outer, index) for index, step in enumerate(steps) if f"{name}.".startswith(f"{outer.name}.{step}.")]


def _takes(path: Mapping[str, Sequence[int]], outer: Decision, index: int) -> bool:
    taken = path[outer.name]
    return index < outer.options[taken[0]] if outer.kind == "depth" else index in taken


def _sizes(decision: Decision) -> list[float]:
    if decision.kind == "layer":
        (choice, *_) = decision.choices
        return [sum(weight.numel() for weight in candidate.parameters()) for candidate in _candidates(choice)]
    if all(isinstance(option, int | float) for option in decision.options):
        return list(decision.options)
    return [-float(index) for index in range(len(decision.options))]  # the first one stands for the largest


def _candidates(choice: object) -> Iterable[nn.Module]:
    return choice if isinstance(choice, Iterable) else ()


def _below(count: int, generator: torch.Generator) -> int:
    return int(torch.randint(count, (1,), generator=generator))
