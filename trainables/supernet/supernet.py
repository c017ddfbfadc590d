"""A module with choices, all of them at once: `relax` makes a `Supernet` of it, `discretize` an Architecture.

    supernet = relax(build("darts", None, channels=16, layers=8), method="darts")
    logits = supernet(images)
    architecture = discretize(supernet)

The module stays what it is, with the names of its weights: `supernet.module` can be frozen, saved and loaded like
before, and outside of a supernet's forward nothing of it has changed but the `relaxed` of its choices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from search_spaces.nn import Choices, make_elastic
from trainables.errors import TrainableError
from trainables.supernet.decisions import read_decisions
from trainables.supernet.fused import fuse
from trainables.supernet.methods import method_of
from trainables.supernet.methods.base import Draws, Method
from trainables.supernet.mixing import Mix, mixer_of

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["Supernet", "relax"]


class Supernet(nn.Module):
    """A `module` whose choices are mixed by a `method`; a forward is one of the module.

    Attributes:
        module: the undecided module with all its weights.
        method: has the architecture parameters.
        space: of the architectures that it can become.
        decisions: by name.
        fixed: decisions of which these options are taken, as they are, whatever the method says.
        limits: decisions of which options other than these count for nothing; the weights of these stay.
        mixes: what every decision takes in the forward that runs, or ran last.
    """

    def __init__(self, module: nn.Module, method: Method, space: Space | None = None) -> None:
        super().__init__()
        self.choices = Choices(module)
        self.space = _bound(self.choices, space)
        self.decisions = read_decisions(self.choices)
        self.fixed: dict[str, tuple[int, ...]] = {}
        self.limits: dict[str, tuple[int, ...]] = {}
        self.mixes: dict[str, Mix] = {}
        self.module = module
        self.method = method
        method.attach(self.decisions.values())
        for decision in self.decisions.values():
            for choice in decision.choices:
                choice.relaxed = mixer_of(choice, decision.name, self.mixes)
        for place, layer in module.named_modules():
            make_elastic(layer, place)
        fuse(module)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        self.mixes.update(self._mixes())
        return self.module(*args, **kwargs)

    def weight_parameters(self) -> list[nn.Parameter]:
        """What the operations learn."""
        return list(self.module.parameters())

    def architecture_parameters(self) -> list[nn.Parameter]:
        """What the method learns."""
        return list(self.method.parameters())

    def begin_step(self, draws: Draws) -> None:
        """Let the method take the random numbers of a step."""
        self.method.draw(draws)

    def strengths(self) -> dict[str, Tensor]:
        """By decision, how much each of its options is preferred, (options,), at least 0."""
        return self.with_nodes(self.method.strengths())

    def with_nodes(self, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The strengths of the decisions that have `own`, and those of nodes.

        That of a node's input is the strongest member's among the operations of its edge, times the weight of the
        edge where the method has such.
        """
        strengths = dict(own)
        for name, decision in self.decisions.items():
            if decision.is_node and all(edge in own for edge in decision.edges):
                best = torch.stack([own[edge][list(self.decisions[edge].members)].max() for edge in decision.edges])
                strengths[name] = best * own[name] if name in own else best
        return strengths

    def member(self, taken: Mapping[str, Sequence[int]]) -> Architecture:
        """The member of the space that takes these options, by decision; what stands in others counts for nothing."""
        known = {parameter.name for parameter in self.space.parameters}
        said = {}
        for name, indices in taken.items():
            said.update(self.decisions[name].params(indices))
        return self.space.from_params({name: value for name, value in said.items() if name in known})

    def taken(self, architecture: object) -> dict[str, tuple[int, ...]]:
        """The options that a member of the space takes, by decision; without those that count for nothing."""
        taken = self.choices.taken(architecture)
        return {name: decision.indices(taken[name]) for name, decision in self.decisions.items() if name in taken}

    @contextmanager
    def deciding(self, architecture: object) -> Iterator[None]:
        """Inside, a forward is that of one member of the space, with the shared weights."""
        # Decisions in what is not taken do not run; they get anything, so that the method need not be asked.
        others = {name: decision.members[:1] for name, decision in self.decisions.items()}
        fixed, self.fixed = self.fixed, {**others, **self.taken(architecture)}
        try:
            yield
        finally:
            self.fixed = fixed

    @torch.no_grad()
    def check(self, example: Any) -> None:
        """Run `example` through every option; `TrainableError` names what differs in shape. Changes nothing."""
        was = self.module.training
        fixed, self.fixed = self.fixed, {name: decision.together for name, decision in self.decisions.items()}
        self.module.eval()
        try:
            self(example)
        finally:
            self.fixed = fixed
            self.module.train(was)

    def _mixes(self) -> dict[str, Mix]:
        mixes = {} if self.fixed.keys() >= self.decisions.keys() else self.method.mixes()
        for name, indices in self.limits.items():
            left = tuple(index for index in mixes[name].indices if index in indices)
            mixes[name] = Mix(left, mixes[name].weights)
        mixes.update({name: Mix(indices) for name, indices in self.fixed.items()})
        return mixes


def relax(
    module: nn.Module,
    method: str | Method = "darts",
    *,
    space: Space | None = None,
    example: Any = None,
    **settings: object,
) -> Supernet:
    """The supernet of an undecided module.

    Args:
        module: has choices of `search_spaces.nn`; it is taken, not copied, and is in one supernet at a time.
        method: a name of `METHODS` with its settings, or a `Method` of your own, not attached yet.
        space: whose members `discretize` gives, if other than `space_of(module)`: one of the same parameters, such
            as that of the catalogue.
        example: an input; with one, all options are tried, and refused where their shapes disagree.

    `SpaceError` for a module without choices, `TrainableError` for what the method cannot mix.
    """
    made = method_of(method, settings) if isinstance(method, str) else method
    if settings and not isinstance(method, str):
        raise TrainableError(f"settings {', '.join(settings)} beside a method; give them to its class")
    supernet = Supernet(module, made, space)
    if example is not None:
        supernet.check(example)
    made.meet(supernet, example)
    return supernet


def _bound(choices: Choices, space: Space | None) -> Space:
    """`space` if it has the parameters of the module, else that of the module where none was given."""
    if space is None:
        return choices.space
    mine, theirs = (_signature(known.parameters) for known in (choices.space, space))
    if mine != theirs:
        differing = sorted({name for name, _ in mine ^ theirs})
        raise TrainableError(
            f"the space {space.name or 'without name'} is not that of the module: {', '.join(differing[:3])} "
            f"{'differ' if len(differing) > 1 else 'differs'}; build both with the same settings"
        )
    return space


def _signature(parameters: Iterable[Any]) -> set[tuple[str, object]]:
    return {(p.name, (p.kind, p.choices, p.low, p.high, p.group)) for p in parameters}
