"""BANANAS (White, Neiswanger and Savani 2019, arXiv 1910.11858): an ensemble of predictors on path encodings.

An ensemble says of every candidate what to expect and how sure it is; independent Thompson sampling draws one score
for each candidate, and the best draw is proposed. Candidates are mutations of the best trials. The predictors are
networks with one wide layer of random weights, of which the last layer is solved for: the ensemble differs in the
random layer, as the paper's differs in its initial weights, and is fitted in milliseconds. Spaces without paths are
described by their decisions. Several objectives are weighed anew at every proposal (as Paria, Kandasamy and Poczos
2019, arXiv 1805.12168, do with Thompson sampling; the function is ParEGO's, see `predictors.evidence`).
"""

from __future__ import annotations

import numpy as np
from optuna.study import Study

from nas_tune.errors import ConfigError
from nas_tune.objectives.objective import several_objectives
from nas_tune.strategies.architecture_sampler import ArchitectureSampler
from nas_tune.strategies.predictors import Blocks, Candidates, Evidence, RandomLayers
from nas_tune.strategies.predictors.evidence import fenced
from nas_tune.strategies.predictors.features import Numbers
from search_spaces import Architecture, Space

__all__ = ["Bananas"]

_LEARNT = 256
_PARENTS = 10


@several_objectives
class Bananas(ArchitectureSampler):
    """Mutates the best and proposes what an ensemble on path encodings, drawn from by Thompson sampling, likes best.

    Args:
        space: the space of the study's parameters.
        seed: of this proposal and the following ones.
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
            raise ConfigError(f"strategy.candidates is {candidates}; the best is chosen of at least 1")
        super().__init__(space, seed)
        self.startup, self.ensemble, self.candidates = startup, ensemble, candidates

    def propose(self, study: Study, number: int) -> Architecture:
        """The mutation of the best draw, or a random architecture while there are too few trials."""
        known, pool = Evidence.of(study, self.space, number, self.rng), Candidates.of(self.space)
        if len(known.scores) < self.startup:
            return pool.fresh(self.rng, known.taken)
        parents, count = known.best(_PARENTS), self.candidates if self.space.size != 1 else 0
        made = [self.space.mutate(parents[index % len(parents)], self.rng) for index in range(count)]
        unseen = [one for one in made if one.id not in known.taken]
        if not unseen:
            return pool.fresh(self.rng, known.taken)
        asked = pool.described(unseen)
        places = known.weightiest(_LEARNT)
        seen = pool.described(known.architectures[place] for place in places)
        model = RandomLayers(_paths(seen.blocks), fenced(known.scores)[places], self.ensemble)
        mean, deviation = model.predict(_paths(asked.blocks))
        noise = np.random.default_rng(self.rng.getrandbits(32)).standard_normal(len(mean))
        return asked.architectures[int((mean + deviation * noise).argmax())]


def _paths(blocks: Blocks) -> Numbers:
    return blocks.paths if blocks.paths.shape[1] else blocks.decisions
