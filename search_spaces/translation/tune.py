"""A space for Ray Tune: one flat domain for each parameter. Ray is imported by the first call.

Tune's domains have no conditions, and round grids to multiples of their step. So the dictionary is flat and Tune draws
every parameter; `Space.from_params` ignores the inactive ones. A grid that does not lie on multiples of its step
becomes a choice of its values.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from search_spaces.algebra.flat import IntegerRange, Parameter, RealRange

__all__ = ["domains"]


def domains(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Describe parameters as Ray Tune domains.

    Args:
        parameters: the parameters of a space.

    Returns:
        A domain by name.
    """
    return {parameter.name: _domain(parameter) for parameter in parameters}


def _domain(parameter: Parameter) -> Any:
    from ray import tune

    if isinstance(parameter, IntegerRange):
        return _integer(parameter)
    if isinstance(parameter, RealRange):
        return _real(parameter)
    return tune.choice(list(parameter.choices or ()))


def _integer(p: IntegerRange) -> Any:
    from ray import tune

    if p.log:
        return tune.lograndint(p.low, p.high + 1)
    if p.step == 1:
        return tune.randint(p.low, p.high + 1)
    if p.low % p.step == 0:
        return tune.qrandint(p.low, p.high, p.step)
    return tune.choice([p.value(index) for index in range(p.count)])


def _real(p: RealRange) -> Any:
    from ray import tune

    if p.log:
        return tune.loguniform(p.low, p.high)
    if p.step is None:
        return tune.uniform(p.low, p.high)
    quotient = p.low / p.step
    if abs(quotient - round(quotient)) < 1e-9:
        return tune.quniform(p.low, p.high, p.step)
    return tune.choice([p.value(index) for index in range(p.count or 0)])
