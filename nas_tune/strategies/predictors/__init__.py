"""Parts of strategies with a model: features of architectures, models of scores, and candidates.

All results follow from a space, a study's trials and a seed. Caches between proposals only save time: a fresh process
computes the same.
"""

from __future__ import annotations

from nas_tune.strategies.predictors.candidates import Candidates, DescribedArchitectures
from nas_tune.strategies.predictors.features import FeatureBlocks, Features
from nas_tune.strategies.predictors.gaussian import GaussianModel
from nas_tune.strategies.predictors.observations import Observations
from nas_tune.strategies.predictors.random_layers import RandomLayers

__all__ = [
    "Candidates",
    "DescribedArchitectures",
    "FeatureBlocks",
    "Features",
    "GaussianModel",
    "Observations",
    "RandomLayers",
]
