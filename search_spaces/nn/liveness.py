"""The canonical form of a module's architectures, without decisions that change nothing in the network.

A labelled choice is at the root of the tree, for any candidates that contain it. Where none of them is taken, its
decision has no effect. Nor have the blocks of a `Repeat` beyond the depth that a `ValueChoice` decides. `Liveness`
leaves both out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from search_spaces.architecture import Architecture, Json
from search_spaces.nn.labels import LabelKey
from search_spaces.nn.sites import Site, Trees, ValueDepth, subtree_at

__all__ = ["Liveness", "canonical_form"]


def canonical_form(sites: Sequence[Site]) -> Liveness | None:
    """Make the canonical form of a module's architectures.

    Args:
        sites: the sites of the whole module.

    Returns:
        The form; None where every decision takes effect in every architecture.
    """
    always = {site.at for site in sites}
    conditional = {site.at for site in _all(sites) if site.level == 0 and site.at is not None} - always
    relevant = [site for site in sites if _matters(site, conditional)]
    return Liveness(relevant, conditional) if relevant else None


class Liveness:
    """Maps an architecture to its tree without the decisions that take no effect.

    Args:
        sites: the sites that matter for the form.
        conditional: the keys of decisions at the root that take effect in some architectures only.
    """

    def __init__(self, sites: Sequence[Site], conditional: Iterable[LabelKey]) -> None:
        self.sites = tuple(sites)
        self.conditional = frozenset(conditional)
        """The keys of decisions at the root that take effect in some architectures only."""

    def __call__(self, architecture: Architecture) -> Json:
        tree = architecture.tree
        reading = _Reading()
        reading.scope(self.sites, (tree,))
        for blocks, depth in reading.depths.values():
            del blocks[depth:]
        for *keys, name in self.conditional - reading.keys:
            holder: Any = subtree_at(tuple(keys), tree)
            del holder[name]
        return tree

    def to_spec(self) -> dict[str, Any]:
        """Write the form for the spec of a space.

        Returns:
            Plain JSON.
        """
        return {"sites": [site.to_json() for site in self.sites], "conditional": sorted(map(list, self.conditional))}

    @classmethod
    def from_spec(cls, written: Mapping[str, Any]) -> Liveness:
        """Read a form.

        Args:
            written: the result of `to_spec`.

        Returns:
            An equal form.
        """
        return cls([Site.from_json(site) for site in written["sites"]], map(tuple, written["conditional"]))


class _Reading:
    """The reading of one tree.

    `keys` are the decisions at the root that take effect. `depths` has every list of blocks, by its `id`, with the
    number of its first blocks that take effect.
    """

    def __init__(self) -> None:
        self.keys: set[LabelKey] = set()
        self.depths: dict[int, tuple[list[Json], int]] = {}

    def scope(self, sites: Sequence[Site], trees: Trees) -> None:
        for site in sites:
            if site.level == 0 and site.at is not None:
                self.keys.add(site.at)
            if site.kind != "value":
                self._options(site, trees)

    def _options(self, site: Site, trees: Trees) -> None:
        taken = list(site.taken(trees))
        blocks = site.decided(trees)
        if isinstance(site.depth, ValueDepth) and isinstance(blocks, list):
            _, known = self.depths.get(id(blocks), (blocks, 0))
            self.depths[id(blocks)] = blocks, max(known, len(taken))
        for index, inner in taken:
            self.scope(site.scopes[index] if site.scopes else (), inner)


def _matters(site: Site, conditional: set[LabelKey]) -> bool:
    """Whether the site, or one inside it, has decisions that take effect in some architectures only."""
    by_value = isinstance(site.depth, ValueDepth) and site.at is not None
    if by_value or (site.level == 0 and site.at in conditional):
        return True
    return any(_matters(inner, conditional) for scope in site.scopes for inner in scope)


def _all(sites: Sequence[Site]) -> Iterator[Site]:
    """The sites, and all sites inside their options and places."""
    for site in sites:
        yield site
        for scope in site.scopes:
            yield from _all(scope)
