"""Numbers that describe an architecture to a model, in three blocks that kernels and trees can weigh apart.

- decisions: the vector face of the space. Numbers are spread over five bumps, so that values far apart differ as much
  as two options do, and no more: else models would look for everything in the corners.
- pooled: how often each option was chosen, and the means of the numbers, over all decisions of a kind, wherever they
  stand; and how deep and how wide the graphs are.
- paths: how many ways lead through a cell with which operations, the last three of each. Zeros end a way and
  identities are passed, so cells that compute the same are described alike. Spaces without graphs have none.

Paths as features come from BANANAS (White et al. 2019, arXiv 1910.11858), pooled as in NAS-BOWL's histograms of
Weisfeiler and Lehman (Ru et al. 2020, arXiv 2006.07556). Nothing here knows an operation to be good.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.predictors.ways import ways_of
from search_spaces import Architecture, Space
from search_spaces.graphs.graph import Graph

__all__ = ["Blocks", "Features", "Numbers", "Shelf"]

Numbers = NDArray[np.float64]

_CENTERS = np.linspace(0.0, 1.0, 5)
_WIDTH = 0.2
_PLACES = 128


@dataclass(frozen=True, slots=True)
class Blocks:
    """The features of one architecture, or of many, one in a row."""

    decisions: Numbers
    pooled: Numbers
    paths: Numbers

    def all(self) -> Numbers:
        """All blocks side by side."""
        return np.concatenate([self.decisions, self.pooled, self.paths], axis=-1)


class Shelf:
    """The features of many architectures, to be taken together by their places."""

    def __init__(self) -> None:
        self._filled = 0
        self._rows: list[Numbers] = []

    def put(self, blocks: Blocks) -> int:
        """Keep the blocks of one architecture; its place."""
        parts = (blocks.decisions, blocks.pooled, blocks.paths)
        if not self._rows:
            self._rows = [np.empty((64, len(part))) for part in parts]
        if self._filled == len(self._rows[0]):
            self._rows = [np.concatenate([rows, np.empty_like(rows)]) for rows in self._rows]
        for rows, part in zip(self._rows, parts, strict=True):
            rows[self._filled] = part
        self._filled += 1
        return self._filled - 1

    def take(self, places: list[int]) -> Blocks:
        """The blocks at these places, in rows."""
        decisions, pooled, paths = (rows[places] for rows in self._rows)
        return Blocks(decisions, pooled, paths)


class Features:
    """Describes members of one space."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._has_graphs = type(space).graphs is not Space.graphs
        self._pools = _pools(space)
        kinds = [(p.kind == "choice", p.width()) for p in space.parameters]
        self._numbers = np.array([not choice for choice, width in kinds for _ in range(width)], dtype=bool)
        self._weights = np.array([0.5**0.5 if width > 1 else 1.0 for choice, width in kinds for _ in range(width)])

    def of(self, architecture: Architecture) -> Blocks:
        """The blocks of a member."""
        vector, mask = self._space.encode(architecture)
        pooled = np.concatenate([vector @ self._pools, mask.astype(np.float64) @ self._pools])
        if not self._has_graphs:
            return Blocks(self._decisions(vector, mask), pooled, np.zeros(0))
        paths, shape = _described(self._space.graphs(architecture))
        return Blocks(self._decisions(vector, mask), np.concatenate([pooled, shape]), paths)

    def _decisions(self, vector: Numbers, mask: NDArray[np.bool_]) -> Numbers:
        numbers = self._numbers
        bumps = np.exp(-0.5 * ((vector[numbers, None] - _CENTERS) / _WIDTH) ** 2)
        bumps *= mask[numbers, None] * np.sqrt(0.5 / (bumps * bumps).sum(axis=1, keepdims=True))
        return np.concatenate([(vector * self._weights)[~numbers], bumps.ravel()])


def _pools(space: Space) -> Numbers:
    """The matrix that adds up the places of the vector that mean the same."""
    meanings: list[object] = []
    for parameter in space.parameters:
        top = parameter.name.partition(".")[0] if "." in parameter.name else ""
        kind = (top, parameter.kind, parameter.choices, parameter.low, parameter.high, parameter.step)
        meanings += [(kind, place) for place in range(parameter.width())]
    column = {meaning: index for index, meaning in enumerate(dict.fromkeys(meanings))}
    pools = np.zeros((len(meanings), len(column)))
    pools[np.arange(len(meanings)), [column[meaning] for meaning in meanings]] = 1.0
    return pools


@functools.lru_cache(maxsize=100_000)
def _place(graph: str, labels: tuple[str, ...]) -> int:
    return crc32(repr((graph, labels)).encode()) % _PLACES


def _described(graphs: tuple[Graph, ...]) -> tuple[Numbers, Numbers]:
    """The counts of ways by their operations, and for each graph the numbers of its shape."""
    places = np.zeros(_PLACES)
    shape: list[float] = []
    for graph in graphs:
        ways = ways_of(graph)
        for labels, count in ways.counts.items():
            places[_place(graph.name, labels)] += count
        mean = ways.steps / ways.total if ways.total else 0.0
        shape += [np.log1p(ways.total), mean, ways.longest, ways.shortest]
    return np.sqrt(places), np.array(shape)
