"""How good a cost predictor is: its errors on members that it was not fitted to, and its wrong decisions as a gate.

As a gate for a limit it accepts a member by its predicted value, or, with a margin, unless the lower end of its
interval is above the limit. Members that are accepted with a margin are measured before they count, so that none of
them breaks the limit in the end; what is refused is lost. So the share of feasible members that are refused is what a
gate with a margin must keep small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from trainables.errors import DataError
from trainables.hardware.cost_predictor import CostPredictor
from trainables.hardware.cost_values import CostValues
from trainables.hardware.operation_counts import FloatArray

__all__ = ["GateScore", "PredictorScore", "score_values"]

_RESAMPLES = 200
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class GateScore:
    """The decisions of a gate at a limit.

    Attributes:
        accepted: the share of members that it accepts.
        infeasible: the share of the accepted that are above the limit; None where none is accepted.
        refused: the share of the members within the limit that it refuses; None where none is within.
    """

    accepted: float
    infeasible: float | None
    refused: float | None


@dataclass(frozen=True, slots=True)
class PredictorScore:
    """The quality of a predictor on members that it was not fitted to.

    Attributes:
        members: how many.
        left_out: members of the frame that it was fitted to, which do not count.
        median_error: the median of the relative errors.
        high_error: the quantile at 90 % of the relative errors.
        tau: the rank correlation of Kendall (tau-b); None where all values are equal.
        tau_interval: its interval of 95 %, by bootstrap over the members; None where tau is.
        inside: the share of true values in the interval of the prediction.
        confidence: the share that the interval is meant for.
        limit: the limit of the gates.
        gate: with the predicted value alone.
        gate_with_margin: with the lower end of the interval.
    """

    members: int
    left_out: int
    median_error: float
    high_error: float
    tau: float | None
    tau_interval: tuple[float, float] | None
    inside: float
    confidence: float
    limit: float
    gate: GateScore
    gate_with_margin: GateScore


def score_values(
    predictor: CostPredictor, values: CostValues, *, quantile: float = 0.25, confidence: float = 0.9
) -> PredictorScore:
    """Score a predictor on measured members.

    Args:
        predictor: the predictor.
        values: the values. Members that the predictor was fitted to are left out.
        quantile: the quantile of the values that is the limit of the gate.
        confidence: of the intervals.

    Returns:
        The score.

    Raises:
        DataError: fewer than two members are left.
    """
    held_out = values.without(set(predictor.measured.keys()))
    true = held_out.values
    if len(true) < _FEWEST:
        raise DataError(
            f"a score needs at least {_FEWEST} members that the predictor was not fitted to, and the frame has "
            f"{len(true)}; measure others, or fit to fewer"
        )
    found = predictor.predict(held_out.architectures, confidence=confidence)
    predicted, low, high = (found[name].to_numpy() for name in ("value", "low", "high"))
    errors = np.abs(predicted / true - 1)
    limit = float(np.quantile(true, quantile))
    tau = _tau(predicted, true)
    return PredictorScore(
        members=len(true),
        left_out=len(values.values) - len(true),
        median_error=float(np.median(errors)),
        high_error=float(np.quantile(errors, 0.9)),
        tau=tau,
        tau_interval=None if tau is None else _tau_interval(predicted, true),
        inside=float(np.mean((low <= true) & (true <= high))),
        confidence=confidence,
        limit=limit,
        gate=_gate(predicted <= limit, true <= limit),
        gate_with_margin=_gate(low <= limit, true <= limit),
    )


def _gate(accepted: npt.NDArray[np.bool_], feasible: npt.NDArray[np.bool_]) -> GateScore:
    return GateScore(
        float(accepted.mean()),
        float(1 - feasible[accepted].mean()) if accepted.any() else None,
        float(1 - accepted[feasible].mean()) if feasible.any() else None,
    )


def _tau(predicted: FloatArray, true: FloatArray) -> float | None:
    from scipy.stats import kendalltau

    found = float(kendalltau(predicted, true).statistic)
    return None if np.isnan(found) else found


def _tau_interval(predicted: FloatArray, true: FloatArray) -> tuple[float, float]:
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        rows = random.integers(len(true), size=len(true))
        tau = _tau(predicted[rows], true[rows])
        if tau is not None:
            drawn.append(tau)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)
