"""The scaling of numbers by the statistics of the training rows, as operations of torch that an export can trace."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

__all__ = ["Scaling"]

_KNOTS = 128
"""The greatest number of values by which the quantiles of a column are kept."""
_BINS = 48
"""The greatest number of bins of a column, for "piecewise"."""
_CONSTANT = 1e-9


@dataclass(frozen=True)
class Scaling:
    """How numbers are scaled. Missing numbers become 0, and a column says where they were.

    "piecewise" makes several columns of one: each is the share of a bin that is below the number, from 0 to 1 (the
    piecewise linear encoding of Gorishniy et al. 2022, 2203.05556, with bins of equally many training rows).

    Attributes:
        kind: "standard", "log", "quantile" or "piecewise".
        mean: (columns,), of the values, or of their signed logarithms for "log".
        std: (columns,), likewise; 1 for a column without spread.
        knots: (columns, knots), ascending values of each column, for "quantile" and "piecewise".
        scores: (columns, knots), the quantile of a normal distribution at each knot.
        missing: (m,), int64, the columns that get a column of their missing values.
        bins: (b,), int64, the places of the bins of "piecewise" among columns times knots - 1; others have no width.
    """

    kind: str
    mean: Tensor
    std: Tensor
    knots: Tensor
    scores: Tensor
    missing: Tensor
    bins: Tensor

    @classmethod
    def fit(cls, kind: str, numbers: Iterable[np.ndarray[Any, Any]], missing: Sequence[bool]) -> Scaling:
        """Fit the scaling.

        Args:
            kind: "standard", "log", "quantile" or "piecewise".
            numbers: of each column the training rows, (n,), which are looked at one after the other; NaN where a
                number is missing.
            missing: for each column whether it gets a column of its missing values.

        Returns:
            The scaling, on the CPU.
        """
        columns = len(missing)
        mean, std = np.zeros(columns), np.ones(columns)
        knots, scores = np.zeros((columns, _KNOTS)), np.zeros((columns, _KNOTS))
        if kind == "piecewise":
            knots = np.zeros((columns, _BINS + 1))
        for index, column in enumerate(numbers):
            values = column.astype(np.float64)
            values = values[~np.isnan(values)]
            if kind == "piecewise":
                knots[index] = _edges(values)
            else:
                knots[index], scores[index] = _normal_scores(values)
            values = np.sign(values) * np.log1p(np.abs(values)) if kind == "log" else values
            mean[index] = values.mean() if len(values) else 0.0
            spread = values.std() if len(values) else 0.0
            std[index] = spread if spread > _CONSTANT * abs(mean[index]) else 1.0
        where = torch.tensor([index for index, one in enumerate(missing) if one], dtype=torch.int64)
        means, stds, places, quantiles = (torch.tensor(one, dtype=torch.float32) for one in (mean, std, knots, scores))
        return cls(kind, means, stds, places, quantiles, where, _bins(places))

    @property
    def width(self) -> int:
        """The number of columns of scaled rows."""
        return (len(self.bins) if self.kind == "piecewise" else len(self.mean)) + len(self.missing)

    def to(self, device: torch.device) -> Scaling:
        """Move the statistics.

        Args:
            device: where rows are scaled.

        Returns:
            The scaling there.
        """
        mean, std, knots, scores = (one.to(device) for one in (self.mean, self.std, self.knots, self.scores))
        return Scaling(self.kind, mean, std, knots, scores, self.missing.to(device), self.bins.to(device))

    def scaled(self, numbers: Tensor) -> Tensor:
        """Scale rows.

        Args:
            numbers: (n, columns), float32, NaN where a number is missing.

        Returns:
            (n, `width`), float32: the scaled numbers, then 1 or 0 for each column of missing values.
        """
        absent = torch.isnan(numbers)
        numbers = torch.where(absent, torch.zeros_like(numbers), numbers)
        if self.kind == "piecewise":
            values, absent_there = self._shares(numbers), self._of_bins(self._repeated(absent))
        elif self.kind == "quantile":
            values, absent_there = self._by_rank(numbers), absent
        else:
            values = torch.sign(numbers) * torch.log1p(numbers.abs()) if self.kind == "log" else numbers
            values, absent_there = (values - self.mean) / self.std, absent
        values = torch.where(absent_there, torch.zeros_like(values), values)
        return torch.cat([values, absent[:, self.missing].to(values.dtype)], dim=1) if len(self.missing) else values

    def _shares(self, numbers: Tensor) -> Tensor:
        """The share of each bin that is below each number."""
        low, high = self.knots[:, :-1], self.knots[:, 1:]
        gap = torch.where(high > low, high - low, torch.ones_like(high))
        return self._of_bins(((numbers.unsqueeze(2) - low) / gap).clamp(0, 1))

    def _repeated(self, values: Tensor) -> Tensor:
        """(n, columns) for each bin, (n, columns, knots - 1)."""
        return values.unsqueeze(2).expand(-1, -1, self.knots.shape[1] - 1)

    def _of_bins(self, values: Tensor) -> Tensor:
        """Of (n, columns, knots - 1) the values of the bins, (n, bins)."""
        return values.flatten(1).index_select(1, self.bins)

    def _by_rank(self, numbers: Tensor) -> Tensor:
        """Interpolate between the scores of the two knots around each number."""
        above = (numbers.unsqueeze(2) >= self.knots).sum(2).clamp(1, self.knots.shape[1] - 1)
        columns = torch.arange(len(self.knots), device=numbers.device).expand_as(above)
        low, high = self.knots[columns, above - 1], self.knots[columns, above]
        start, end = self.scores[columns, above - 1], self.scores[columns, above]
        gap = torch.where(high > low, high - low, torch.ones_like(high))
        return start + ((numbers - low) / gap).clamp(0, 1) * (end - start)

    def to_dict(self) -> dict[str, Any]:
        """Return the scaling as plain data.

        Returns:
            What JSON can hold, and `from_dict` reads.
        """
        names = ("mean", "std", "knots", "scores", "missing")
        return {"kind": self.kind, **{name: getattr(self, name).tolist() for name in names}}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Scaling:
        """Read a scaling.

        Args:
            plain: what `to_dict` returned.

        Returns:
            The scaling, on the CPU.
        """
        columns = len(plain["mean"])
        knots, scores = (torch.tensor(plain[name]).view(columns, -1) for name in ("knots", "scores"))
        mean, std = (torch.tensor(plain[name], dtype=torch.float32) for name in ("mean", "std"))
        missing = torch.tensor(plain["missing"], dtype=torch.int64)
        return cls(plain["kind"], mean, std, knots, scores, missing, _bins(knots))


def _bins(knots: Tensor) -> Tensor:
    return (knots[:, 1:] > knots[:, :-1]).flatten().nonzero().flatten()


def _edges(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The ends of bins of equally many values, ascending; the last one fills up what is short."""
    if not len(values):
        return np.zeros(_BINS + 1)
    unique = np.unique(values)
    if len(unique) > _BINS + 1:
        # Half of the ends by rows, and half by values: where nearly all rows have one value, the others count too.
        steps = np.linspace(0, 1, _BINS // 2 + 1)
        unique = np.unique(np.append(np.quantile(values, steps), np.quantile(unique, steps)))[: _BINS + 1]
    return np.append(unique, np.full(_BINS + 1 - len(unique), unique[-1]))


def _normal_scores(values: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Knots of a column and the normal quantiles of their middle ranks; the last knot fills up what is short."""
    if not len(values):
        return np.zeros(_KNOTS), np.zeros(_KNOTS)
    unique, counts = np.unique(values, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2) / len(values)
    found = torch.special.ndtri(torch.tensor(ranks)).numpy()
    places = np.arange(len(unique))
    if len(unique) > _KNOTS:
        # Half of the knots in equal steps of rank, where the rows are, and half in equal steps of score, for the ends.
        by_rank = np.searchsorted(ranks, np.linspace(ranks[0], ranks[-1], _KNOTS // 2))
        by_score = np.searchsorted(found, np.linspace(found[0], found[-1], _KNOTS // 2))
        places = np.unique(np.clip(np.append(by_rank, by_score), 0, len(unique) - 1))
    scores = found[places]
    fill = (_KNOTS - len(places),)
    return np.append(unique[places], np.full(fill, unique[places][-1])), np.append(scores, np.full(fill, scores[-1]))
