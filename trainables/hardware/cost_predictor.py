"""The cost predictor: the latency, memory or energy of members of a space, from a few dozen measured ones.

    seeds = choose_seeds(space, 25)                                # measure these
    predictor = fit_predictor("nb201", frame)                      # a row each: architecture, latency
    predictor.predict(architectures)                               # value, low, high
    predictor = predictor.updated(more)                            # with what was measured since

The model is a ridge regression on counts of operations. Leave-one-out decides whether it counts what an engine that
optimizes graphs runs, or what the code of the network does, and whether another device's values help. The interval
comes from the errors of leave-one-out: it holds for members like the measured ones, and is wider for unusual ones.

A limit is a question of the interval, not of the value: refuse a member only if `low` is above the limit, and measure
the winner.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

import search_spaces
from search_spaces.architecture import Architecture
from search_spaces.notation import reader
from search_spaces.space import Space
from trainables.costs.quantities import QUANTITIES
from trainables.errors import DataError, TrainableError
from trainables.hardware.cost_values import CostValues, read_values
from trainables.hardware.operation_counts import (
    Counts,
    FloatArray,
    MemberCounts,
    OperationCounter,
    counter_of,
    counts_matrix,
    group_of,
)
from trainables.hardware.scaled_ridge import ScaledRidge, fit_ridge
from trainables.settings import check_number

if TYPE_CHECKING:
    from trainables.hardware.predictor_scores import PredictorScore

__all__ = ["FEWEST", "CostPredictor", "Prediction", "fit_predictor", "fit_to_values"]

FEWEST = 8
"""The fewest members that a predictor is fitted to."""
_CONFIDENCE = 0.9
_OTHER = "other device"
_PEAK = "peak"
_CLEARLY = 0.9
"""The share of an error that a clearly lower one has at most. With few members the errors are uncertain themselves."""
_MOST_OF_OTHER = 400
"""Members of another device from which its missing values are predicted."""

Engine = Literal["live", "executed"]
"""Which operations count: those that an optimizing engine runs, or all."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """A predicted cost.

    Attributes:
        value: the most likely value.
        low: the lower end of the interval.
        high: its upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class _Fit:
    """A regression, and what its columns are."""

    engine: Engine
    uses_other: bool
    uses_peak: bool
    columns: tuple[str, ...]
    ridge: ScaledRidge


