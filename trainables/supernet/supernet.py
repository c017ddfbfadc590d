"""Supernets: `relax` makes a `Supernet` of a module with choices, `discretize` selects an architecture from it.

    supernet = relax(build("darts", None, channels=16, layers=8), method="darts")
    logits = supernet(images)
    architecture = discretize(supernet)

The module and the names of its weights stay the same: `supernet.module` can be frozen, saved and loaded as before.
Relaxing changes the attribute `relaxed` of its choices and nothing else outside of a forward.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from trainables.training.batches import called

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture
    from search_spaces.space import Space

__all__ = ["Supernet", "relax"]


class Supernet(nn.Module):
    """A module whose choices are mixed by a method; its forward is that of the module.

    Args:
        module: an undecided module; it is taken, not copied.
        method: a method without decisions yet.
        space: a space with the parameters of the module; None takes that of the module.

    Attributes:
        module: the undecided module with all its weights.
        method: the method, which has the architecture parameters.
        space: the space of the architectures that can be selected.
        choices: the choices of the module.
        decisions: the decisions by name.
        fixed: by decision, options that every forward takes instead of the method's mix.
        limits: by decision, the options that may be computed; the weights of these stay, all other options are left
            out.
        mixes: by decision, the mix of the current or the last forward.
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
        """Return the weights of the operations.

        Returns:
            The parameters of the module.
        """
        return list(self.module.parameters())

    def architecture_parameters(self) -> list[nn.Parameter]:
        """Return the architecture parameters.

        Returns:
            The parameters of the method.
        """
        return list(self.method.parameters())

    def begin_step(self, draws: Draws) -> None:
        """Let the method draw the random numbers of a step.

        Args:
            draws: the generators.
        """
        self.method.draw(draws)

    def strengths(self) -> dict[str, Tensor]:
        """Return how strongly each decision prefers each of its options.

        Returns:
            Strengths (options,), at least 0, by decision.
        """
        return self.with_nodes(self.method.strengths())

    def with_nodes(self, own: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Add the strengths of nodes to those of other decisions.

        The strength of a node's input is that of the strongest member among the operations of its edge, times the
        weight of the edge if the node has a vector.

        Args:
            own: the strengths (options,) of the decisions that have a vector.

        Returns:
            The strengths of these decisions and of nodes, by decision.
        """
        strengths = dict(own)
        for name, decision in self.decisions.items():
            if decision.is_node and all(edge in own for edge in decision.edges):
                best = torch.stack([own[edge][list(self.decisions[edge].members)].max() for edge in decision.edges])
                strengths[name] = best * own[name] if name in own else best
        return strengths

    def member(self, taken: Mapping[str, Sequence[int]]) -> Architecture:
        """Return the member of the space that takes these options.

        Args:
            taken: the indices of the taken options, by decision; decisions that are inactive in the member have no
                effect.

        Returns:
            The architecture.
        """
        known = {parameter.name for parameter in self.space.parameters}
        params = {}
        for name, indices in taken.items():
            params.update(self.decisions[name].params(indices))
        return self.space.from_params({name: value for name, value in params.items() if name in known})

    def taken(self, architecture: object) -> dict[str, tuple[int, ...]]:
        """Return the options that a member of the space takes.

        Args:
            architecture: a member of the space.

        Returns:
            The indices of the taken options, by active decision.
        """
        taken = self.choices.taken(architecture)
        return {name: decision.indices(taken[name]) for name, decision in self.decisions.items() if name in taken}

    @contextmanager
    def deciding(self, architecture: object) -> Iterator[None]:
        """Let every forward be that of one member of the space, with the shared weights, for the duration of a block.

        Args:
            architecture: a member of the space.

        Yields:
            Nothing.
        """
        # Decisions inside options that are not taken do not run. They get any option, so that no mix is computed.
        others = {name: decision.members[:1] for name, decision in self.decisions.items()}
        fixed, self.fixed = self.fixed, {**others, **self.taken(architecture)}
        try:
            yield
        finally:
            self.fixed = fixed

    @torch.no_grad()
    def check(self, example: Any) -> None:
        """Run an example through every option, without gradients; the supernet does not change.

        Args:
            example: an input of the module; a tuple has several, and a dict has them by name.

        Raises:
            TrainableError: values that are added up differ in shape; the message names them.
        """
        was = self.module.training
        fixed, self.fixed = self.fixed, {name: decision.together for name, decision in self.decisions.items()}
        self.module.eval()
        try:
            if isinstance(example, dict | tuple):
                called(self, example)
            else:
                self(example)
        finally:
            self.fixed = fixed
            self.module.train(was)

    def _mixes(self) -> dict[str, Mix]:
        """Return the mixes of the next forward: those of the method, with `limits`, and options of `fixed` instead."""
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
    """Make a supernet of an undecided module.

    Args:
        module: a module with choices of `search_spaces.nn`; it is taken, not copied, and is in one supernet at a time.
        method: a name of `METHODS`, or a `Method` of your own without decisions yet.
        space: the space whose members `discretize` returns, with the same parameters as `space_of(module)`, such as
            that of the catalogue; None takes `space_of(module)`.
        example: an input, or a tuple or dict of inputs; if it is given, all options are run with it, and refused if
            their shapes disagree.
        **settings: settings of the method, if `method` is a name.

    Returns:
        The supernet.

    Raises:
        SpaceError: the module has no choices.
        TrainableError: the method cannot mix a choice, or has no such setting, or the spaces differ.
    """
    made = method_of(method, settings) if isinstance(method, str) else method
    if settings and not isinstance(method, str):
        raise TrainableError(
            f"settings {', '.join(settings)} are given with a method that is made already; give them to its class"
        )
    supernet = Supernet(module, made, space)
    if example is not None:
        supernet.check(example)
    made.prepare(supernet, example)
    return supernet


def _bound(choices: Choices, space: Space | None) -> Space:
    """Return `space`, after a check that it has the parameters of the module; without one, the space of the module."""
    if space is None:
        return choices.space
    mine, theirs = _signature(choices.space), _signature(space)
    if mine != theirs:
        differing = sorted({name for name, _ in mine ^ theirs})
        raise TrainableError(
            f"the space {space.name or 'without name'} is not that of the module: {', '.join(differing[:3])} "
            f"{'differ' if len(differing) > 1 else 'differs'}; build both with the same settings"
        )
    return space


def _signature(space: Space) -> set[tuple[str, object]]:
    """Return what two spaces must have in common: each parameter by name, with its kind and its values."""
    return {(p.name, (p.kind, p.choices, p.low, p.high, p.group)) for p in space.parameters}
