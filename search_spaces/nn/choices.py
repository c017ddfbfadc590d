"""The choices that are modules: `LayerChoice`, `InputChoice`, `Repeat`, used inside a module like a layer.

Before they are frozen they run with the first candidate, the first inputs, the greatest depth. Their candidates are
registered submodules, so `.to(device)`, optimizers and state dicts include them.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from torch import Tensor
from torch.nn import Module, ModuleDict, ModuleList

from search_spaces.errors import SpaceError
from search_spaces.names import did_you_mean
from search_spaces.nn.labels import read_label
from search_spaces.nn.plain import REDUCTIONS, Reduction, check_inputs, reduced
from search_spaces.nn.values import DECIDED, Value, current, possible_values
from search_spaces.whole_numbers import is_whole

__all__ = ["ChoiceModule", "Depth", "InputChoice", "LayerChoice", "Repeat"]

Depth: TypeAlias = "int | tuple[int, int] | Value"


class ChoiceModule(Module):
    """The base class of `LayerChoice`, `InputChoice` and `Repeat`.

    All choices with the same `label` are one decision; None for no label. `relaxed` is the function that a supernet
    runs in place of the choice, with the arguments of its forward; None outside a supernet.
    """

    label: str | None
    relaxed: Callable[..., Any] | None = None

    def __deepcopy__(self, memo: dict[Any, Any]) -> Module:
        if DECIDED in memo:
            kind = type(self).__name__
            raise SpaceError(f"a {kind} is held where torch does not see it, as in a plain list; use nn.ModuleList")
        made: Module = type(self).__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return made


class LayerChoice(ChoiceModule):
    """One of several layers. Before it is frozen, a forward runs the first one.

    An architecture has the name or index of the candidate. If a candidate has choices inside, the architecture has
    `{name: decisions}`, and the candidates of a list are named `option_0`, `option_1`, ..

    Args:
        candidates: a list of modules, or a dict of them by name.
        label: the name of the decision; None names it after its place.
        relaxed_only: names (indices of a list) of candidates that only a supernet mixes in: no architecture has them.
        prior: a number for each candidate, for strategies that read it; random sampling is uniform.
        weights: the same as `prior`, by its name in NNI 3.0.

    Raises:
        SpaceError: there are no candidates, one is not a module, or an argument does not fit them.
    """

    def __init__(
        self,
        candidates: Sequence[Module] | Mapping[str, Module],
        *,
        label: str | None = None,
        relaxed_only: Sequence[str | int] = (),
        prior: Sequence[float] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        self.label = read_label(label, "LayerChoice")
        self.candidates = _registered(candidates)
        self.names: tuple[str | int, ...] = (
            tuple(self.candidates) if isinstance(self.candidates, ModuleDict) else tuple(range(len(candidates)))
        )
        """The name of each candidate in an architecture, in order: the keys of a dict, the indices of a list."""
        self.relaxed_only = _checked_relaxed(relaxed_only, self.names)
        self.prior = _checked_prior("LayerChoice", prior or weights, len(self.names))

    @property
    def member_names(self) -> tuple[str | int, ...]:
        """The names that an architecture may choose: all but the `relaxed_only`."""
        return tuple(name for name in self.names if name not in self.relaxed_only)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if self.relaxed is not None:
            return self.relaxed(*args, **kwargs)
        return self[self.names.index(self.member_names[0])](*args, **kwargs)

    def decided(self, candidate: Module) -> Module:
        """Choose the module that replaces this choice in a frozen module.

        Args:
            candidate: a copy of the chosen candidate.

        Returns:
            The candidate itself, unless a subclass changes it.
        """
        return candidate

    def __getitem__(self, name: str | int) -> Module:
        """The candidate of that name or index."""
        index = self.names.index(name) if isinstance(name, str) and name in self.names else name
        if not isinstance(index, int):
            known = [known for known in self.names if isinstance(known, str)]
            raise KeyError(f"no candidate is called {name!r}{did_you_mean(str(name), known)}; known: {self.names}")
        return list(self)[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(self.candidates.values() if isinstance(self.candidates, ModuleDict) else self.candidates)

    def __len__(self) -> int:
        return len(self.names)


class InputChoice(ChoiceModule):
    """Some of several tensors, reduced to one: its forward takes the list of all of them.

    Before it is frozen, it takes the first inputs, as many as allowed. An architecture has the index of one chosen
    input, or the list of the indices of several. With `layers`, as in the node of a DARTS cell, it has `{"input_i":
    decisions of the layer}` in place of index i.

    Args:
        n_candidates: the number of tensors.
        n_chosen: how many tensors are chosen: a number, a range `(lo, hi)`, or None for any number.
        reduction: "sum", "mean", "concat" (along dimension 1), or "none", which returns the list, and the tensor itself
            where one is chosen.
        layers: the layers of the tensors: tensor i passes through `layers[i]` first; None for none.
        label: the name of the decision; None names it after its place.
        prior: a number for each candidate, for strategies that read it; random sampling is uniform.
        weights: the same as `prior`, by its name in NNI 3.0.

    Raises:
        SpaceError: an argument is out of its range, or does not fit the number of inputs.
    """

    def __init__(
        self,
        n_candidates: int,
        n_chosen: int | tuple[int, int] | None = 1,
        reduction: Reduction = "sum",
        *,
        layers: Sequence[Module] | None = None,
        label: str | None = None,
        prior: Sequence[float] | None = None,
        weights: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        _check_number("InputChoice: n_candidates", n_candidates, 1)
        self.label = read_label(label, "InputChoice")
        self.n_candidates = n_candidates
        self.n_chosen = n_chosen
        self.low, self.high = _chosen(n_candidates, n_chosen)
        self.prior = _checked_prior("InputChoice", prior or weights, n_candidates)
        if reduction not in REDUCTIONS:
            close = did_you_mean(str(reduction), REDUCTIONS)
            raise SpaceError(f"InputChoice: reduction={reduction!r} is not one of {', '.join(REDUCTIONS)}{close}")
        self.reduction: Reduction = reduction
        self.layers = None if layers is None else ModuleList(layers)
        if self.layers is not None and len(self.layers) != n_candidates:
            raise SpaceError(f"InputChoice of {n_candidates} inputs with {len(self.layers)} layers: give one for each")

    def forward(self, inputs: Sequence[Tensor]) -> Tensor | list[Tensor]:
        check_inputs(inputs, self.n_candidates)
        if self.relaxed is not None:
            return self.relaxed(inputs)  # type: ignore[no-any-return]
        chosen = list(inputs[: self.high])
        if self.layers is not None:
            chosen = [layer(x) for layer, x in zip(self.layers, chosen, strict=False)]
        return reduced(chosen, self.reduction)

    def extra_repr(self) -> str:
        return f"{self.n_chosen} of {self.n_candidates}, reduction={self.reduction!r}"


class Repeat(ChoiceModule):
    """A block several times in a row.

    Where blocks have choices, the copy in every place has decisions of its own. (In NNI all copies share one decision;
    a label does the same here.)

    Args:
        block: a module, which is copied for every place but the first; or a function that makes one; or a list of
            modules and functions, one for each place. A function with a parameter without default gets the index of the
            place.
        depth: the number of places: a number, a range `(lo, hi)`, or a value such as a `ValueChoice`.
        label: the name of the decision; None names it after its place.

    Raises:
        SpaceError: the depth is not valid, or a block is not a module.
    """

    def __init__(
        self, block: Module | Callable[..., Module] | Sequence[Any], depth: Depth, *, label: str | None = None
    ) -> None:
        super().__init__()
        self.label = read_label(label, "Repeat")
        if label is not None and isinstance(depth, Value):
            raise SpaceError(f"Repeat: depth {depth!r} and label={label!r}: give the label to the ValueChoice")
        self.depth = depth
        self.low, self.high = _range_of(depth)
        self.blocks = ModuleList(_blocks(block, self.high))

    def forward(self, x: Any) -> Any:
        if self.relaxed is not None:
            return self.relaxed(x)
        count = current(self.depth) if isinstance(self.depth, Value) else self.high
        for block in self.blocks[:count]:
            x = block(x)
        return x

    def __getitem__(self, index: int) -> Module:
        return self.blocks[index]

    def __iter__(self) -> Iterator[Module]:
        return iter(self.blocks)

    def __len__(self) -> int:
        return len(self.blocks)


def _registered(candidates: Any) -> ModuleList | ModuleDict:
    if isinstance(candidates, Mapping | ModuleDict):
        named: dict[Any, Any] = dict(candidates.items())
    elif isinstance(candidates, Sequence | ModuleList) and not isinstance(candidates, str):
        named = dict(enumerate(candidates))
    else:
        raise SpaceError(f"LayerChoice: {candidates!r}: give a list of modules, or a dict of them by name")
    if not named:
        raise SpaceError("LayerChoice: no candidates; give at least one module")
    for name, module in named.items():
        if not isinstance(module, Module):
            raise SpaceError(f"LayerChoice: {name!r} is a {type(module).__name__}, not a module; wrap it in one")
    if not isinstance(candidates, Mapping | ModuleDict):
        return ModuleList(candidates)
    try:
        return ModuleDict(named)
    except (KeyError, TypeError) as error:
        raise SpaceError(f"LayerChoice: candidates {list(named)}: {error.args[0]}; rename it") from error


def _checked_relaxed(relaxed_only: Sequence[str | int], names: tuple[str | int, ...]) -> tuple[str | int, ...]:
    if isinstance(relaxed_only, str):
        raise SpaceError(f"LayerChoice: relaxed_only={relaxed_only!r} is a string; write ({relaxed_only!r},)")
    for name in relaxed_only:
        if name not in names:
            close = did_you_mean(str(name), map(str, names))
            raise SpaceError(f"LayerChoice: relaxed_only has {name!r}, which is not a candidate{close}; known: {names}")
    if len(set(relaxed_only)) == len(names):
        raise SpaceError("LayerChoice: all candidates are relaxed_only; leave one for the members of the space")
    return tuple(relaxed_only)


def _checked_prior(what: str, prior: Sequence[float] | None, count: int) -> tuple[float, ...] | None:
    if prior is not None and len(prior) != count:
        raise SpaceError(f"{what}: {len(prior)} priors for {count} candidates; give one for each")
    return None if prior is None else tuple(prior)


def _chosen(count: int, n_chosen: Any) -> tuple[int, int]:
    low, high = (1, count) if n_chosen is None else n_chosen if isinstance(n_chosen, tuple) else (n_chosen, n_chosen)
    _check_number("InputChoice: n_chosen", low, 1)
    _check_number("InputChoice: n_chosen", high, low)
    if high > count:
        raise SpaceError(f"InputChoice: n_chosen={n_chosen!r} of {count} inputs; choose at most {count}")
    return low, high


def _range_of(depth: Any) -> tuple[int, int]:
    if isinstance(depth, Value):
        depths = [value for _, value in possible_values(depth)]
        for value in depths:
            _check_number(f"Repeat: depth {depth!r}", value, 0)
        low, high = min(depths), max(depths)
    else:
        low, high = depth if isinstance(depth, tuple) and len(depth) == 2 else (depth, depth)
        _check_number("Repeat: depth", low, 0)
        _check_number("Repeat: depth", high, low)
    if high == 0:
        raise SpaceError(f"Repeat: depth {depth!r} allows no block at all; the greatest depth is at least 1")
    return low, high


def _check_number(what: str, value: object, least: int) -> None:
    if not is_whole(value, least):
        raise SpaceError(f"{what}: {value!r} is not a whole number of at least {least}; give one")


def _blocks(block: Any, count: int) -> list[Module]:
    if isinstance(block, Module):
        return [copy.deepcopy(block) if index else block for index in range(count)]
    if isinstance(block, list | tuple):
        if len(block) < count:
            raise SpaceError(f"Repeat: {len(block)} blocks for a depth of {count}; give one for each place")
        return [each if isinstance(each, Module) else _made(each, index) for index, each in enumerate(block[:count])]
    return [_made(block, index) for index in range(count)]


def _made(make: Any, index: int) -> Module:
    if not callable(make):
        raise SpaceError(f"Repeat: {make!r} is neither a module nor a function that makes one; give one of them")
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = inspect.signature(make).parameters.values()
    takes_index = any(p.kind in positional and p.default is p.empty for p in parameters)
    made = make(index) if takes_index else make()
    if not isinstance(made, Module):
        raise SpaceError(f"Repeat: block number {index} is a {type(made).__name__}; return a module")
    return made
