"""The controls of the task `signal`: simple models of the same training signals, which need no search.

Of classes they are the majority class, and a logistic regression of the mean log spectrum; of numbers the mean, and a
ridge regression of the same; of forecasts the last value of the window.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from trainables.controls import Control
from trainables.data.signals import SignalData, WindowPart
from trainables.errors import first_line

__all__ = ["LINEAR", "signal_controls"]

LINEAR = "linear model of the mean spectrum"
_WINDOW = 512
"""The most samples of a window of the spectrum."""
_ROWS = 256
"""Signals whose spectra are computed at once."""
_MOST = 20_000
"""Training signals of which the linear model learns, at even distances where there are more."""
_FLOOR = 1e-10

Measure = Callable[[Tensor, Tensor], Mapping[str, float]]
Array = np.ndarray[Any, Any]


def signal_controls(data: SignalData, measure: Measure) -> list[Control]:
    """Compute the controls.

    Args:
        data: the signals on the CPU.
        measure: a function of outputs and targets that returns the metrics. Outputs are logarithms of probabilities
            (n, classes), or standardized numbers (n, k).

    Returns:
        The metrics on the validation and the test part, and the CPU seconds; or why there are none.
    """
    if isinstance(data.train, WindowPart):
        predicted = data.train.predicted
        return [_control("last value", data, measure, lambda: _last_value(data, predicted))]
    name = "majority class" if data.classes else "mean"
    return [
        _control(name, data, measure, lambda: _constant(data)),
        _control(LINEAR, data, measure, lambda: _linear(data)),
    ]


def _control(
    name: str, data: SignalData, measure: Measure, fitted: Callable[[], Callable[[Tensor], Tensor]]
) -> Control:
    start = time.process_time()
    scores: dict[str, Mapping[str, float]] = {}
    try:
        model = fitted()
        for title, part in (("validation", data.validation), ("test", data.test)):
            if len(part):
                batches = map(part.rows, torch.split(torch.arange(len(part)), _MOST))
                found = [(model(waves), targets) for waves, targets in batches]
                scores[title] = measure(torch.cat([one for one, _ in found]), torch.cat([one for _, one in found]))
    except (ValueError, MemoryError) as error:
        return Control(name, {}, time.process_time() - start, first_line(error))
    return Control(name, scores, time.process_time() - start)


def _last_value(data: SignalData, predicted: int) -> Callable[[Tensor], Tensor]:
    mean, std = data.target_mean, data.target_std
    return lambda waves: (waves[:, predicted, -1:].expand(len(waves), len(mean)) - mean) / std


def _constant(data: SignalData) -> Callable[[Tensor], Tensor]:
    """The shares of the classes, of which the largest is the most likely one; or standardized numbers of zero."""
    if not data.classes:
        return lambda waves: torch.zeros(len(waves), len(data.target_mean))
    shares = data.train.targets.bincount(minlength=len(data.classes)).double() / len(data.train)
    return lambda waves: shares.clamp(min=_FLOOR).log().float().expand(len(waves), -1)


def _linear(data: SignalData) -> Callable[[Tensor], Tensor]:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    step = -(-len(data.train) // _MOST)
    waves, targets = data.train.rows(torch.arange(0, len(data.train), step))
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=300) if data.classes else Ridge())
    wanted = targets if data.classes else (targets - data.target_mean) / data.target_std
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of scikit-learn: that it stops before it has converged
        model.fit(_spectra(waves), wanted.numpy())

    def outputs(shown: Tensor) -> Tensor:
        if not data.classes:
            return torch.from_numpy(np.asarray(model.predict(_spectra(shown)), np.float32)).reshape(len(shown), -1)
        shares = np.full((len(shown), len(data.classes)), _FLOOR)
        shares[:, model.classes_] = model.predict_proba(_spectra(shown))
        return torch.from_numpy(np.log(np.clip(shares, _FLOOR, None))).float()

    return outputs


def _spectra(waves: Tensor) -> Array:
    """The logarithm of the mean power of each frequency of each channel, (n, channels * frequencies)."""
    width = min(_WINDOW, waves.shape[2])
    window = torch.hann_window(width, periodic=False) if width > 2 else torch.ones(width)
    found = []
    for start in range(0, len(waves), _ROWS):
        frames = waves[start : start + _ROWS].float().unfold(2, width, max(1, width // 2))
        power = torch.fft.rfft(frames * window).abs().square().mean(2)
        found.append((power + _FLOOR).log().flatten(1))
    spectra: Array = torch.cat(found).numpy()
    return spectra
