"""Kernel densities over architectures: Gaussian kernels for numbers, Aitchison and Aitken's (1976) for options.

An architecture is a row with one code for each decision: the index of an option, the position of a number in 0..1, NaN
if inactive. The kernel of a trial is uniform in the decisions that are inactive in it. SciPy is imported at first use,
because its import takes longer than that of all other strategies together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nas_tune.strategies.flat_encoding import FlatEncoding
from search_spaces import Architecture, Space

__all__ = ["Codes", "KernelDensity"]

Rows = NDArray[np.float64]
Column = NDArray[np.float64]
_FLOOR = 1e-3


class Codes:
    """Converts architectures of a space to rows of codes and back.

    Args:
        space: the space.
    """

    def __init__(self, space: Space) -> None:
        self.encoding = FlatEncoding(space)
        self.space = space
        self.options = np.array([len(p.choices or ()) for p in space.parameters])
        """The number of options of each decision, shape (decisions,); 0 for a number."""

    def row(self, architecture: Architecture) -> list[float]:
        """Encode an architecture.

        Args:
            architecture: a member of the space.

        Returns:
            One code for each parameter; NaN if it is inactive.
        """
        active = self.space.params(architecture)
        codes: list[float] = []
        for parameter in self.space.parameters:
            if parameter.name not in active:
                codes.append(float("nan"))
            elif parameter.choices:
                codes.append(float(parameter.choices.index(active[parameter.name])))
            else:
                codes.append(parameter.to_units(active[parameter.name])[0])
        return codes

    def values(self, row: list[float]) -> dict[str, object]:
        """Decode a row.

        Args:
            row: one code for each parameter, none of them NaN.

        Returns:
            The value of every parameter by name.
        """
        found: dict[str, object] = {}
        for p, code in zip(self.space.parameters, row, strict=True):
            found[p.name] = p.choices[int(code)] if p.choices else p.from_units([code])
        return found


class KernelDensity:
    """A density over architectures, estimated from trials; bandwidths by the normal reference rule, at least 0.001.

    Args:
        codes: the codes of the space.
        rows: the codes of the trials, shape (trials, decisions).
    """

    def __init__(self, codes: Codes, rows: Rows) -> None:
        self.rows = rows
        self._options = codes.options
        number, width = rows.shape
        spreads = [_spread(rows[:, d], int(codes.options[d])) for d in range(width)]
        scaled = 1.06 * np.array(spreads) * number ** (-1 / (4 + width))
        widest = np.where(self._options > 0, 1 - 1 / np.maximum(self._options, 1), 1.0)
        self.bandwidths = np.clip(scaled, np.minimum(_FLOOR, widest), widest)

    def log(self, rows: Rows) -> Column:
        """Compute the logarithm of the normalized density.

        Args:
            rows: the codes of architectures, shape (n, decisions).

        Returns:
            The logarithms, shape (n,).
        """
        total = np.zeros((len(rows), len(self.rows)))
        for d, (options, bandwidth) in enumerate(zip(self._options, self.bandwidths, strict=True)):
            kernel = _log_option_kernel if options else _log_number_kernel
            total += kernel(rows[:, d], self.rows[:, d], int(options), float(bandwidth))
        top = total.max(axis=1)
        return np.asarray(top + np.log(np.exp(total - top[:, None]).mean(axis=1)))

    def draw(self, number: int, widening: float, rng: np.random.Generator) -> list[list[float]]:
        """Draw rows around trials that are drawn uniformly.

        Args:
            number: how many rows.
            widening: factor of the bandwidths of numbers.
            rng: the random numbers.

        Returns:
            `number` rows of one code for each decision, none of them NaN.
        """
        centers = self.rows[rng.integers(len(self.rows), size=number)]
        columns: list[Column] = []
        for d, (options, bandwidth) in enumerate(zip(self._options, self.bandwidths, strict=True)):
            if options:
                columns.append(_drawn_options(centers[:, d], int(options), float(bandwidth), rng))
            else:
                columns.append(_drawn_numbers(centers[:, d], float(bandwidth) * widening, rng))
        drawn: list[list[float]] = np.stack(columns, axis=1).tolist()
        return drawn


def _spread(column: Column, options: int) -> float:
    """Compute the standard deviation of numbers, or for options the root of the probability that two of them differ."""
    known = column[~np.isnan(column)]
    if not len(known):
        return 1.0
    if not options:
        return float(known.std())
    shares = np.bincount(known.astype(int), minlength=options) / len(known)
    return float(np.sqrt(1 - (shares**2).sum()))


def _log_option_kernel(x: Column, centers: Column, options: int, bandwidth: float) -> Rows:
    """Compute log kernels of options by a table of every option (and none) at each center; shape (rows, centers)."""
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
    # A number that is missing on either side has the uniform density 1.
    log_densities = -0.5 * apart**2 - np.log(bandwidth * np.sqrt(2 * np.pi) * inside)
    return np.asarray(np.nan_to_num(log_densities, nan=0.0))


def _drawn_options(centers: Column, options: int, bandwidth: float, rng: np.random.Generator) -> Rows:
    anew = (rng.random(len(centers)) < bandwidth) | np.isnan(centers)
    return np.where(anew, rng.integers(options, size=len(centers)), centers)


def _drawn_numbers(centers: Column, bandwidth: float, rng: np.random.Generator) -> Rows:
    """Draw from normal distributions truncated to 0..1."""
    from scipy.special import ndtr, ndtri

    u = rng.random(len(centers))
    low, high = ndtr(-centers / bandwidth), ndtr((1 - centers) / bandwidth)
    near = np.clip(centers + bandwidth * ndtri(low + u * (high - low)), 0.0, 1.0)
    return np.where(np.isnan(centers), u, near)
