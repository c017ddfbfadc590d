"""What a supernet decides: every choice of a module, by the name of its decision, as plain facts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from torch import nn

from search_spaces.nn import ChoiceModule, Choices, InputChoice, LayerChoice, Repeat, Value, ValueChoice

__all__ = ["Decision", "Kind", "read_decisions"]

Kind: TypeAlias = Literal["layer", "inputs", "depth", "value"]
SKIPS = ("skip_connect", "identity", "skip")
"""Names of candidates that pass on what they are given, whatever the class of their module."""


@dataclass(frozen=True)
class Decision:
    """One decision and the choices in the module that it decides.

    Attributes:
        name: as in the parameters of the space.
        kind: of a `LayerChoice`, an `InputChoice`, the depth of a `Repeat`, or a `ValueChoice`.
        options: what can be decided, as an architecture writes it; of a depth the numbers of blocks.
        members: indices of the options that an architecture may have: all but the `relaxed_only`.
        skips: indices of the options that pass on what they are given.
        low, high: how many options are taken; above 1 of inputs only.
        reduction: what is done with the inputs that are taken.
        edges: of inputs with layers the decision of each layer, where every layer is one `LayerChoice`: the node
            of a cell. Else empty.
        layers: how many inputs pass through a layer of their own, none or all.
        choices: the choices in the module, all alike.
    """

    name: str
    kind: Kind
    options: tuple[Any, ...]
    members: tuple[int, ...]
    skips: frozenset[int] = frozenset()
    low: int = 1
    high: int = 1
    reduction: str = "sum"
    edges: tuple[str, ...] = ()
    layers: int = 0
    choices: tuple[ChoiceModule | ValueChoice, ...] = field(default=(), repr=False)

    @property
    def is_node(self) -> bool:
        """Whether the operations on its edges say which inputs are the best."""
        return bool(self.edges)

    @property
    def group(self) -> str:
        """The first part of a name of several, such as the kind of a cell; else empty."""
        first, dot, _ = self.name.partition(".")
        return first if dot else ""

    def indices(self, taken: Sequence[int]) -> tuple[int, ...]:
        """The indices of options, where of a depth `taken` are the blocks that run."""
        return (len(taken) - self.options[0],) if self.kind == "depth" else tuple(taken)

    @property
    def together(self) -> tuple[int, ...]:
        """Options that one forward can compute side by side, as many as there are."""
        if self.kind in ("depth", "value"):
            return self.members[-1:]
        return self.members if self.reduction in ("sum", "mean") else self.members[: self.low]

    def params(self, taken: Sequence[int]) -> dict[str, Any]:
        """The parameters of the space that say so; some of them may be inactive there."""
        if self.kind == "inputs" and self.high > 1:
            return {f"{self.name}.{index}": index in taken for index in range(len(self.options))}
        return {self.name: self.options[taken[0]]}


def read_decisions(choices: Choices) -> dict[str, Decision]:
    """The decisions of a module by name, in the order of its space."""
    found: dict[str, Decision] = {}
    names = {id(choice): name for name, choice, _ in choices.named()}
    for name, choice, options in choices.named():
        if isinstance(choice, Repeat) and isinstance(choice.depth, Value):
            continue  # its depth is that value's decision
        known = found.get(name)
        if known is None:
            found[name] = _decision(name, choice, tuple(options), names)
        elif all(choice is not other for other in known.choices):
            found[name] = replace(known, choices=(*known.choices, choice))
    return found


def _decision(name: str, choice: Any, options: tuple[Any, ...], names: dict[int, str]) -> Decision:
    if isinstance(choice, LayerChoice):
        members = tuple(i for i, option in enumerate(choice.names) if option not in choice.relaxed_only)
        skips = frozenset(_skips(choice))
        return Decision(name, "layer", options, members, skips, choices=(choice,))
    if isinstance(choice, InputChoice):
        layers = list(choice.layers or ())
        edges = tuple(names[id(layer)] for layer in layers if isinstance(layer, LayerChoice))
        return Decision(
            name,
            "inputs",
            options,
            tuple(range(choice.n_candidates)),
            low=choice.low,
            high=choice.high,
            reduction=choice.reduction,
            edges=edges if len(edges) == choice.n_candidates else (),
            layers=len(layers),
            choices=(choice,),
        )
    if isinstance(choice, Repeat):
        depths = range(choice.low, choice.high + 1)
        return Decision(name, "depth", tuple(depths), tuple(range(len(depths))), choices=(choice,))
    options = tuple(choice.options)
    return Decision(name, "value", options, tuple(range(len(options))), choices=(choice,))


def _skips(choice: LayerChoice) -> Iterable[int]:
    for index, (name, candidate) in enumerate(zip(choice.names, choice, strict=True)):
        if name in SKIPS or isinstance(candidate, nn.Identity):
            yield index
