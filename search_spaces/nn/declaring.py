"""Builds the tree of a module's space from its scopes, and the sites of its decisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from search_spaces import parameters
from search_spaces.errors import SpaceError
from search_spaces.nn.choices import InputChoice, LayerChoice, Repeat
from search_spaces.nn.labels import LabelKey
from search_spaces.nn.scopes import Scope, Use
from search_spaces.nn.sites import Site, ValueDepth
from search_spaces.nn.values import Value, ValueChoice, distinct_choices, possible_values

__all__ = ["Declaration"]


@dataclass(frozen=True)
class _Entry:
    """One place of the tree: the declared tree, and the use that declared it first."""

    tree: object
    use: Use


_Entries = dict[LabelKey, "_Entry | None"]


class Declaration:
    """The tree of a module's space, and the site of every use.

    Args:
        scope: the scope of the whole module.

    Raises:
        SpaceError: labels clash, or one place of the tree would have two decisions.
    """

    def __init__(self, scope: Scope) -> None:
        self._root: _Entries = {}
        self._sites: dict[Use, Site] = {}
        self.tree = self._scope(scope, self._root)
        """The tree for `Space`; empty where nothing is decided."""

    def site(self, use: Use) -> Site:
        """Look up the site of a use.

        Args:
            use: a use in the module.

        Returns:
            Its site.
        """
        return self._sites[use]

    def sites(self, scope: Scope) -> list[Site]:
        """Look up the sites of a scope.

        Args:
            scope: a scope of the module.

        Returns:
            The sites of its uses, in their order.
        """
        return [self._sites[use] for use in scope.uses]

    def _scope(self, scope: Scope, entries: _Entries) -> object:
        for use in scope.uses:
            if use.home is scope or use.labelled:
                self._declare(use, scope, self._root if use.labelled else entries)
            else:
                self._sites[use] = Site("value", use.key, len(use.home.around) - 1)
        return _nested({key: entry for key, entry in entries.items() if entry is not None})

    def _declare(self, use: Use, scope: Scope, entries: _Entries) -> None:
        by_value = isinstance(use.choice, Repeat) and isinstance(use.choice.depth, Value)
        key = (*use.key, "blocks") if by_value else use.key
        entries.setdefault(key, None)  # The outer choice comes before those in its candidates.
        trees = [self._scope(inner, {}) for inner in use.scopes]
        tree, site = self._declared(use, trees, scope)
        self._sites[use] = site
        site.level, site.scopes = len(use.home.around) - 1, [self.sites(inner) for inner in use.scopes]
        if tree is not None:
            site.at = key
            _put(entries, key, _Entry(tree, use))

    def _declared(self, use: Use, trees: list[object], scope: Scope) -> tuple[object, Site]:
        match use.choice:
            case ValueChoice() as choice:
                return parameters.choice(choice.options), Site("value")
            case LayerChoice() as choice:
                return _layer_choice(choice, trees)
            case InputChoice() as choice:
                return _input_choice(choice, trees)
        return self._repeat(use.choice, trees, use, scope)

    def _repeat(self, choice: Repeat, trees: list[object], use: Use, scope: Scope) -> tuple[object, Site]:
        tree, low, high = trees[0], choice.low, choice.high
        for index, other in enumerate(trees):
            if repr(other) != repr(tree):
                raise SpaceError(
                    f"the Repeat at {use.place or 'the root'}: block {index} declares {other!r} and block 0 {tree!r}; "
                    "give all blocks the same choices, and a label to what is used outside of them too"
                )
        if isinstance(choice.depth, Value):
            depth = self._value_depth(choice.depth, scope)
            return parameters.repeat(tree, high, high) if tree else None, Site("places", depth=depth)
        if tree:
            return parameters.repeat(tree, low, high), Site("places")
        return parameters.integer(low, high) if low < high else None, Site("places", depth=high)

    def _value_depth(self, depth: Value, scope: Scope) -> ValueDepth:
        uses = [scope.met[id(choice)] for choice in distinct_choices(depth)]
        of = tuple(self.site(use) for use in uses if use is not None)
        return ValueDepth(of, tuple((tuple(options), value) for options, value in possible_values(depth)))


def _layer_choice(choice: LayerChoice, trees: list[object]) -> tuple[object, Site]:
    if not any(trees):
        options: list[Any] = list(choice.names)
        return parameters.choice(list(choice.member_names)), Site("one", options=options)
    options = [name if isinstance(name, str) else f"option_{name}" for name in choice.names]
    candidates = zip(choice.names, options, trees, strict=True)
    chosen = {option: tree for name, option, tree in candidates if name not in choice.relaxed_only}
    return parameters.choice(chosen), Site("one", options=options, named=True)


def _input_choice(choice: InputChoice, trees: list[object]) -> tuple[object, Site]:
    named = choice.layers is not None
    options: list[Any] = [f"input_{index}" if named else index for index in range(choice.n_candidates)]
    taken: Any = dict(zip(options, trees, strict=True)) if named else options
    if choice.high == 1:
        return parameters.choice(taken), Site("one", options=options, named=named)
    return parameters.subset(taken, (choice.low, choice.high)), Site("some", options=options, named=named)


def _put(entries: _Entries, key: LabelKey, entry: _Entry) -> None:
    known = entries.get(key)
    if known is None:
        entries[key] = entry
    elif not (known.use.labelled and entry.use.labelled):
        raise _clash(known, entry, "would be one decision")
    elif repr(known.tree) != repr(entry.tree):
        raise _clash(known, entry, "have different options")


def _nested(entries: dict[LabelKey, _Entry]) -> object:
    """The nested dicts of the keys; the tree itself where the scope is one choice."""
    tree: dict[str, Any] = {}
    for key, entry in entries.items():
        for length in range(len(key)):
            if key[:length] in entries:
                raise _clash(entries[key[:length]], entry, "would stand in one place of the tree")
        inner = tree
        for name in key[:-1]:
            inner = inner.setdefault(name, {})
        inner[key[-1] if key else ""] = entry.tree
    return entries[()].tree if () in entries else tree


def _clash(one: _Entry, other: _Entry, said: str) -> SpaceError:
    places = " and ".join(_place(entry.use) for entry in (one, other))
    return SpaceError(f"{places} {said}; give one of them another label")


def _place(use: Use) -> str:
    label = "" if use.choice.label is None else f" with label {use.choice.label!r}"
    return f"the {type(use.choice).__name__} at {use.place or 'the root'}{label}"
