"""A space for Optuna: define-by-run suggestions, and flat distributions. Optuna is imported by the first call."""

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
    """The methods of an Optuna trial that a space calls; `Trial`, `FixedTrial` and `FrozenTrial` have them."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Suggest an option.

        Args:
            name: the parameter.
            choices: its options.

        Returns:
            One of `choices`.
        """

    def suggest_int(self, name: str, low: int, high: int, *, step: int = 1, log: bool = False) -> int:
        """Suggest an int.

        Args:
            name: the parameter.
            low: the lowest int.
            high: the highest int, included.
            step: the distance of two ints.
            log: whether magnitudes are equally likely.

        Returns:
            An int from `low` to `high`.
        """

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        """Suggest a float.

        Args:
            name: the parameter.
            low: the lowest float.
            high: the highest float, included.
            step: the distance of two floats of the grid; None for no grid.
            log: whether magnitudes are equally likely.

        Returns:
            A float from `low` to `high`.
        """


def suggested(trial: Trial) -> Decider:
    """Decide by the suggestions of a trial.

    Args:
        trial: an Optuna trial; it is asked for active parameters only.

    Returns:
        The decider.
    """

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
    """Describe parameters as Optuna distributions.

    Args:
        parameters: the parameters of a space.

    Returns:
        A distribution by name, equal to the one that `suggested` makes a trial record.
    """
    return {parameter.name: _distribution(parameter) for parameter in parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(parameter, IntegerRange):
        return IntDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    if isinstance(parameter, RealRange):
        return FloatDistribution(parameter.low, parameter.high, log=parameter.log, step=parameter.step)
    return CategoricalDistribution(parameter.choices or ())
