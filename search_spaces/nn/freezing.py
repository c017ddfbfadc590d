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
from search_spaces.nn.layers import recorded_arguments
from search_spaces.nn.liveness import canonical_form
from search_spaces.nn.plain import SelectInputs
from search_spaces.nn.scopes import Choice, Scope, Use, read_scopes
from search_spaces.nn.sites import Site, Trees
from search_spaces.nn.values import DECIDED, ValueChoice
from search_spaces.space import Space

__all__ = ["Choices", "choices_of", "freeze", "space_of"]


def space_of(module: Module) -> Space:
    """Read the space that the choices of a module declare.

    Args:
        module: a module with choices.

    Returns:
        The space, named after the module's class, with decisions in the order of registration.

    Raises:
        SpaceError: the module has no choices, labels clash, or a choice would be decided twice; the message names the
            places in the module.
    """
    _, _, space = _read(module)
    return space


def freeze(module: Module, architecture: object) -> Module:
    """Make the network of an architecture: a copy of the module without choices, with its weights.

    A chosen candidate replaces its `LayerChoice`, a `Sequential` a `Repeat`, a `SelectInputs` an `InputChoice`, and a
    number a `ValueChoice`. Layers of decided size keep the leading channels and the centre of the kernels; weights that
    cannot be cut are initialised again. Modules and parameters that were shared stay shared.

    Args:
        module: a module with choices; it stays unchanged.
        architecture: a member of `space_of(module)`, or its tree.

    Returns:
        The network.

    Raises:
        ArchitectureError: the architecture is not a member; the message has the path.
        SpaceError: as for `space_of`.
    """
    scope, declaration, space = _read(module)
    tree = space.validate(architecture)._tree
    frozen: Module = _Freezing(declaration).frozen(module, scope, (tree,))
    return frozen


def choices_of(module: Module) -> Iterator[tuple[str, Choice]]:
    """List the choices of a module.

    A choice comes before those in its candidates. One that occurs twice, or shares its label, comes each time with the
    same name.

    Args:
        module: a module with choices.

    Returns:
        The names of the decisions, as in the parameters of the space, each with its choice.
    """
    return ((name, choice) for name, choice, _ in Choices(module).named())


class Choices:
    """The choices of a module, read once: their names, and the options that an architecture takes.

    Args:
        module: a module with choices.

    Raises:
        SpaceError: as for `space_of`.
    """

    def __init__(self, module: Module) -> None:
        self._scope, self._declaration, self.space = _read(module)

    def named(self) -> Iterator[tuple[str, Choice, Sequence[Json]]]:
        """List the choices as `choices_of` does.

        Yields:
            The name of the decision, the choice, and the options of layers and inputs as in an architecture.
        """
        for name, use, site in _named(self._scope, self._declaration, ("",)):
            yield name, use.choice, site.options

    def taken(self, architecture: object) -> dict[str, tuple[int, ...]]:
        """List the options that an architecture takes. Decisions inside options that are not taken are left out.

        Args:
            architecture: a member of the space.

        Returns:
            By the name of the decision, the indices of its options (layers, inputs, blocks, values).

        Raises:
            ArchitectureError: it is not a member.
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
    """The freezing of one architecture, by `copy.deepcopy`, whose memo maps each choice to its replacement."""

    def __init__(self, declaration: Declaration) -> None:
        self.declaration = declaration
        self.values: dict[int, Any] = {}
        self.memo: dict[Any, Any] = {DECIDED: self.value}

    def value(self, choice: ValueChoice) -> Any:
        """The decided candidate of a `ValueChoice`."""
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
            arguments = recorded_arguments(layer)
            if arguments is not None and id(layer) not in self.memo:
                decide_layer(layer, arguments, place, self.memo)
        for use in scope.uses:
            if not isinstance(use.choice, ValueChoice) and id(use.choice) not in self.memo:
                self.memo[id(use.choice)] = self.replaced(use, trees)
        return copy.deepcopy(module, self.memo)

    def replaced(self, use: Use, trees: Trees) -> Module:
        """The module that replaces a choice."""
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
    """The name of the option or place with this index, in the names of the decisions inside it."""
    return site.options[index] if site.named else index