class CostPredictor:
    """Predicts a cost of members of a space; `fit_predictor` makes one.

    Args:
        space: the space.
        measured: the members that were measured, at least `FEWEST`.
        other: a predictor for another device, whose values help where leave-one-out says so.
        settings: settings of the network.
        known: further measured members, whose values are known and not fitted.
        counter: counts the operations of members; by default that of the space with these settings.

    Raises:
        DataError: too few members were measured.
        TrainableError: a network cannot be built, or does not take the settings.
    """

    def __init__(
        self,
        space: Space,
        measured: CostValues,
        other: CostPredictor | None,
        settings: Mapping[str, Any],
        known: CostValues | None = None,
        counter: OperationCounter | None = None,
    ) -> None:
        if len(measured.values) < FEWEST:
            raise DataError(
                f"a predictor needs at least {FEWEST} measured members, and got {len(measured.values)}; "
                "nas_tune.choose_seeds names the next ones to measure"
            )
        self.space, self.measured, self.other, self.settings = space, measured, other, dict(settings)
        self._read = reader(space)
        self._counter = counter or counter_of(space, settings)
        self.known = measured if known is None else known.joined(measured.without(set(known.keys())))
        self._value_of = dict(zip(self.known.keys(), self.known.values.tolist(), strict=True))
        counted = [self._counter.counts(member) for member in measured.architectures]
        self._fit = self._fitted(counted)
        ridge = self._fit.ridge
        errors = (measured.values - ridge.left_out) / ridge.left_out
        self._errors = np.sort(errors * np.sqrt(1 - ridge.leverage))

    @property
    def engine(self) -> Engine:
        """Which operations it counts: "live", as an optimizing engine runs them, or "executed", dead ones included."""
        return self._fit.engine

    @property
    def uses_other(self) -> bool:
        """Whether it uses the values of another device."""
        return self._fit.uses_other

    @property
    def uses_peak(self) -> bool:
        """Whether it uses the counted peak memory, as it does for a measured memory."""
        return self._fit.uses_peak

    def predict(self, architectures: Iterable[object], *, confidence: float = _CONFIDENCE) -> pd.DataFrame:
        """Predict the cost of members.

        Args:
            architectures: members, their trees, or their texts.
            confidence: the share of members whose true value is in the interval.

        Returns:
            A row for each: `value`, `low`, `high`, in the unit of the measured values. The index is that of a pandas
            Series, else 0, 1, ..

        Raises:
            ArchitectureError: one is not a member.
            TrainableError: `confidence` is not between 0 and 1, or a network cannot be built.
        """
        _check_share("confidence", confidence)
        index = architectures.index if isinstance(architectures, pd.Series) else None
        members = [self._read(one) for one in architectures]
        values, spread = self._predicted(members)
        tail = (1 + confidence) / 2
        low = values * np.maximum(1 - self.margin(tail) * spread, 0.0)
        high = values * (1 + self._quantile(self._errors, tail) * spread)
        return pd.DataFrame({"value": values, "low": low, "high": high}, index=index)

    def prediction(self, architecture: object, *, confidence: float = _CONFIDENCE) -> Prediction:
        """Predict the cost of one member.

        Args:
            architecture: a member, its tree, or its text.
            confidence: the share of members whose true value is in the interval.

        Returns:
            The value with its interval.

        Raises:
            ArchitectureError: it is not a member.
            TrainableError: `confidence` is not between 0 and 1, or the network cannot be built.
        """
        value, low, high = self.predict([architecture], confidence=confidence).iloc[0]
        return Prediction(float(value), float(low), float(high))

    def margin(self, quantile: float = 0.95) -> float:
        """Tell by how much less than predicted a usual member may cost.

        Args:
            quantile: the share of members that the margin holds for.

        Returns:
            A share of the prediction: the true value is at least value * (1 - margin). At least 0.

        Raises:
            TrainableError: `quantile` is not between 0 and 1.
        """
        _check_share("quantile", quantile)
        return self._quantile(-self._errors[::-1], quantile)

    def updated(self, frame: pd.DataFrame) -> CostPredictor:
        """Fit again, with further measured members.

        Args:
            frame: as for `fit_predictor`, with the same columns, or with two.

        Returns:
            A new predictor. A member that was measured before gets the mean of its values.

        Raises:
            DataError: a row of the frame cannot be used.
        """
        more = self._read_values(frame)
        return CostPredictor(
            self.space, self.measured.joined(more), self.other, self.settings, self.known, self._counter
        )

    def score(self, frame: pd.DataFrame, *, quantile: float = 0.25, confidence: float = _CONFIDENCE) -> PredictorScore:
        """Score the predictor on measured members.

        Args:
            frame: as for `fit_predictor`, with the same columns, or with two. Members that the predictor was fitted to
                are left out.
            quantile: the quantile of the values that is the limit of the gate.
            confidence: of the intervals.

        Returns:
            The errors, the rank correlation, and the wrong decisions of a gate.

        Raises:
            DataError: a row cannot be used, or fewer than two members are left.
        """
        from trainables.hardware.predictor_scores import score_values

        return score_values(self, self._read_values(frame), quantile=quantile, confidence=confidence)

    def save(self, path: str | Path) -> None:
        """Write the predictor to a file, as JSON.

        Args:
            path: of the file; its folder is made where it does not exist.

        Raises:
            TrainableError: a setting of the network is not plain JSON.
            OSError: the file cannot be written.
        """
        from trainables.hardware.predictor_files import save_predictor

        save_predictor(self, Path(path))

    @classmethod
    def load(cls, path: str | Path, space: Space | None = None) -> CostPredictor:
        """Read a predictor from a file.

        Args:
            path: of the file.
            space: the space, for one that is not of the catalogue and has rules of its own.

        Returns:
            The predictor, fitted again to the measured members of the file.

        Raises:
            DataError: the file is not one of a predictor, is damaged, of a newer version or of another space, or its
                networks have changed since.
            OSError: the file cannot be read.
        """
        from trainables.hardware.predictor_files import load_predictor

        return load_predictor(Path(path), space)

    def summary(self) -> dict[str, Any]:
        """Describe the predictor.

        Returns:
            Plain values: the space, what was measured, the number of members, which operations it counts, whether it
            uses another device, and its errors when each measured member is left out.
        """
        ridge = self._fit.ridge
        relative = np.abs(ridge.left_out / self.measured.values - 1)
        return {
            "space": self.space.name,
            "settings": dict(self.settings),
            "cost": self.measured.name,
            "measured": len(self.measured.values),
            "least": float(self.measured.values.min()),
            "most": float(self.measured.values.max()),
            "operations": self.engine,
            "uses_other": self.uses_other,
            "median_error": float(np.median(relative)),
            "margin": self.margin(),
        }

    def __repr__(self) -> str:
        return f"<CostPredictor of {self.measured.name} in {self.space.name}: {len(self.measured.values)} measured>"

    def known_or_predicted(self, architectures: Sequence[Architecture]) -> FloatArray:
        """Return measured values where there are some, and predictions elsewhere.

        Args:
            architectures: members of the space.

        Returns:
            The values, (n,).
        """
        values = [self._value_of.get(one.to_json(), math.nan) for one in architectures]
        missing = [place for place, value in enumerate(values) if math.isnan(value)]
        found = np.array(values, dtype=np.float64)
        if missing:
            found[missing] = self._predicted([architectures[place] for place in missing])[0]
        return found

    def _read_values(self, frame: pd.DataFrame) -> CostValues:
        value = self.measured.name if self.measured.name in frame.columns else None
        return read_values(self.space, frame, value=value)

    def _fitted(self, counted: Sequence[MemberCounts]) -> _Fit:
        """The regression with the lowest error of leave-one-out; the first one unless another is clearly better."""
        values = self.measured.values
        found: list[_Fit] = []
        engines: tuple[Engine, ...] = ("live", "executed")
        for engine in engines:
            chosen = _chosen(counted, engine)
            columns = tuple(sorted({name for one in chosen for name in one.names}))
            counts = counts_matrix(chosen, columns)
            groups = [group_of(name) for name in columns]
            found.append(_Fit(engine, False, False, columns, fit_ridge(counts, values, groups)))
            peak = self._peaks(self.measured.architectures, engine)
            if peak is not None:
                with_peak = np.hstack([counts, peak])
                found.append(_Fit(engine, False, True, columns, fit_ridge(with_peak, values, [*groups, _PEAK])))
                found.append(_Fit(engine, False, True, (), fit_ridge(peak, values, [_PEAK])))
            if self.other is not None:
                values_there = self.other.known_or_predicted(self.measured.architectures)
                with_other = np.hstack([counts, values_there[:, None]])
                found.append(_Fit(engine, True, False, columns, fit_ridge(with_other, values, [*groups, _OTHER])))
        best = found[0]
        for fit in found[1:]:
            if fit.ridge.error < _CLEARLY * best.ridge.error:
                best = fit
        return best

    def _predicted(self, members: Sequence[Architecture]) -> tuple[FloatArray, FloatArray]:
        """The values, and how much wider than usual the intervals are."""
        fit = self._fit
        counts = counts_matrix(_chosen([self._counter.counts(one) for one in members], fit.engine), fit.columns)
        if fit.uses_peak:
            counts = np.hstack([counts, self._needed_peaks(members, fit.engine)])
        if fit.uses_other and self.other is not None:
            counts = np.hstack([counts, self.other.known_or_predicted(members)[:, None]])
        values = fit.ridge.predict(counts)
        return values, fit.ridge.spread(counts, values)

    def _peaks(self, members: Sequence[Architecture], engine: Engine) -> FloatArray | None:
        """The counted peak memory of members, (n, 1); None where it cannot be counted, is the same for all, or no help.

        A latency or energy by its name is none of memory, and a trace of every member takes time.
        """
        quantity = QUANTITIES.get(self.measured.name)
        if quantity is not None and quantity.rung == "measured":
            return None
        found = []
        for member in members:
            try:
                both = self._counter.peaks(member)
            except TrainableError:
                return None
            if both is None:
                return None
            found.append(both[0] if engine == "live" else both[1])
        column = np.array(found, dtype=np.float64)[:, None]
        return None if np.ptp(column) == 0 else column

    def _needed_peaks(self, members: Sequence[Architecture], engine: Engine) -> FloatArray:
        found = []
        for member in members:
            both = self._counter.peaks(member)
            if both is None:
                raise TrainableError(f"the peak memory of {member.to_json():.200} cannot be counted")
            found.append(both[0] if engine == "live" else both[1])
        return np.array(found, dtype=np.float64)[:, None]

    @staticmethod
    def _quantile(errors: FloatArray, quantile: float) -> float:
        """The quantile of ascending errors, as for one more error of the same kind; at least 0."""
        place = min(math.ceil(quantile * (len(errors) + 1)), len(errors)) - 1
        return max(float(errors[place]), 0.0)


