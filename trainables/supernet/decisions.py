"""The decisions of a supernet: the choices of a module by the name of their decision, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from torch import nn

from search_spaces.nn import ChoiceModule, Choices, InputChoice, LayerChoice, Repeat, Value, ValueChoice

__all__ = ["Decision", "DecisionKind", "Enclosing", "read_decisions"]

DecisionKind: TypeAlias = Literal["layer", "inputs", "depth", "value"]
SKIPS = ("skip_connect", "identity", "skip")
"""Names of candidates that return their input, whatever the class of their module."""


@dataclass(frozen=True)
class Decision:
    """A decision, and the choices in the module that follow it.

    Attributes:
        name: the name of its parameter in the space.
        kind: "layer" of a `LayerChoice`, "inputs" of an `InputChoice`, "depth" of a `Repeat`, or "value" of a
            `ValueChoice`.
        options: the values that an architecture may have; for a depth the numbers of blocks.
        members: the indices of the options that an architecture may have: all but the `relaxed_only`.
        skips: the indices of the options that return their input.
        low, high: how many options are taken; above 1 for inputs only.
        reduction: how the taken inputs are combined.
        edges: for inputs whose layers are each one `LayerChoice` (the node of a cell), the decision of each layer;
            otherwise empty.
        layers: how many inputs pass through a layer: none or all.
        choices: the choices in the module, all alike.
    """

    name: str
    kind: DecisionKind
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
        """Whether it is a node of a cell: the operations on its edges determine which inputs are best."""
        return bool(self.edges)

    @property
    def group(self) -> str:
        """The first part of a dotted name, such as the kind of a cell; otherwise empty."""
        first, dot, _ = self.name.partition(".")
        return first if dot else ""

    def indices(self, taken: Sequence[int]) -> tuple[int, ...]:
        """Return the indices of the taken options.

        Args:
            taken: the same indices, except for a depth: the indices of the blocks that run.

        Returns:
            The indices; for a depth one index.
        """
        return (len(taken) - self.options[0],) if self.kind == "depth" else tuple(taken)

    @property
    def together(self) -> tuple[int, ...]:
        """The most options that one forward can compute side by side."""
        if self.kind in ("depth", "value"):
            return self.members[-1:]
        return self.members if self.reduction in ("sum", "mean") else self.members[: self.low]

    def params(self, taken: Sequence[int]) -> dict[str, Any]:
        """Return the parameters of the space that take these options; some of them may be inactive in an architecture.

        Args:
            taken: the indices of the taken options.

        Returns:
            Values by the name of a parameter.
        """
        if self.kind == "inputs" and self.high > 1:
            return {f"{self.name}.{index}": index in taken for index in range(len(self.options))}
        (index,) = taken
        return {self.name: self.options[index]}


Enclosing: TypeAlias = Mapping[str, Sequence[tuple[Decision, int]]]
"""By decision, the options (or blocks) of other decisions in which it stands."""


def read_decisions(choices: Choices) -> dict[str, Decision]:
    """Collect the decisions of a module.

    Args:
        choices: the choices of the module.

    Returns:
        The decisions by name, in the order of the module's space.
    """
    found: dict[str, Decision] = {}
    names = {id(choice): name for name, choice, _ in choices.named()}
    for name, choice, options in choices.named():
        if isinstance(choice, Repeat) and isinstance(choice.depth, Value):
            continue  # the decision of that value determines its depth
        known = found.get(name)
        if known is None:
            found[name] = _decision(name, choice, tuple(options), names)
        elif all(choice is not other for other in known.choices):
            found[name] = replace(known, choices=(*known.choices, choice))
    return found


def _decision(name: str, choice: Any, options: tuple[Any, ...], names: dict[int, str]) -> Decision:
    if isinstance(choice, LayerChoice):
        members = tuple(i for i, option in enumerate(choice.names) if option not in choice.relaxed_only)
        skips = set()
        for index, (candidate_name, candidate) in enumerate(zip(choice.names, choice, strict=True)):
            if candidate_name in SKIPS or isinstance(candidate, nn.Identity):
                skips.add(index)
        return Decision(name, "layer", options, members, frozenset(skips), choices=(choice,))
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
