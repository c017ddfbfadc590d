"""Where the decisions of a module stand in the tree of its space, and what a decided tree takes of it.

Plain data without tensors: freezing a module, and telling apart what computes the same, read it alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from search_spaces.architecture import Json, plain_json
from search_spaces.nn.labels import Key

__all__ = ["Kind", "Site", "Trees", "ValueDepth", "found_at"]

Kind: TypeAlias = Literal["value", "one", "some", "places"]
Trees: TypeAlias = Sequence[Json]
"""The decided trees of the scopes around a place, from that of the whole module to that of its own scope."""


@dataclass(frozen=True)
class ValueDepth:
    """A depth that values decide: the sites of those, and the depth for their options."""

    of: tuple[Site, ...]
    table: tuple[tuple[tuple[Json, ...], int], ...]

    def read(self, trees: Trees) -> int:
        """The depth in `trees`."""
        options = tuple(site.decided(trees) for site in self.of)
        return next(depth for known, depth in self.table if known == options)


@dataclass(eq=False)
class Site:
    """One choice in a scope: `at` leads to its decision in the tree of the scope number `level`, from outside.

    Labelled ones stand at level 0; `at` is None where nothing is decided. `kind` says what is decided: a value,
    one option, some options, or how many places. `options` are as the tree says them; `named` if as `{option:
    tree of the option's scope}`. `depth` is what no decision here says. `scopes` holds the sites of every option
    or place.
    """

    kind: Kind
    at: Key | None = None
    level: int = 0
    options: Sequence[Json] = ()
    named: bool = False
    depth: int | ValueDepth | None = None
    scopes: Sequence[Sequence[Site]] = ()

    def decided(self, trees: Trees) -> Json:
        """What was decided here."""
        return None if self.at is None else found_at(self.at, trees[self.level])

    def taken(self, trees: Trees) -> Iterator[tuple[int, Trees]]:
        """The index of every option or place that is taken, and the trees in its scope."""
        decided: Any = self.decided(trees)
        if self.kind == "places":
            items = self._places(decided, trees)
        else:
            items = map(self._option, decided if self.kind == "some" else [decided])
        return ((index, (*trees, tree)) for index, tree in items)

    def _option(self, item: Any) -> tuple[int, Json]:
        name, tree = next(iter(item.items())) if self.named else (item, {})
        return list(self.options).index(name), tree

    def _places(self, decided: Any, trees: Trees) -> Iterator[tuple[int, Json]]:
        depth = self.depth.read(trees) if isinstance(self.depth, ValueDepth) else self.depth
        if isinstance(decided, list):
            return enumerate(decided[:depth])
        count = depth if decided is None else decided
        return ((index, {}) for index in range(count or 0))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        written = {name: held for name, held in vars(self).items() if held != getattr(Site, name, None)}
        if isinstance(self.depth, ValueDepth):
            written["depth"] = {"of": [site.to_json() for site in self.depth.of], "table": self.depth.table}
        written["scopes"] = [[site.to_json() for site in scope] for scope in self.scopes]
        return cast("dict[str, Any]", plain_json(written))

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Site:
        """What `to_json` wrote."""
        site = cls(**{**written, "scopes": [[cls.from_json(inner) for inner in scope] for scope in written["scopes"]]})
        site.at = None if site.at is None else tuple(site.at)
        if isinstance(site.depth, dict):
            table = tuple((tuple(options), depth) for options, depth in site.depth["table"])
            site.depth = ValueDepth(tuple(map(cls.from_json, site.depth["of"])), table)
        return site


def found_at(key: Key, tree: Json) -> Json:
    """The part of `tree` that `key` leads to."""
    for name in key:
        tree = tree[name]  # type: ignore[call-overload, index]
    return tree
