"""The bounds of numeric settings: the least and the greatest value are taken, and what lies beyond them is refused.

They are held by `LearnerSettings`, `ClassifierSettings`, `Optimization` and `SignalSettings`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from trainables.data.signals.settings import SignalSettings
from trainables.errors import TrainableError
from trainables.tasks.image_classifier import ImageClassifier
from trainables.tasks.learner import Learner
from trainables.training.optimization import Optimization

TRAINED = {"batch_size": (2, 1), "ema": (0, -0.1), "auxiliary_weight": (0, -0.5), "label_smoothing": (0, -0.1)}
STEPS = {"weight_decay": (0, -1e-9), "momentum": (0, -0.1), "warmup": (0, -0.1), "grad_clip": (0, -1)}
SIGNALS = dict.fromkeys(("sample_rate", "length", "window", "horizon", "step"), (1, 0))
LEAST = [
    *((ImageClassifier, name, *values) for name, values in {**TRAINED, **STEPS}.items()),
    *((partial(Learner, task="classification"), name, *values) for name, values in {**TRAINED, **STEPS}.items()),
    *((Optimization, name, *values) for name, values in STEPS.items()),
    *((SignalSettings, name, *values) for name, values in SIGNALS.items()),
]
GREATEST = [
    (ImageClassifier, "label_smoothing", 0.9, 0.91),
    (ImageClassifier, "ema", 0.999999, 1),
    (Optimization, "warmup", 0.9, 0.95),
    (Optimization, "momentum", 0.9999, 1),
    (SignalSettings, "validation_share", 0.9, 0.95),
]


@pytest.mark.parametrize(("made", "name", "allowed", "refused"), [*LEAST, *GREATEST])
def test_a_bound_is_allowed_and_what_lies_beyond_it_is_refused(
    made: Callable[..., Any], name: str, allowed: float, refused: float
) -> None:
    made(**{name: allowed})
    with pytest.raises(TrainableError, match=name):
        made(**{name: refused})
