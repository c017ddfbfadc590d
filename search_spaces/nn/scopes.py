"""Reads the choices of a module, in the order in which torch registers them.

A scope is the whole module, or one candidate of a choice: its decisions are made only where the candidate is taken. A
choice belongs to one scope, unless a label makes it a choice of the whole module. A `ValueChoice` may also be used in
scopes inside its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from torch.nn import Module

from search_spaces.errors import SpaceError
from search_spaces.nn.choices import ChoiceModule, InputChoice, LayerChoice, Repeat
from search_spaces.nn.labels import LabelKey, child_key, key_of
from search_spaces.nn.layers import recorded_arguments, values_of
from search_spaces.nn.values import Value, ValueChoice

__all__ = ["Choice", "Scope", "Use", "read_scopes"]

Choice: TypeAlias = "LayerChoice | InputChoice | Repeat | ValueChoice"

_INTERNALS = frozenset(vars(Module())) | {"arguments"}
_SCALARS = (bool, int, float, str, type(None))


@dataclass(eq=False)
class Use:
    """The first occurrence of a choice in a scope.

    Attributes:
        choice: the choice.
        key: the keys of its decision, from the root for a labelled choice.
        place: the path in the module.
        home: the scope whose tree has the decision.
        is_attribute: whether an attribute of the module holds it.
        scopes: the scopes of its candidates, layers or blocks.
    """

    choice: Choice
    key: LabelKey
    place: str
    home: Scope
    is_attribute: bool = False
    scopes: list[Scope] = field(default_factory=list)

    @property
    def labelled(self) -> bool:
        return self.choice.label is not None


@dataclass(eq=False)
class Scope:
    """The choices of a module or of a candidate, in order, and its layers with values.

    Attributes:
        outer: the scope around this one; None for that of the whole module.
        uses: the first occurrences of the choices.
        layers: the layers, by their path in the module.
    """

    outer: Scope | None = None
    uses: list[Use] = field(default_factory=list)
    layers: dict[str, Module] = field(default_factory=dict)
    met: dict[int, Use | None] = field(default_factory=dict)
    """Every module and choice that was read, by its `id`."""

    @property
    def around(self) -> tuple[Scope, ...]:
        """The scopes around this one, from that of the whole module, and this one last."""
        return (*(self.outer.around if self.outer else ()), self)


def read_scopes(module: Module) -> Scope:
    """Read the choices of a module.

    Args:
        module: a module with or without choices.

    Returns:
        The scope of the whole module, with all scopes inside it.

    Raises:
        SpaceError: a choice without a label is in two scopes.
    """
    reader = _Reader()
    scope = reader.scope(module, "", None)
    for uses in reader.unlabelled.values():
        _find_home(uses)
    return scope


class _Reader:
    """Reads one module. `unlabelled` are the uses of every choice without a label, one for each scope."""

    def __init__(self) -> None:
        self.unlabelled: dict[int, list[Use]] = {}

    def scope(self, module: Module, place: str, outer: Scope | None) -> Scope:
        scope = Scope(outer)
        self._read(module, (), place, scope)
        return scope

    def _read(self, module: Module, key: LabelKey, place: str, scope: Scope) -> None:
        if id(module) in scope.met:
            return
        if isinstance(module, ChoiceModule):
            self._read_choice(module, key, place, scope)
            return
        scope.met[id(module)] = None
        for name, held in module.__dict__.items():
            if name not in _INTERNALS and type(held) not in _SCALARS:
                self._read_values(held, name, key, place, scope, is_attribute=True)
        arguments = recorded_arguments(module)
        if arguments is not None:
            scope.layers[place] = module
            for name, held in arguments.values.items():
                self._read_values(held, name, key, place, scope)
        for name, child in module._modules.items():
            if child is not None:
                self._read(child, child_key(key, name), _join(place, name), scope)

    def _read_values(
        self, held: object, name: str, key: LabelKey, place: str, scope: Scope, is_attribute: bool = False
    ) -> None:
        for suffix, value in values_of(held):
            self._read_value(value, (*key, name + suffix), _join(place, name + suffix), scope, is_attribute)

    def _read_value(self, value: Value, key: LabelKey, place: str, scope: Scope, is_attribute: bool = False) -> None:
        for choice in value.choices():
            use = scope.met.get(id(choice))
            if use is None:
                self._add(choice, key, place, scope).is_attribute = is_attribute
            elif is_attribute and not use.is_attribute and not use.labelled:
                use.key, use.place, use.is_attribute = key, place, True

    def _read_choice(self, module: Module, key: LabelKey, place: str, scope: Scope) -> None:
        match module:
            case LayerChoice():
                use = self._add(module, key, place, scope)
                for name, candidate in zip(module.names, module, strict=True):
                    is_member = name not in module.relaxed_only
                    inner = self.scope(candidate, _join(place, str(name)), scope) if is_member else Scope(scope)
                    use.scopes.append(inner)
            case InputChoice():
                layers = enumerate(module.layers or ())
                use = self._add(module, key, place, scope)
                use.scopes = [self.scope(layer, _join(place, f"layers.{index}"), scope) for index, layer in layers]
            case Repeat():
                if isinstance(module.depth, Value):
                    self._read_value(module.depth, (*key, "depth"), _join(place, "depth"), scope)
                use = self._add(module, key, place, scope)
                use.scopes = [self.scope(block, _join(place, str(index)), scope) for index, block in enumerate(module)]

    def _add(self, choice: Choice, key: LabelKey, place: str, scope: Scope) -> Use:
        if choice.label is None:
            use = Use(choice, key, place, scope)
            self.unlabelled.setdefault(id(choice), []).append(use)
        else:
            use = Use(choice, key_of(choice.label), place, scope.around[0])
        scope.met[id(choice)] = use
        scope.uses.append(use)
        return use


def _find_home(uses: list[Use]) -> None:
    """Give all uses of a choice the home of the outermost one; `SpaceError` if that is not around all of them."""
    first = min(uses, key=lambda use: len(use.home.around))
    for use in uses:
        if use is not first and (not isinstance(use.choice, ValueChoice) or first.home not in use.home.around):
            said = f"the {type(use.choice).__name__} at {first.place or 'the root'} stands also at {use.place}"
            remedy = "give it a label if all shall be one decision, or make a choice for each"
            raise SpaceError(f"{said}, in another candidate or block; {remedy}")
    for use in uses:
        use.key, use.home = first.key, first.home


def _join(place: str, name: str) -> str:
    return f"{place}.{name}" if place else name
