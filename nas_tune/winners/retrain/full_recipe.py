"""The full recipe of a retraining: what a search leaves out to be quick, and a network that is to be used deserves.

It is that of the field for small images (Zoph et al. 2018, 1707.07012; Liu et al. 2019, 1806.09055): all images but
the test images, a cosine over the whole training, cutout, label smoothing, an auxiliary head, drop path, and the
average of the weights. What the run's configuration says itself stays as it is; `changes` decide before both.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from nas_tune.winners.retrain.origin import Origin
from trainables.registry import adapt

if TYPE_CHECKING:
    from trainables.tasks.image_classifier import ImageClassifier

__all__ = ["recipe_of"]

EMA = 0.999
DROP_PATH = 0.2
LABEL_SMOOTHING = 0.1
CUTOUT_SHARE = 4
"""The cleared square has a quarter of the image's side."""


def recipe_of(origin: Origin, changes: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The settings of the retraining's trainable, and what a person should know of them.

    An image classifier gets the full recipe; another trainable its own settings, and `whole` where it takes that.

    Raises:
        TrainableError, DataError: the settings are not what the trainable takes, or its images are not there.
    """
    given = {**origin.settings, **changes}
    settings = {**given, **dict(_additions(origin, given))}
    notes = []
    takes = inspect.signature(origin.target).parameters
    if "whole" not in takes:
        notes.append(f"{origin.name} takes no setting `whole`, so it was not asked to train on validation data too")
    if not hasattr(origin.target, "evaluate"):
        notes.append(f"{origin.name} has no evaluate(split), so nothing is tested: scores are those of its own reports")
    adapt(origin.target, settings)
    return settings, notes


def _additions(origin: Origin, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What nobody has set and the full recipe has."""
    if "whole" in inspect.signature(origin.target).parameters and "whole" not in settings:
        yield "whole", True
    if not origin.classifies:
        return
    takes = inspect.signature(origin.target).parameters
    if "cutout" in takes and "cutout" not in settings:
        made = cast("ImageClassifier", adapt(origin.target, settings))
        yield "cutout", max(1, min(made.image_shape()[1:]) // CUTOUT_SHARE)
    for key, value in {"ema": EMA, "label_smoothing": LABEL_SMOOTHING}.items():
        if key in takes and key not in settings:
            yield key, value
    if "network" in takes and (added := _of_network(settings)):
        yield "network", {**added, **(settings.get("network") or {})}


def _of_network(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The auxiliary head and drop path, where the builder of the networks takes them."""
    from trainables.networks import builder_of

    takes = inspect.signature(builder_of(settings.get("space", "nb201"))).parameters
    return {key: value for key, value in {"auxiliary": True, "drop_path": DROP_PATH}.items() if key in takes}
