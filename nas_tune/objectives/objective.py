"""What a search optimizes: one metric, or several at once, each to its maximum or its minimum.

The first of several objectives is the leading one: its value is the value of a trial, and it breaks ties. The decorator
`several_objectives` marks the strategies and schedulers that handle more than one objective; a search with several
objectives refuses the others at its start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from nas_tune.errors import ConfigError
from search_spaces.registry import Registry
from trainables.costs.quantities import QUANTITIES
from trainables.metrics import ACCURACY, Mode, discrete, modes_of

__all__ = [
    "Mode",
    "Objective",
    "check_several",
    "declared_modes",
    "mode_left_out",
    "objectives_of",
    "scores_of",
    "several_objectives",
    "takes_several",
]

_KNOWN: dict[str, Mode] = {one.name: one.mode for one in (ACCURACY, discrete(ACCURACY))}
_KNOWN |= {name: one.metric.mode for name, one in QUANTITIES.items()}
"""The modes of metrics that mean the same in every trainable."""
_MARK = "_takes_several_objectives"
_Factory = TypeVar("_Factory", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric to optimize, and its direction.

    Attributes:
        metric: the name of the metric.
        mode: "max" if greater is better, else "min".
    """

    metric: str
    mode: Mode

    def score(self, value: float) -> float:
        """Turn the sign of a value so that greater is better.

        Args:
            value: the value of the metric.

        Returns:
            The score.
        """
        return value if self.mode == "max" else -value


def objectives_of(metric: str | Sequence[str], mode: Mode | Sequence[Mode]) -> tuple[Objective, ...]:
    """Pair metrics with their modes.

    Args:
        metric: the name of one metric, or of several; at least one.
        mode: one mode for every metric, or one mode for each.

    Returns:
        The objectives, in the order of the metrics.
    """
    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    modes = (mode,) * len(metrics) if isinstance(mode, str) else tuple(mode)
    return tuple(Objective(name, way) for name, way in zip(metrics, modes, strict=True))


def mode_left_out(metric: object) -> Mode | list[Mode] | None:
    """Find the mode of a search whose configuration sets none.

    A search may optimize a metric of any trainable, so a mode is known only for accuracy and the quantities of
    `trainables.costs.quantities`.

    Args:
        metric: the name of a metric, or several names; another value gives None.

    Returns:
        The mode of a metric, or that of each of several; None if a mode must be set.
    """
    names = _names(metric)
    if not names or not all(name in _KNOWN for name in names):
        return None
    return _KNOWN[names[0]] if isinstance(metric, str) else [_KNOWN[name] for name in names]


def declared_modes(target: object, metric: object, settings: Mapping[str, Any]) -> list[Mode] | None:
    """Read the modes that a trainable declares.

    Args:
        target: the trainable; None declares nothing.
        metric: the name of a metric, or several names; another value gives None.
        settings: of the trainable.

    Returns:
        The mode of each metric; None unless the trainable declares one of them, and the others are declared or known.
    """
    names = _names(metric)
    modes = modes_of(target, settings) if names and target is not None else {}
    if not any(name in modes for name in names):
        return None
    known = {**_KNOWN, **modes}
    return [known[name] for name in names] if all(name in known for name in names) else None


def _names(metric: object) -> list[str]:
    return [metric] if isinstance(metric, str) else list(metric) if isinstance(metric, list | tuple) else []


def scores_of(metrics: Mapping[str, float], objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """Compute the scores of the metrics of one epoch.

    Args:
        metrics: the values of the epoch by metric.
        objectives: the objectives of the search.

    Returns:
        One score for each objective, greater is better; None if a value is missing or not finite.
    """
    scores = tuple(one.score(metrics.get(one.metric, math.nan)) for one in objectives)
    return scores if all(map(math.isfinite, scores)) else None


def several_objectives(factory: _Factory) -> _Factory:
    """Mark a strategy or scheduler as able to handle several objectives; classes derived from it inherit the mark.

    Args:
        factory: the class or function to decorate.

    Returns:
        The same class or function.
    """
    setattr(factory, _MARK, True)
    return factory


def takes_several(factory: Callable[..., object]) -> bool:
    """Tell whether a strategy or scheduler can handle several objectives.

    Args:
        factory: its class or function.

    Returns:
        Whether `several_objectives` marks it.
    """
    return bool(getattr(factory, _MARK, False))


def check_several(
    kind: str, registry: Registry[Callable[..., object]], name: str, objectives: Sequence[Objective]
) -> None:
    """Check that a strategy or scheduler can handle the number of objectives.

    Args:
        kind: "strategy" or "scheduler", for the message.
        registry: the registry of this kind.
        name: the name of the strategy or scheduler.
        objectives: the objectives of the search.

    Raises:
        ConfigError: there are several objectives, and it handles one only; the message lists those that handle several.
    """
    if len(objectives) == 1 or takes_several(registry[name]):
        return
    able = ", ".join(other for other, factory in registry.items() if takes_several(factory))
    names = ", ".join(one.metric for one in objectives)
    raise ConfigError(
        f"{kind}: {name!r} optimizes one metric, and there are {len(objectives)} ({names}); take one that can handle "
        f"several ({able}), or a single metric"
    )
