"""Kernel densities over architectures: Gaussian kernels for numbers, Aitchison and Aitken's (1976) for options.

An architecture is a row of one code a decision: the option's number, the number's place in 0..1, NaN where inactive.
A kernel is uniform in a decision that its own trial does not have. SciPy is imported when numbers are
drawn or weighed: it takes longer than all other strategies together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.faces import FlatFace
from search_spaces import Architecture, Space

__all__ = ["Codes", "KernelDensity"]

Rows = NDArray[np.float64]
Column = NDArray[np.float64]
_FLOOR = 1e-3


class Codes:
    """Architectures of a space as rows, and back."""

    def __init__(self, space: Space) -> None:
        self.face = FlatFace(space)
        self.space = space
        self.options = np.array([len(p.choices or ()) for p in space.parameters])
        """How many options a decision has; 0 for a number."""

    def row(self, architecture: Architecture) -> list[float]:
        """The codes."""
        active = self.space.params(architecture)
        return [
            float("nan")
            if p.name not in active
            else float(p.choices.index(active[p.name]))
            if p.choices
            else p.to_units(active[p.name])[0]
            for p in self.space.parameters
        ]

    def values(self, row: list[float]) -> dict[str, object]:
        """The decisions that these codes are, none of them missing."""
        return {
            p.name: p.choices[int(code)] if p.choices else p.from_units([code])
            for p, code in zip(self.space.parameters, row, strict=True)
        }


class KernelDensity:
    """The density of `rows` (trials x decisions); bandwidths by the normal reference rule, at least 0.001."""

    def __init__(self, codes: Codes, rows: Rows) -> None:
        self.rows = rows
        self._options = codes.options
        number, width = rows.shape
        spreads = [_spread(rows[:, d], int(codes.options[d])) for d in range(width)]
        scaled = 1.06 * np.array(spreads) * number ** (-1 / (4 + width))
        widest = np.where(self._options > 0, 1 - 1 / np.maximum(self._options, 1), 1.0)
        self.bandwidths = np.clip(scaled, np.minimum(_FLOOR, widest), widest)

    def log(self, rows: Rows) -> Column:
        """The logarithm of the density at `rows`, up to nothing: it is normalized."""
        total = np.zeros((len(rows), len(self.rows)))
        for d, (options, bandwidth) in enumerate(zip(self._options, self.bandwidths, strict=True)):
            kernel = _log_option_kernel if options else _log_number_kernel
            total += kernel(rows[:, d], self.rows[:, d], int(options), float(bandwidth))
        top = total.max(axis=1)
        return np.asarray(top + np.log(np.exp(total - top[:, None]).mean(axis=1)))

    def draw(self, number: int, widening: float, rng: np.random.Generator) -> list[list[float]]:
        """Rows with nothing missing, around data drawn evenly; numbers `widening` times as wide as estimated."""
        centers = self.rows[rng.integers(len(self.rows), size=number)]
        columns = [
            _drawn_options(centers[:, d], int(options), float(bandwidth), rng)
            if options
            else _drawn_numbers(centers[:, d], float(bandwidth) * widening, rng)
            for d, (options, bandwidth) in enumerate(zip(self._options, self.bandwidths, strict=True))
        ]
        drawn: list[list[float]] = np.stack(columns, axis=1).tolist()
        return drawn


def _spread(column: Column, options: int) -> float:
    """Standard deviation of numbers, and what is like it of options: the root of their chance to differ."""
    known = column[~np.isnan(column)]
    if not len(known):
        return 1.0
    if not options:
        return float(known.std())
    shares = np.bincount(known.astype(int), minlength=options) / len(known)
    return float(np.sqrt(1 - (shares**2).sum()))


def _log_option_kernel(x: Column, centers: Column, options: int, bandwidth: float) -> Rows:
    """Looked up: what each option, or none, is to each center."""
    table = np.full((options + 1, len(centers)), np.log(bandwidth / (options - 1)) if options > 1 else 0.0)
    known = ~np.isnan(centers)
    table[centers[known].astype(int), np.flatnonzero(known)] = np.log1p(-bandwidth)
    table[:, ~known] = -np.log(options)
    table[options] = 0.0
    looked_up: Rows = table[np.where(np.isnan(x), options, x).astype(int)]
    return looked_up


def _log_number_kernel(x: Column, centers: Column, options: int, bandwidth: float) -> Rows:
    from scipy.special import ndtr

    inside = ndtr((1 - centers) / bandwidth) - ndtr(-centers / bandwidth)
    apart = (x[:, None] - centers) / bandwidth
    # Missing on either side, it gives no evidence: the uniform density is 1.
    said = -0.5 * apart**2 - np.log(bandwidth * np.sqrt(2 * np.pi) * inside)
    return np.asarray(np.nan_to_num(said, nan=0.0))


def _drawn_options(centers: Column, options: int, bandwidth: float, rng: np.random.Generator) -> Rows:
    anew = (rng.random(len(centers)) < bandwidth) | np.isnan(centers)
    return np.where(anew, rng.integers(options, size=len(centers)), centers)


def _drawn_numbers(centers: Column, bandwidth: float, rng: np.random.Generator) -> Rows:
    """From normal distributions cut off at 0 and 1."""
    from scipy.special import ndtr, ndtri

    u = rng.random(len(centers))
    low, high = ndtr(-centers / bandwidth), ndtr((1 - centers) / bandwidth)
    near = np.clip(centers + bandwidth * ndtri(low + u * (high - low)), 0.0, 1.0)
    return np.where(np.isnan(centers), u, near)
