"""`space_of` a module, and `freeze`: the plain module of one architecture.

space = space_of(net)
plain = freeze(net, space.sample(0))
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

from torch.nn import Module, Sequential

from search_spaces.architecture import Json
from search_spaces.errors import SpaceError
from search_spaces.nn.choices import InputChoice, LayerChoice, Repeat
from search_spaces.nn.cutting import decide_layer
from search_spaces.nn.declaring import Declaration
from search_spaces.nn.layers import recorded
from search_spaces.nn.liveness import canonical_form
from search_spaces.nn.plain import SelectInputs
from search_spaces.nn.scopes import Choice, Scope, Use, read_scopes
from search_spaces.nn.sites import Site, Trees
from search_spaces.nn.values import DECIDED, ValueChoice
from search_spaces.space import Space

__all__ = ["Choices", "choices_of", "freeze", "space_of"]


def space_of(module: Module) -> Space:
    """The space that the choices of `module` declare, called after its class, in the order of registration.

    `SpaceError` for a module without choices, for labels that clash, and for a choice that would be decided
    twice; each names the places in the module.
    """
    _, _, space = _read(module)
    return space


def freeze(module: Module, architecture: object) -> Module:
    """The network of `architecture`, a member of `space_of(module)`: a copy without choices, with the weights.

    A chosen candidate stands where its `LayerChoice` was, a `Sequential` for a `Repeat`, a `SelectInputs` for an
    `InputChoice`, a number for a `ValueChoice`. Layers of decided size keep the leading channels and the centre
    of the kernels; what cannot be cut is freshly initialised. Modules and parameters that were shared still
    are. `ArchitectureError`, with the path, for what is no member.
    """
    scope, declaration, space = _read(module)
    tree = space.validate(architecture)._tree
    frozen: Module = _Freezing(declaration).frozen(module, scope, (tree,))
    return frozen


def choices_of(module: Module) -> Iterator[tuple[str, Choice]]:
    """Every choice of `module` with the name of its decision, as in the parameters of its space.

    A choice before those in its candidates; one that is met twice, or tied by its label, each time with the one
    name.
    """
    return ((name, choice) for name, choice, _ in Choices(module).named())


class Choices:
    """The choices of a module, read once: by the names of their decisions, and what architectures take of them.

    `SpaceError` as of `space_of`.
    """

    def __init__(self, module: Module) -> None:
        self._scope, self._declaration, self.space = _read(module)

    def named(self) -> Iterator[tuple[str, Choice, Sequence[Json]]]:
        """Every choice as `choices_of` gives it, with the options of layers and inputs as an architecture says them."""
        for name, use, site in _named(self._scope, self._declaration, ("",)):
            yield name, use.choice, site.options

    def taken(self, architecture: object) -> dict[str, tuple[int, ...]]:
        """By decision, the indices of the options (inputs, blocks, values) that a member of the space takes.

        Decisions that stand in what is not taken are left out. `ArchitectureError` for what is no member.
        """
        tree = self.space.validate(architecture)._tree
        return dict(_taken(self._scope, self._declaration, ("",), (tree,)))


def _read(module: object) -> tuple[Scope, Declaration, Space]:
    if not isinstance(module, Module):
        raise SpaceError(f"{module!r} is a {type(module).__name__}, not a module; give a torch.nn.Module with choices")
    scope = read_scopes(module)
    declaration = Declaration(scope)
    if not declaration.tree:
        kind = type(module).__name__
        raise SpaceError(f"{kind} has no choices; use LayerChoice, InputChoice, ValueChoice or Repeat in it")
    name = type(module).__name__.lower()
    fits = re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name) is not None
    canonical = canonical_form(declaration.sites(scope))
    return scope, declaration, Space(declaration.tree, name=name if fits else None, canonical=canonical)


class _Freezing:
    """One architecture on its way into a copy: the memo of `copy.deepcopy` says what stands for a choice."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.values: dict[int, Any] = {}
        self.memo: dict[Any, Any] = {DECIDED: self.value}

    def value(self, choice: ValueChoice) -> Any:
        """What a `ValueChoice` was decided to be."""
        if id(choice) not in self.values:
            raise SpaceError(f"{choice!r} is held in an object that space_of does not look into; make it an attribute")
        return self.values[id(choice)]

    def frozen(self, module: Module, scope: Scope, trees: Trees) -> Any:
        """The copy of `module`, whose choices are those of `scope`, decided by `trees`."""
        for use in scope.uses:
            if isinstance(use.choice, ValueChoice):
                option = self.declaration.site(use).decided(trees)
                self.values[id(use.choice)] = use.choice.candidate(option)
        for place, layer in scope.layers.items():
            arguments = recorded(layer)
            if arguments is not None and id(layer) not in self.memo:
                decide_layer(layer, arguments, place, self.memo)
        for use in scope.uses:
            if not isinstance(use.choice, ValueChoice) and id(use.choice) not in self.memo:
                self.memo[id(use.choice)] = self.replaced(use, trees)
        return copy.deepcopy(module, self.memo)

    def replaced(self, use: Use, trees: Trees) -> Module:
        """What stands in the place of a choice."""
        choice: Any = use.choice
        candidates = list((choice.layers or ()) if isinstance(choice, InputChoice) else choice)
        taken = list(self.declaration.site(use).taken(trees))
        modules = [self.frozen(candidates[i], use.scopes[i], inner) for i, inner in taken if candidates]
        made: Module
        if isinstance(choice, LayerChoice):
            (made,) = modules
            return choice.decided(made)
        if isinstance(choice, Repeat):
            made = Sequential(*modules)
        else:
            indices = [index for index, _ in taken]
            made = SelectInputs(choice.n_candidates, indices, choice.reduction, modules if candidates else None)
        made.training = choice.training
        return made


def _named(scope: Scope, declaration: Declaration, prefixes: tuple[str, ...]) -> Iterator[tuple[str, Use, Site]]:
    """The names of a scope's choices; `prefixes` are the names of the scopes around it."""
    for use in scope.uses:
        site = declaration.site(use)
        name = _name(use, site, prefixes)
        yield name, use, site
        for index, inner in enumerate(use.scopes):
            yield from _named(inner, declaration, (*prefixes, f"{name}.{_step(site, index)}"))


def _taken(
    scope: Scope, declaration: Declaration, prefixes: tuple[str, ...], trees: Trees
) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The indices that `trees` take of a scope's choices."""
    for use in scope.uses:
        site = declaration.site(use)
        name = _name(use, site, prefixes)
        if isinstance(use.choice, ValueChoice):
            yield name, (use.choice.options.index(site.decided(trees)),)
            continue
        taken = list(site.taken(trees))
        yield name, tuple(index for index, _ in taken)
        for index, inner in taken:
            if use.scopes:
                prefix = f"{name}.{_step(site, index)}"
                yield from _taken(use.scopes[index], declaration, (*prefixes, prefix), inner)


def _name(use: Use, site: Site, prefixes: tuple[str, ...]) -> str:
    prefix = prefixes[site.level]
    return ".".join(([prefix] if prefix else []) + list(site.at or use.key)) or "root"


def _step(site: Site, index: int) -> object:
    """How the option or place number `index` is called in the names of the decisions inside it."""
    return site.options[index] if site.named else index
