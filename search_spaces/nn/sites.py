"""Sites: the places of a module's decisions in the tree of its space, and the options that a decided tree takes.

Sites are plain data without tensors. The freezing of a module and the canonical form of its architectures read them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from search_spaces.architecture import Json, plain_json
from search_spaces.nn.labels import LabelKey

__all__ = ["Site", "SiteKind", "Trees", "ValueDepth", "subtree_at"]

SiteKind: TypeAlias = Literal["value", "one", "some", "places"]
Trees: TypeAlias = Sequence[Json]
"""The decided trees of the scopes around a place, from that of the whole module to that of its own scope."""


@dataclass(frozen=True)
class ValueDepth:
    """The depth of a `Repeat` that values decide.

    Attributes:
        of: the sites of those values.
        table: the options of the values, and the depth for them.
    """

    of: tuple[Site, ...]
    table: tuple[tuple[tuple[Json, ...], int], ...]

    def read(self, trees: Trees) -> int:
        """Look up the depth.

        Args:
            trees: the decided trees of the scopes.

        Returns:
            The number of blocks.
        """
        options = tuple(site.decided(trees) for site in self.of)
        return next(depth for known, depth in self.table if known == options)


@dataclass(eq=False)
class Site:
    """One choice in a scope.

    Attributes:
        kind: what is decided: a value, one option, some options, or the number of places.
        at: the keys of the decision in the tree of a scope; None where nothing is decided.
        level: the number of that scope, counted from the outermost, 0; labelled choices have level 0.
        options: the options as the tree has them.
        named: whether the tree has `{option: tree of the option's scope}` in place of the option.
        depth: the number of places, where no decision of this site sets it.
        scopes: the sites of every option or place.
    """

    kind: SiteKind
    at: LabelKey | None = None
    level: int = 0
    options: Sequence[Json] = ()
    named: bool = False
    depth: int | ValueDepth | None = None
    scopes: Sequence[Sequence[Site]] = ()

    def decided(self, trees: Trees) -> Json:
        """Look up the decision.

        Args:
            trees: the decided trees of the scopes.

        Returns:
            The part of the tree; None where nothing is decided.
        """
        return None if self.at is None else subtree_at(self.at, trees[self.level])

    def taken(self, trees: Trees) -> Iterator[tuple[int, Trees]]:
        """List the options or places that the decision takes.

        Args:
            trees: the decided trees of the scopes.

        Returns:
            Their indices, each with the trees of the scopes for its own scope.
        """
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
        """Write the site.

        Returns:
            Plain JSON.
        """
        written = {name: held for name, held in vars(self).items() if held != getattr(Site, name, None)}
        if isinstance(self.depth, ValueDepth):
            written["depth"] = {"of": [site.to_json() for site in self.depth.of], "table": self.depth.table}
        written["scopes"] = [[site.to_json() for site in scope] for scope in self.scopes]
        return cast("dict[str, Any]", plain_json(written))

    @classmethod
    def from_json(cls, written: Mapping[str, Any]) -> Site:
        """Read a site.

        Args:
            written: the result of `to_json`.

        Returns:
            An equal site.
        """
        site = cls(**{**written, "scopes": [[cls.from_json(inner) for inner in scope] for scope in written["scopes"]]})
        site.at = None if site.at is None else tuple(site.at)
        if isinstance(site.depth, dict):
            table = tuple((tuple(options), depth) for options, depth in site.depth["table"])
            site.depth = ValueDepth(tuple(map(cls.from_json, site.depth["of"])), table)
        return site


def subtree_at(key: LabelKey, tree: Json) -> Json:
    """Look up a part of a tree.

    Args:
        key: the keys that lead to the part.
        tree: nested dicts.

    Returns:
        The part.
    """
    for name in key:
        tree = tree[name]  # type: ignore[call-overload, index]
    return tree
