"""Predictions of a winner: of a run, of its retraining, or of an exported folder, which needs no run."""

from __future__ import annotations

from nas_tune.winners.predict.frames import prediction_frame
from nas_tune.winners.predict.loading import load
from trainables.tasks.predictor import Predictor

__all__ = ["Predictor", "load", "prediction_frame"]
