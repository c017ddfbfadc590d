"""The face for Optuna: define-by-run suggestions, and flat distributions. Optuna is imported when asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from search_spaces.algebra.flat import IntegerRange, Parameter, RealRange
from search_spaces.algebra.interpreter import Decider
from search_spaces.architecture import Scalar

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Trial", "distributions", "suggested"]


class Trial(Protocol):
    """What a space needs of an Optuna trial; `FixedTrial` and `FrozenTrial` have it too."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """One of `choices`."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """An int from `low` to `high`."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """A float from `low` to `high`."""


def suggested(trial: Trial) -> Decider:
    """Decides by asking the trial, parameter by parameter, only for what is active."""

    def decide(parameter: Parameter, odds: float | None = None, /) -> Scalar:
        return parameter.read(_ask(trial, parameter))

    return decide


def _ask(trial: Trial, parameter: Parameter) -> object:
    if isinstance(parameter, IntegerRange):
        p = parameter
        return trial.suggest_int(p.name, p.low, p.high, step=p.step, log=p.log)
    if isinstance(parameter, RealRange):
        return trial.suggest_float(
            parameter.name, parameter.low, parameter.high, step=parameter.step, log=parameter.log
        )
    return trial.suggest_categorical(parameter.name, parameter.choices or ())


def distributions(parameters: Iterable[Parameter]) -> dict[str, BaseDistribution]:
    """An Optuna distribution for each parameter, by name; the same as `suggested` makes trials record."""
    return {parameter.name: _distribution(parameter) for parameter in parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, IntegerRange):
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, RealRange):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    return CategoricalDistribution(parameter.choices or ())