def fit_predictor(
    space: Space | str,
    frame: pd.DataFrame,
    *,
    other: pd.DataFrame | CostPredictor | None = None,
    architecture: str | None = None,
    value: str | None = None,
    **settings: Any,
) -> CostPredictor:
    """Fit a cost predictor to measured members of a space.

    Args:
        space: the space, or the name of one.
        frame: a row for each measurement. An architecture is an `Architecture`, its tree, the JSON of its tree, or a
            text in the notation of the space. The value is a latency, memory, energy or any other cost above 0.
        other: values of another device, as a frame of the same form or as a predictor. Two devices often agree on most
            members, so that fewer need to be measured.
        architecture: the column of architectures; by default "architecture", else the first column.
        value: the column of values; by default the only other column.
        settings: settings of the network that was measured, as of `trainables.build`, such as `channels`.

    Returns:
        The predictor.

    Raises:
        UnknownNameError: no space has the name.
        DataError: a row cannot be used, or too few members were measured.
        TrainableError: a network cannot be built, or does not take the settings.
    """
    of = space if isinstance(space, Space) else search_spaces.get(space)
    measured = read_values(of, frame, architecture=architecture, value=value)
    if not isinstance(other, pd.DataFrame | CostPredictor | None):
        raise TrainableError(f"other is a {type(other).__name__}; give a DataFrame or a CostPredictor")
    helping = read_values(of, other, architecture=architecture) if isinstance(other, pd.DataFrame) else other
    return fit_to_values(of, measured, helping, settings)


