"""BANANAS (White, Neiswanger and Savani 2019, arXiv 1910.11858): an ensemble of predictors on path encodings.

An ensemble predicts the mean and the spread of the score of every candidate; independent Thompson sampling draws one
score for each, and the candidate with the best draw is proposed. Candidates are mutations of the best trials. The
predictors are networks with one wide layer of random weights and a last layer fitted in closed form: they differ in the
random layer, as the paper's differ in their initial weights, and are fitted in milliseconds. In spaces without paths
the features are the decisions. Several objectives get new weights at every proposal (as by Paria, Kandasamy and Poczos
2019, arXiv 1805.12168, with Thompson sampling; the function is ParEGO's, see `predictors.observations`).
"""

from __future__ import annotations

import numpy as np
from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Candidates, FeatureBlocks, Observations, RandomLayers
from nas_tune.strategies.predictors.features import Numbers
from nas_tune.strategies.predictors.observations import winsorized
from search_spaces import Architecture, Space

__all__ = ["Bananas"]

_LEARNT = 256
_PARENTS = 10


@several_objectives
class Bananas(ArchitectureSampler):
    """Proposes the mutation of the best trials that Thompson sampling from an ensemble on path encodings prefers.

    Args:
        space: the space of the study's parameters.
        seed: the seed of this proposal and of those after it.
        startup: how many trials are drawn at random first (the paper's 10; default: 10).
        ensemble: how many predictors there are (the paper's 5; default: 5).
        candidates: how many mutations compete (of the paper's 100 it takes 10 at once; default: 40).
    """

    def __init__(self, space: Space, seed: int, startup: int = 10, ensemble: int = 5, candidates: int = 40) -> None:
        if startup < 2:
            raise ConfigError(f"strategy.startup is {startup}; a predictor needs at least 2 trials to start from")
        if ensemble < 2:
            raise ConfigError(f"strategy.ensemble is {ensemble}; only 2 predictors or more can disagree")
        if candidates < 1:
            raise ConfigError(
                f"strategy.candidates is {candidates}; the best of them is proposed, so at least 1 is needed"
            )
        super().__init__(space, seed)
        self.startup, self.ensemble, self.candidates = startup, ensemble, candidates

    def propose(self, study: Study, number: int) -> Architecture:
        """Propose the mutation with the best draw; a random member while there are fewer trials than `startup`."""
        known, pool = Observations.of(study, self.space, number, self.rng), Candidates.of(self.space)
        if len(known.scores) < self.startup:
            return pool.fresh(self.rng, known.taken)
        parents, count = known.best(_PARENTS), self.candidates if self.space.size != 1 else 0
        made = [self.space.mutate(parents[index % len(parents)], self.rng) for index in range(count)]
        unseen = [one for one in made if one.id not in known.taken]
        if not unseen:
            return pool.fresh(self.rng, known.taken)
        asked = pool.described(unseen)
        places = known.training_set(_LEARNT)
        seen = pool.described(known.architectures[place] for place in places)
        model = RandomLayers(_paths(seen.blocks), winsorized(known.scores)[places], self.ensemble)
        mean, deviation = model.predict(_paths(asked.blocks))
        noise = np.random.default_rng(self.rng.getrandbits(32)).standard_normal(len(mean))
        return asked.architectures[int((mean + deviation * noise).argmax())]


def _paths(blocks: FeatureBlocks) -> Numbers:
    return blocks.paths if blocks.paths.shape[1] else blocks.decisions
