"""What strategies with a model are made of: features of architectures, models of scores, and candidates to choose from.

Everything here follows from a space, a study's trials and a seed. What is kept between proposals is kept for speed:
a fresh process works out the same.
"""

from __future__ import annotations

from nas_tune.strategies.predictors.candidates import Candidates, Described
from nas_tune.strategies.predictors.evidence import Evidence
from nas_tune.strategies.predictors.features import Blocks, Features
from nas_tune.strategies.predictors.gaussian import GaussianModel
from nas_tune.strategies.predictors.random_layers import RandomLayers

__all__ = ["Blocks", "Candidates", "Described", "Evidence", "Features", "GaussianModel", "RandomLayers"]