def fit_to_values(
    space: Space, measured: CostValues, other: CostValues | CostPredictor | None, settings: Mapping[str, Any]
) -> CostPredictor:
    """Fit a cost predictor to values that are read already.

    Args:
        space: the space.
        measured: the measured members.
        other: values of another device, or a predictor for it; None without one.
        settings: settings of the network that was measured.

    Returns:
        The predictor.

    Raises:
        DataError: too few members were measured, here or on the other device.
        TrainableError: a network cannot be built, or does not take the settings.
    """
    if isinstance(other, CostValues):
        # Its values are known; those of further members are predicted from a part of them.
        step = max(1, math.ceil(len(other.values) / _MOST_OF_OTHER))
        wanted = set(measured.keys())
        kept = [place for place, key in enumerate(other.keys()) if place % step == 0 or key in wanted]
        other = CostPredictor(space, other.taken(kept), None, settings, known=other)
    return CostPredictor(space, measured, other, settings)


def _check_share(name: str, value: object) -> None:
    check_number(name, value, 0, 1, open_low=True)
    if value == 1:
        raise TrainableError(f"{name} is {value!r}; no interval holds for all members, so it must be below 1")


def _chosen(counted: Sequence[MemberCounts], engine: Engine) -> list[Counts]:
    return [one.live if engine == "live" else one.executed for one in counted]
