"""`ImageClassifier`: a `Learner` whose task is the classification of images.

classifier = ImageClassifier(space="nb201", data="digits")
classifier.setup(architecture, seed=0, max_epochs=9)
for _ in range(9):
    print(classifier.step()["accuracy"])
print(classifier.evaluate("test"))
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Unpack, cast

from trainables.networks import space_name, tree_of
from trainables.settings.groups import from_flat, takes
from trainables.tasks.classification import LABEL_SMOOTHING, Classification
from trainables.tasks.classifier_settings import ClassifierKeywords, ClassifierSettings
from trainables.tasks.image_task import CUTOUT_SHARE, without_later
from trainables.tasks.learner import DROP_PATH, EMA, Learner
from trainables.tasks.learner_settings import LearnerSettings
from trainables.tasks.registry import with_file
from trainables.trial.checkpoint import named
from trainables.trial.older_identities import as_text

if TYPE_CHECKING:
    from search_spaces.architecture import Architecture

__all__ = ["CUTOUT_SHARE", "DROP_PATH", "EMA", "LABEL_SMOOTHING", "ImageClassifier"]


class ImageClassifier(Learner):
    """A network of `space` trained on the images of `data`.

    Args:
        settings: those of `ClassifierSettings`, side by side: `space` and the network's (`NetworkSettings`), `data` and
            how it is parted (`DataSettings`), how weights are trained (`Optimization`), and views (`Views`).
    """

    kind = "classifier"

    @takes(ClassifierSettings)
    def __init__(self, **settings: Unpack[ClassifierKeywords]) -> None:
        self._begin(with_file(settings, Classification.name))

    def _configured(self, decided: Mapping[str, object]) -> tuple[LearnerSettings, Classification]:
        of = from_flat(ClassifierSettings, {**self._given, **decided})
        learner = LearnerSettings(
            space=of.space,
            network=of.network,
            batch_size=of.batch_size,
            optimization=of.optimization,
            ema=of.ema,
            auxiliary_weight=of.auxiliary_weight,
            device=of.device,
        )
        return learner, Classification(data=of.data, views=of.views, label_smoothing=of.label_smoothing)

    def _kept_settings(self) -> dict[str, Any]:
        data = cast("Classification", self._run.task).data
        reading = {"resize": data.resize, "image_column": data.image_column}
        return {name: value for name, value in reading.items() if value is not None}

    @classmethod
    def task_of(cls, settings: Mapping[str, object]) -> Classification:
        """Make the task, whatever the settings are: its metrics do not depend on them."""
        return Classification()

    @classmethod
    def setting_names(cls, settings: Mapping[str, object]) -> list[str]:
        """List the settings of the class."""
        return list(inspect.signature(cls).parameters)

    def image_shape(self) -> tuple[int, ...]:
        """Load the images and read their shape; needs no set-up.

        Returns:
            Channels, height and width; of volumes channels, depth, height and width.
        """
        return cast("Classification", self._task).image_shape()

    def _identity(
        self, of: LearnerSettings, task: Any, architecture: Architecture, seed: int, max_epochs: int
    ) -> dict[str, object]:
        """The identity as it was before there were tasks: checkpoints of that time still load."""
        return {
            "version": 1,
            "space": space_name(of.space),
            "architecture": tree_of(architecture),
            "seed": seed,
            "max_epochs": max_epochs,
            "network": self._network,
            "batch_size": of.batch_size,
            "label_smoothing": task.label_smoothing,
            "auxiliary_weight": of.auxiliary_weight,
            "ema": of.ema,
            **without_later(named(data=task.data, views=task.views, optimization=of.optimization)),
        }

    def _older_identity(self, identity: Mapping[str, object]) -> dict[str, object]:
        """The same, as checkpoints have it that were written before identities had a version."""
        of, images = self._run.settings, cast("Classification", self._run.task)
        kept = ("space", "architecture", "seed", "max_epochs", "network")
        losses = (of.batch_size, images.label_smoothing, of.auxiliary_weight)
        return {
            **{name: identity[name] for name in kept},
            "data": as_text(images.data),
            "training": as_text((*losses, images.views, of.optimization)),
            "whole": images.data.whole or None,
            "ema": of.ema or None,
        }
