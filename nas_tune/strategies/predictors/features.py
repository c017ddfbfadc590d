"""Features of an architecture for a model, in three blocks that kernels and trees can weight separately.

- decisions: the vector of the space. Each number is spread over five Gaussian bumps, so that distant values differ as
  much as two options do, and no more; otherwise models would prefer the corners of the space.
- pooled: counts of the options and sums of the numbers over all decisions of a kind, wherever they are; and the depth
  and width of the graphs.
- paths: counts of the paths through a cell by their last three operations. A zero operation ends a path and an identity
  is skipped, so cells that compute the same have the same features. Spaces without graphs have no paths.

Paths as features come from BANANAS (White et al. 2019, arXiv 1910.11858), pooled as in NAS-BOWL's histograms of
Weisfeiler and Lehman (Ru et al. 2020, arXiv 2006.07556). No feature encodes which operations are good.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.predictors.path_counts import count_paths
from search_spaces import Architecture, Space
from search_spaces.graphs.graph import Graph

__all__ = ["FeatureBlocks", "FeatureTable", "Features", "Numbers"]

Numbers = NDArray[np.float64]

_CENTERS = np.linspace(0.0, 1.0, 5)
_WIDTH = 0.2
_PLACES = 128


@dataclass(frozen=True, slots=True)
class FeatureBlocks:
    """The features of one architecture, or of several in rows.

    Attributes:
        decisions: shape (.., d).
        pooled: shape (.., p).
        paths: shape (.., 128), or (.., 0) without graphs.
    """

    decisions: Numbers
    pooled: Numbers
    paths: Numbers

    def all(self) -> Numbers:
        """Concatenate the blocks.

        Returns:
            All features, shape (.., d + p + paths).
        """
        return np.concatenate([self.decisions, self.pooled, self.paths], axis=-1)


class FeatureTable:
    """A growing table of the features of many architectures."""

    def __init__(self) -> None:
        self._filled = 0
        self._rows: list[Numbers] = []

    def add(self, blocks: FeatureBlocks) -> int:
        """Append the features of one architecture.

        Args:
            blocks: its features, one-dimensional.

        Returns:
            The number of its row.
        """
        parts = (blocks.decisions, blocks.pooled, blocks.paths)
        if not self._rows:
            self._rows = [np.empty((64, len(part))) for part in parts]
        if self._filled == len(self._rows[0]):
            self._rows = [np.concatenate([rows, np.empty_like(rows)]) for rows in self._rows]
        for rows, part in zip(self._rows, parts, strict=True):
            rows[self._filled] = part
        self._filled += 1
        return self._filled - 1

    def rows(self, places: list[int]) -> FeatureBlocks:
        """Select rows.

        Args:
            places: the numbers of the rows.

        Returns:
            Their features, in this order.
        """
        decisions, pooled, paths = (rows[places] for rows in self._rows)
        return FeatureBlocks(decisions, pooled, paths)


class Features:
    """Computes the features of members of a space.

    Args:
        space: the space.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._has_graphs = type(space).graphs is not Space.graphs
        self._pools = _pools(space)
        numbers: list[bool] = []
        weights: list[float] = []
        for parameter in space.parameters:
            width = parameter.width()
            numbers += [parameter.kind != "choice"] * width
            weights += [0.5**0.5 if width > 1 else 1.0] * width
        self._numbers, self._weights = np.array(numbers, dtype=bool), np.array(weights)

    def of(self, architecture: Architecture) -> FeatureBlocks:
        """Compute the features of a member.

        Args:
            architecture: the member.

        Returns:
            Its features, one-dimensional.
        """
        vector, mask = self._space.encode(architecture)
        pooled = np.concatenate([vector @ self._pools, mask.astype(np.float64) @ self._pools])
        if not self._has_graphs:
            return FeatureBlocks(self._decisions(vector, mask), pooled, np.zeros(0))
        paths, shape = _described(self._space.graphs(architecture))
        return FeatureBlocks(self._decisions(vector, mask), np.concatenate([pooled, shape]), paths)

    def _decisions(self, vector: Numbers, mask: NDArray[np.bool_]) -> Numbers:
        numbers = self._numbers
        bumps = np.exp(-0.5 * ((vector[numbers, None] - _CENTERS) / _WIDTH) ** 2)
        bumps *= mask[numbers, None] * np.sqrt(0.5 / (bumps * bumps).sum(axis=1, keepdims=True))
        return np.concatenate([(vector * self._weights)[~numbers], bumps.ravel()])


def _pools(space: Space) -> Numbers:
    """Make the matrix that sums up the places of the vector with the same meaning, shape (places, meanings)."""
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
    """Compute the hashed path counts, and four numbers for the size of each graph."""
    places = np.zeros(_PLACES)
    shape: list[float] = []
    for graph in graphs:
        paths = count_paths(graph)
        for labels, count in paths.counts.items():
            places[_place(graph.name, labels)] += count
        mean = paths.steps / paths.total if paths.total else 0.0
        shape += [np.log1p(paths.total), mean, paths.longest, paths.shortest]
    return np.sqrt(places), np.array(shape)
