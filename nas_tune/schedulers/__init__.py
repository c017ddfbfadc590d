"""Multi-fidelity schedulers by name: a scheduler stops or pauses trials early.

    scheduler = schedulers.make("asha", max_epochs=9, settings={"reduction": 3})

The registry maps a name to a class or function that takes `max_epochs` and its settings and returns a `Scheduler`. A
plug-in names its own in the entry points of the group `nas_tune.schedulers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nas_tune.config.components import checked_factory, make_component
from nas_tune.errors import ConfigError
from nas_tune.schedulers.asha import Asha
from nas_tune.schedulers.asha_promote import AshaPromote
from nas_tune.schedulers.base import NeverPauses, Scheduler, Score, Verdict, verdict_of
from nas_tune.schedulers.batched import Batched
from nas_tune.schedulers.hyperband import Hyperband
from nas_tune.schedulers.learning_curve import LearningCurve
from nas_tune.schedulers.median import Median
from nas_tune.schedulers.none import NoScheduler
from search_spaces.registry import Registry

__all__ = [
    "SCHEDULERS",
    "Asha",
    "AshaPromote",
    "Batched",
    "Hyperband",
    "LearningCurve",
    "Median",
    "NeverPauses",
    "NoScheduler",
    "Scheduler",
    "Score",
    "Verdict",
    "make",
    "register",
    "verdict_of",
]

_METHODS = ("observe", "next_promotion", "promoted", "forget")


def _factory(name: str, target: object) -> Callable[..., Scheduler]:
    return checked_factory("scheduler", name, target, ("max_epochs",), "a Scheduler (nas_tune.schedulers.base)")


SCHEDULERS: Registry[Callable[..., Scheduler]] = Registry(
    "scheduler",
    "schedulers",
    {
        "asha": "nas_tune.schedulers.asha:Asha",
        "asha_promote": "nas_tune.schedulers.asha_promote:AshaPromote",
        "hyperband": "nas_tune.schedulers.hyperband:Hyperband",
        "learning_curve": "nas_tune.schedulers.learning_curve:LearningCurve",
        "median": "nas_tune.schedulers.median:Median",
        "none": "nas_tune.schedulers.none:no_scheduler",
    },
    check=_factory,
    error=ConfigError,
)


def register(name: str, factory: Callable[..., Scheduler] | str, *, replace: bool = False) -> None:
    """Make a scheduler known as `name`; a run that uses it finds it again where it is resumed.

    Args:
        name: the name in configurations and on command lines.
        factory: a class or function that takes `max_epochs` and its settings, all by name, and returns a `Scheduler`;
            or "module:attribute". Decorate it with `nas_tune.objectives.objective.several_objectives` if it can judge
            by several metrics.
        replace: whether to replace a scheduler that already has the name (default: False, which refuses).

    Raises:
        ConfigError: the name breaks the rule or is taken, or the factory cannot be called so.
    """
    SCHEDULERS.register(name, factory, replace=replace)


def make(name: str, max_epochs: int, settings: Mapping[str, object] | None = None) -> Scheduler:
    """Make the scheduler called `name`.

    Args:
        name: a name of the registry.
        max_epochs: length of a full training, in epochs.
        settings: the scheduler's own settings by name (default: none).

    Returns:
        The scheduler, without reports.

    Raises:
        UnknownNameError: no scheduler has that name.
        ConfigError: the scheduler does not take a setting, a value is out of its range, or the factory returns no
            scheduler.
    """
    made = make_component("scheduler", SCHEDULERS, name, {"max_epochs": max_epochs}, settings or {})
    lacking = [method for method in _METHODS if not callable(getattr(made, method, None))]
    if lacking or not hasattr(made, "pauses"):
        lacks = ", ".join([f"{method}()" for method in lacking] or ["the attribute pauses"])
        raise ConfigError(
            f"the scheduler {name!r} made a {type(made).__name__}, which lacks {lacks}; derive one that only stops "
            "from nas_tune.schedulers.NeverPauses, and write observe() and forget()"
        )
    return made
