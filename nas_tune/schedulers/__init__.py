"""Multi-fidelity schedulers by name: which trials are stopped or paused early, and when.

scheduler = schedulers.make("asha", max_epochs=9, settings={"reduction": 3})
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from nas_tune.config.components import make_component
from nas_tune.objectives.objective import several_objectives
from nas_tune.schedulers.asha import Asha
from nas_tune.schedulers.asha_promote import AshaPromote
from nas_tune.schedulers.base import NeverPauses, Scheduler, Score, Verdict, judged
from nas_tune.schedulers.batched import Batched
from nas_tune.schedulers.hyperband import Hyperband
from nas_tune.schedulers.learning_curve import LearningCurve
from nas_tune.schedulers.median import Median
from nas_tune.schedulers.none import NoScheduler

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
    "judged",
    "make",
]


@several_objectives
def no_scheduler(max_epochs: int) -> Scheduler:
    """Every trial trains to its last epoch."""
    return NoScheduler()


SCHEDULERS: dict[str, Callable[..., Scheduler]] = {
    "asha": Asha,
    "asha_promote": AshaPromote,
    "hyperband": Hyperband,
    "learning_curve": LearningCurve,
    "median": Median,
    "none": no_scheduler,
}


def make(name: str, max_epochs: int, settings: Mapping[str, object] | None = None) -> Scheduler:
    """The scheduler called `name`.

    Raises:
        UnknownNameError: no scheduler has that name.
        ConfigError: a setting that it does not take, or a value out of its range.
    """
    return make_component("scheduler", SCHEDULERS, name, {"max_epochs": max_epochs}, settings or {})
