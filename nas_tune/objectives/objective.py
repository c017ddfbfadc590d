"""What a search optimizes: one metric, or several at once, each to its maximum or its minimum.

Of several, the first is the one that leads: its value is the value of a trial, and it breaks ties. A strategy or a
scheduler says with `several_objectives` that it can handle more than one; the others are refused at the start.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from nas_tune.errors import ConfigError
from search_spaces.registry import Registry
from trainables.metrics import MODES, Mode, modes_of

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

_ACCURACIES = ("accuracy", "discrete_accuracy")
_MARK = "_takes_several_objectives"
_Factory = TypeVar("_Factory", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Objective:
    """A metric's name, and whether more of it is better."""

    metric: str
    mode: Mode

    def score(self, value: float) -> float:
        """The value turned so that greater is better."""
        return value if self.mode == "max" else -value


def objectives_of(metric: str | Sequence[str], mode: Mode | Sequence[Mode]) -> tuple[Objective, ...]:
    """The objectives, at least one; a single mode is that of every metric."""
    metrics = (metric,) if isinstance(metric, str) else tuple(metric)
    modes = (mode,) * len(metrics) if isinstance(mode, str) else tuple(mode)
    return tuple(Objective(name, way) for name, way in zip(metrics, modes, strict=True))


def mode_left_out(metric: object) -> Mode | None:
    """The mode of a search that says none: "max" for an accuracy; None where it has to be said.

    A search may optimize a metric of any trainable, so that of other names nothing is known.
    """
    names = [metric] if isinstance(metric, str) else list(metric) if isinstance(metric, list | tuple) else []
    return MODES["accuracy"] if names and all(name in _ACCURACIES for name in names) else None


def declared_modes(target: object, metric: object) -> list[Mode] | None:
    """What a trainable says of each metric by its attribute `modes`; None where it does not name every one."""
    names = [metric] if isinstance(metric, str) else list(metric) if isinstance(metric, list | tuple) else []
    modes = {} if target is None else modes_of(target)
    return [modes[name] for name in names] if names and all(name in modes for name in names) else None


def scores_of(metrics: Mapping[str, float], objectives: Sequence[Objective]) -> tuple[float, ...] | None:
    """What an epoch came to in every objective, greater is better; None if one is missing or not finite."""
    scores = tuple(one.score(metrics.get(one.metric, math.nan)) for one in objectives)
    return scores if all(map(math.isfinite, scores)) else None


def several_objectives(factory: _Factory) -> _Factory:
    """Decorates a strategy or scheduler that can handle several objectives; what is derived from it can too."""
    setattr(factory, _MARK, True)
    return factory


def takes_several(factory: Callable[..., object]) -> bool:
    """Whether a strategy or scheduler can handle several objectives."""
    return bool(getattr(factory, _MARK, False))


def check_several(
    kind: str, registry: Registry[Callable[..., object]], name: str, objectives: Sequence[Objective]
) -> None:
    """Refuse what can handle one objective only, where there are several.

    Raises:
        ConfigError: it names those that can.
    """
    if len(objectives) == 1 or takes_several(registry[name]):
        return
    able = ", ".join(other for other, factory in registry.items() if takes_several(factory))
    names = ", ".join(one.metric for one in objectives)
    raise ConfigError(
        f"{kind}: {name!r} optimizes one metric, and there are {len(objectives)} ({names}); take one that can handle "
        f"several ({able}), or a single metric"
    )
