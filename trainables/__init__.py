"""Training and evaluating one architecture: the `Trainable` protocol, networks, data, cost, checkpoints.

The package does not depend on Ray or Optuna. Importing it does not import torch: a name is loaded on its first use.

    trainable = trainables.adapt("image_classifier", {"data": "digits"})
    trainable.setup(architecture, seed=0, max_epochs=9)
    metrics = trainable.step()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from search_spaces.lazy_names import lazy_names

if TYPE_CHECKING:
    from trainables.costs.cost import Cost, cost_of
    from trainables.errors import (
        CheckpointError,
        DataError,
        DivergedError,
        EndOfTraining,
        InfeasibleArchitectureError,
        TrainableError,
    )
    from trainables.networks import build
    from trainables.protocol import Trainable
    from trainables.registry import adapt, get, names, register
    from trainables.supernet.estimator import SharedWeights
    from trainables.supernet.trainable import DartsTrainable
    from trainables.tasks.image_classifier import ImageClassifier
    from trainables.trial.deadline import check_time
    from trainables.trial.generator import GeneratorTrainable

__all__ = [
    "CheckpointError",
    "Cost",
    "DartsTrainable",
    "DataError",
    "DivergedError",
    "EndOfTraining",
    "GeneratorTrainable",
    "ImageClassifier",
    "InfeasibleArchitectureError",
    "SharedWeights",
    "Trainable",
    "TrainableError",
    "adapt",
    "build",
    "check_time",
    "cost_of",
    "get",
    "names",
    "register",
]

_MODULES = {
    "trainables.costs.cost": ("Cost", "cost_of"),
    "trainables.supernet.trainable": ("DartsTrainable",),
    "trainables.trial.deadline": ("check_time",),
    "trainables.errors": (
        "CheckpointError",
        "DataError",
        "DivergedError",
        "EndOfTraining",
        "InfeasibleArchitectureError",
        "TrainableError",
    ),
    "trainables.trial.generator": ("GeneratorTrainable",),
    "trainables.tasks.image_classifier": ("ImageClassifier",),
    "trainables.networks": ("build",),
    "trainables.protocol": ("Trainable",),
    "trainables.registry": ("adapt", "get", "names", "register"),
    "trainables.supernet.estimator": ("SharedWeights",),
}
_HOME = {name: module for module, members in _MODULES.items() for name in members}

__getattr__ = lazy_names(__name__, _HOME)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
